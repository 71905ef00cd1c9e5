"""`lab export`: a run for others."""

from pathlib import Path

import click

from cli.output import EXIT_INVALID, Output, failure


@click.command("export")
@click.argument("run_id")
@click.option("--to", "target", required=True, type=click.Path(path_type=Path), help="A folder that is not there yet.")
@click.pass_obj
def command(output: Output, run_id: str, target: Path) -> None:
    """Write a run as an RO-Crate: protocol, documents, tables, journal, versions and their hashes."""
    from orchestrator.export import ExportError, export

    try:
        files = export(output.runs / run_id, target)
    except ExportError as error:
        raise failure("export", EXIT_INVALID, str(error)) from error
    output.show("export", {"ok": True, "files": files, "to": str(target)}, [f"{len(files)} files in {target}"])
