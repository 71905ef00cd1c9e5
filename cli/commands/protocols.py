"""`lab protocols`: what is in the library."""

from importlib.resources import files
from pathlib import Path

import click

from cli.output import Output


@click.command("protocols")
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=None, help="Another library.")
@click.pass_obj
def command(output: Output, folder: Path | None) -> None:
    """List the protocols of the library, each with its file and purpose."""
    from protocols.parse import read
    from protocols.problems import ProtocolError

    place = folder or Path(str(files("protocols").joinpath("library")))
    found = []
    for file in sorted(place.glob("*.yaml")) + sorted(place.glob("*.json")):
        try:
            source = read(file)
        except ProtocolError as error:
            found.append({"file": str(file), "ok": False, "name": file.stem, "purpose": str(error.problems[0])})
            continue
        protocol = source.protocol
        about = {"name": protocol.name, "purpose": protocol.purpose, "author": protocol.author.name}
        found.append({"file": str(file), "ok": True, **about, "parameters": list(protocol.parameters)})
    lines = [f"{entry['name']}\n  {entry['purpose']}\n  {entry['file']}" for entry in found]
    output.show("protocols", {"protocols": found}, lines or [f"no protocol in {place}"])
