"""`lab import`: protocols of others in our format."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import click

from cli.output import EXIT_INVALID, EXIT_USAGE, Output, failure, file_argument, param_option, problems_failure, values


@click.command("import")
@file_argument
@click.option(
    "--from",
    "origin",
    required=True,
    type=click.Choice(["opentrons", "xdl", "autoprotocol"]),
    help="Whose format it is.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Where to write it (.yaml or .json).")
@param_option
@click.pass_obj
def command(output: Output, file: Path, origin: str, out: Path | None, parameters: tuple[str, ...]) -> None:
    """Turn a protocol of others into ours; what was assumed or could not be mapped is listed."""
    import yaml

    from protocols.importers.autoprotocol import import_autoprotocol
    from protocols.importers.opentrons import import_opentrons
    from protocols.importers.opentrons.python import import_python, read_bundle
    from protocols.importers.xdl import import_xdl
    from protocols.problems import ProtocolError

    try:
        data = file.read_bytes()
    except OSError as error:
        raise failure("import", EXIT_INVALID, f"{file}: {error.strerror}") from error
    python, given = origin == "opentrons" and file.suffix == ".py", values(parameters)
    if given and not python:
        raise failure("import", EXIT_USAGE, "--param sets values of Python protocols only; this file has none")
    try:
        readers = {"opentrons": import_opentrons, "xdl": import_xdl, "autoprotocol": import_autoprotocol}
        imported = import_python(read_bundle(file, given)) if python else readers[origin](data, file.name)
    except ProtocolError as error:
        raise problems_failure("import", file, error.problems) from error
    if out is not None:
        as_yaml = out.suffix in (".yaml", ".yml")
        text = (
            yaml.safe_dump(imported.document, sort_keys=False) if as_yaml else json.dumps(imported.document, indent=1)
        )
        try:
            out.write_text(text, "utf-8")
        except OSError as error:
            raise failure("import", EXIT_INVALID, f"{out}: {error.strerror}") from error
    document = {
        "ok": True,
        "protocol": imported.document,
        "problems": [asdict(problem) for problem in imported.problems],
        "source_sha256": hashlib.sha256(data).hexdigest(),
        "written": str(out) if out else None,
    }
    lines = [f"{file}: {problem}" for problem in imported.problems]
    steps = len(imported.document["steps"])
    lines.append(f"{steps} steps, {len(imported.problems)} remarks" + (f"; written to {out}" if out else ""))
    output.show("import", document, lines)
