"""`lab audit`: is the trail whole, and what does it say."""

from dataclasses import asdict
from pathlib import Path

import click

from cli.output import EXIT_FAILED, EXIT_INVALID, Failure, Output, failure
from cli.service import store


@click.group("audit")
def command() -> None:
    """The audit trail of everything that was asked of the lab."""


@command.command("verify")
@click.option("--key", "key_file", type=click.Path(path_type=Path, exists=True), default=None,
              help="The lab's public key, kept elsewhere; else the one beside the store is trusted.")  # fmt: skip
@click.option("--head", "head_files", type=click.Path(path_type=Path, exists=True), multiple=True,
              help="A signed head that was kept elsewhere; repeat it.")  # fmt: skip
@click.pass_obj
def verify(output: Output, key_file: Path | None, head_files: tuple[Path, ...]) -> None:
    """Find edits, deletions, a tail that was cut off, and a chain that was rewritten.

    Heads in the folders of runs are held against it as well.
    """
    import json

    from api.audit import trail
    from api.audit.chain import Head
    from api.keys import KeyFileError, key_of, read_public

    lab = output.lab("audit")
    engine = store(output, "audit", lab)
    try:
        key = key_of(lab).public if key_file is None else read_public(key_file)
        kept = [*trail.kept_heads(output.runs), *(Head(**json.loads(file.read_text("utf-8"))) for file in head_files)]
    except KeyFileError as error:
        raise failure("audit", EXIT_INVALID, str(error)) from error
    except (ValueError, TypeError) as error:
        raise failure("audit", EXIT_INVALID, f"a head cannot be read: {error}") from error
    found = trail.verify(engine, [key], kept)
    document = {"schema": "lab-audit/1", **asdict(found), "key_id": key.id, "heads_kept": len(kept)}
    if not found.ok:
        raise Failure(EXIT_FAILED, [f"lab audit: {fault}" for fault in found.faults], document)
    line = f"whole: {found.records} records, head {found.head[:16]}, key {key.id}, {len(kept)} heads kept elsewhere"
    output.show("audit", document, [line])
