"""`lab sop`: a protocol as people read it."""

from pathlib import Path

import click

from cli.output import EXIT_INVALID, Output, failure, file_argument, param_option


@click.command("sop")
@file_argument
@param_option
@click.option("--to", "target", type=click.Path(path_type=Path), help="Where to write it (.md, or .html to print).")
@click.pass_obj
def command(output: Output, file: Path, parameters: tuple[str, ...], target: Path | None) -> None:
    """Write a protocol as a standard operating procedure; without --to it is printed."""
    from protocols.sop import page, sop

    text = sop(output.checked("sop", file, parameters))
    if target is not None:
        try:
            target.write_text(page(text) if target.suffix in (".html", ".htm") else text, "utf-8")
        except OSError as error:
            raise failure("sop", EXIT_INVALID, f"{target}: {error.strerror}") from error
    document = {"ok": True, "sop": text, "written": str(target) if target else None}
    output.show("sop", document, [f"written to {target}"] if target else text.splitlines())
