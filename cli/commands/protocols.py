"""`lab protocols`: what is in the library."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from cli.output import Output


@click.command("protocols")
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=None, help="Another library.")
@click.pass_obj
def command(output: Output, folder: Path | None) -> None:
    """List the protocols of the library by domain, each with its purpose, citation and file."""
    from protocols.parse import read
    from protocols.problems import ProtocolError
    from protocols.ready import FOLDER

    place = folder or FOLDER
    found = []
    for file in sorted(place.glob("*.yaml")) + sorted(place.glob("*.json")):
        try:
            source = read(file)
        except ProtocolError as error:
            found.append({"file": str(file), "ok": False, "name": file.stem, "purpose": str(error.problems[0])})
            continue
        protocol = source.protocol
        about = {
            "name": protocol.name, "domain": protocol.domain, "purpose": protocol.purpose,
            "citation": protocol.citation, "author": protocol.author.name,
        }  # fmt: skip
        found.append({"file": str(file), "ok": True, **about, "parameters": list(protocol.parameters)})
    found.sort(key=lambda entry: (str(entry.get("domain", "")), str(entry["file"])))
    output.show("protocols", {"protocols": found}, [*_lines(found)] or [f"no protocol in {place}"])


def _lines(found: list[dict[str, Any]]) -> Iterator[str]:
    domain = None
    for entry in found:
        if entry.get("domain", "") != domain:
            domain = entry.get("domain", "")
            yield f"{domain or 'other'}".upper()
        citation = f"\n  After {entry['citation']}" if entry.get("citation") else ""
        yield f"{entry['name']}\n  {entry['purpose']}{citation}\n  {entry['file']}"
