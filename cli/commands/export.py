"""`lab export`: a run, or a protocol, for others."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from cli.output import EXIT_INVALID, EXIT_USAGE, Output, failure, param_option, problems_failure


@click.command("export")
@click.argument("what", metavar="RUN_ID|FILE")
@click.option("--to", "target", required=True, type=click.Path(path_type=Path), help="A new folder, or a file.")
@click.option("--as", "form", type=click.Choice(["opentrons"]), help="A protocol file, in this format of others.")
@param_option
@click.pass_obj
def command(output: Output, what: str, target: Path, form: str | None, parameters: tuple[str, ...]) -> None:
    """Write a run as an RO-Crate (protocol, documents, tables, journal, versions), or with --as a protocol file."""
    if form is not None:
        _protocol(output, Path(what), target, parameters)
        return
    if parameters:
        raise failure("export", EXIT_USAGE, "--param sets values of a protocol file: say --as opentrons too")
    from orchestrator.export import ExportError, export

    try:
        files = export(output.runs / what, target)
    except ExportError as error:
        raise failure("export", EXIT_INVALID, str(error)) from error
    output.show("export", {"ok": True, "files": files, "to": str(target)}, [f"{len(files)} files in {target}"])


def _protocol(output: Output, file: Path, target: Path, parameters: tuple[str, ...]) -> None:
    from protocols.exporters.opentrons import export_opentrons
    from protocols.problems import ProtocolError

    try:
        exported = export_opentrons(output.checked("export", file, parameters))
    except ProtocolError as error:
        raise problems_failure("export", file, error.problems) from error
    try:
        target.write_text(json.dumps(exported.document, indent=1, ensure_ascii=False), "utf-8")
    except OSError as error:
        raise failure("export", EXIT_INVALID, f"{target}: {error.strerror}") from error
    commands = len(exported.document["commands"])
    problems = [asdict(problem) for problem in exported.problems]
    lines = [f"{file}: {problem}" for problem in exported.problems]
    lines.append(f"{commands} commands, {len(problems)} remarks; written to {target}")
    output.show("export", {"ok": True, "files": [str(target)], "to": str(target), "problems": problems}, lines)
