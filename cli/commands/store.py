"""`lab store`: where the lab keeps what it knows."""

import click

from cli.output import EXIT_REFUSED, EXIT_UNREACHABLE, Output, failure
from cli.service import store


@click.group("store")
def command() -> None:
    """The lab's store: journal, programs, requests and plans, where `[store] url` says."""


@command.command("copy")
@click.option("--to", "target", required=True, metavar="URL",
              help="sqlite:///FILE, postgresql://HOST/NAME, or env:NAME where a password is in it.")  # fmt: skip
@click.pass_obj
def copy_to(output: Output, target: str) -> None:
    """Copy all of it into an empty database, while nobody works; then name that one in lab.toml."""
    from labfile.secret import SecretMissing, resolve
    from orchestrator.store.copy import CannotCopy, copy
    from orchestrator.store.database import StoreError, open_store

    source = store(output, "store", output.lab("store"))
    try:
        there = open_store(resolve(target))
    except (StoreError, SecretMissing) as error:
        raise failure("store", EXIT_UNREACHABLE, str(error)) from error
    if there.url == source.url:
        raise failure("store", EXIT_REFUSED, "the lab keeps its store there already")
    try:
        rows = copy(source, there)
    except CannotCopy as reason:
        raise failure("store", EXIT_REFUSED, str(reason)) from reason
    told = ", ".join(f"{count} {name}" for name, count in rows.items())
    output.show("store", {"ok": True, "rows": rows}, [f"copied: {told}. Now say in lab.toml: [store] url"])
