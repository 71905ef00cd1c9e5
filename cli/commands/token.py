"""`lab token`: tokens for the interface, made by whoever has the store."""

import json
from typing import get_args

import click

from cli.output import EXIT_INVALID, Output, failure
from cli.service import store, who


@click.group("token")
def command() -> None:
    """Make, list and revoke tokens. Whoever can write the store may; through the interface, `admin` is needed."""


@command.command("make")
@click.argument("name")
@click.option("--days", type=click.FloatRange(0, 366, min_open=True), default=30.0, show_default=True)
@click.option("--scope", "scopes", multiple=True, help="Narrower than lab.toml: read, submit, ...; repeat it.")
@click.option("--ceiling", type=click.Choice(["low", "medium", "high"]), default=None, help="Highest hazard.")
@click.option("--label", default="", help="What it is for.")
@click.pass_obj
def make(output: Output, name: str, days: float, scopes: tuple[str, ...], ceiling: str | None, label: str) -> None:
    """A token for a person or an agent of lab.toml; it is shown this once."""
    from api.audit.chain import Entry
    from api.audit.trail import Trail
    from api.identity.principal import Terms, principal
    from api.identity.tokens import make_token
    from api.keys import key_of
    from labfile.model import AgentMay, PersonMay

    lab = output.lab("token")
    if principal(lab, name) is None:
        known = ", ".join([*lab.people, *lab.agents])
        raise failure("token", EXIT_INVALID, f"lab.toml knows no '{name}'; [people] and [agents] have {known}")
    words = {*get_args(PersonMay), *get_args(AgentMay), "read"}
    if strange := sorted({*scopes} - words):
        raise failure("token", EXIT_INVALID, f"no scope {', '.join(strange)}; there are: {', '.join(sorted(words))}")
    engine = store(output, "token", lab)
    terms = Terms(scopes=frozenset(scopes) or None, hazard_ceiling=ceiling)
    token_id, token = make_token(engine, name, who(), terms=terms, label=label, days=days)
    facts = {"days": days, "scopes": sorted(scopes) or None, "by": "the command line"}
    Trail(engine, key_of(lab)).append(Entry(who(), "make_token", "allowed", target=f"{name}:{token_id}", facts=facts))
    output.show("token", {"ok": True, "id": token_id, "principal": name, "token": token}, [token])


@command.command("list")
@click.argument("name", required=False)
@click.pass_obj
def listed(output: Output, name: str | None) -> None:
    """Tokens, without their secrets."""
    from api.identity.tokens import list_tokens

    found = list_tokens(store(output, "token", output.lab("token")), name)
    lines = [f"{t['id']}  {t['principal']}  {_state(t)}  {t['label']}  {json.dumps(t['terms'])}" for t in found]
    output.show("token", {"ok": True, "tokens": found}, lines or ["no tokens"])


@command.command("revoke")
@click.argument("token_id")
@click.pass_obj
def revoke(output: Output, token_id: str) -> None:
    """Make a token worthless, everywhere, within a second."""
    from api.audit.chain import Entry
    from api.audit.trail import Trail
    from api.identity import tokens
    from api.keys import key_of

    lab = output.lab("token")
    engine = store(output, "token", lab)
    if not tokens.revoke(engine, token_id):
        raise failure("token", EXIT_INVALID, f"there is no token '{token_id}' that still works; see `lab token list`")
    Trail(engine, key_of(lab)).append(Entry(who(), "revoke_token", "allowed", target=token_id))
    output.show("token", {"ok": True, "id": token_id}, [f"{token_id} is worthless now"])


def _state(token: dict[str, object]) -> str:
    import time

    if token["revoked_at"] is not None:
        return "revoked"
    return "expired" if float(str(token["expires_at"])) <= time.time() else "good"
