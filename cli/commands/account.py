"""`lab account`: passwords of people, for logging in to the interface."""

from typing import TextIO

import click

from cli.output import EXIT_INVALID, Output, failure
from cli.service import store, who


@click.group("account")
def command() -> None:
    """Accounts of the people of lab.toml."""


@command.command("set")
@click.argument("name")
@click.option("--password-file", type=click.File("r"), default=None, help="Read it there ('-': standard input).")
@click.pass_obj
def set_(output: Output, name: str, password_file: TextIO | None) -> None:
    """Set a person's password; it is asked for twice, and never shown."""
    from api.audit.chain import Entry
    from api.audit.trail import Trail
    from api.identity.passwords import WeakPassword, set_password
    from api.keys import key_of

    lab = output.lab("account")
    if name not in lab.people:
        raise failure("account", EXIT_INVALID, f"[people] has no '{name}', but {', '.join(lab.people)}")
    if password_file is not None:
        password = password_file.read().rstrip("\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    engine = store(output, "account", lab)
    try:
        set_password(engine, name, password)
    except WeakPassword as error:
        raise failure("account", EXIT_INVALID, str(error)) from error
    Trail(engine, key_of(lab)).append(Entry(who(), "set_password", "allowed", target=name))
    output.show("account", {"ok": True, "name": name}, [f"{name} can log in"])
