"""Logging in, and tokens."""

import asyncio
import time
from collections import deque

from sqlalchemy import Connection

from api import budget
from api.audit.chain import Entry
from api.identity import passwords, tokens
from api.identity.principal import Principal, Terms, principal
from api.models import Login, Me, TokenIn, TokenInfo, TokenOut
from api.office import Office
from api.once import claim, once
from api.refusals import BadRequest, Conflict, Forbidden, Missing, TooMany, Unknown
from labfile.model import Budget

SESSION_DAYS = 0.5
TRIES, WITHIN_S = 5, 60.0  # wrong passwords of one account; OWASP ASVS 5.0, 6.3.1 asks for a bound and leaves it open
_DAY_S = 86400.0


class Logins:
    """Passwords for tokens; an account with too many wrong tries must wait."""

    def __init__(self) -> None:
        self._wrong: dict[str, deque[float]] = {}

    async def login(self, office: Office, said: Login) -> TokenOut:
        """A token for half a day; raises `Unknown`, `TooMany`."""
        wrong = self._wrong.setdefault(said.name, deque(maxlen=TRIES))
        if len(self._wrong) > 10_000:
            self._wrong.clear()
        if len(wrong) == TRIES and time.monotonic() - wrong[0] < WITHIN_S:
            raise TooMany("too many wrong passwords", f"Wait {WITHIN_S:g} s.")
        right = await asyncio.to_thread(passwords.right_password, office.engine, said.name, said.password)
        if not right or said.name not in office.lab.people:
            wrong.append(time.monotonic())
            known = said.name if said.name in office.lab.people else "?"
            await office.record(Entry(known, "login", "refused"))
            raise Unknown("name and password do not fit", "`lab account set NAME` sets a password.")
        self._wrong.pop(said.name, None)
        token_id, token = await asyncio.to_thread(
            tokens.make_token, office.engine, said.name, said.name, label="login", days=SESSION_DAYS
        )
        await office.record(Entry(said.name, "login", "allowed", token=token_id))
        return TokenOut(id=token_id, principal=said.name, token=token, expires_at=time.time() + SESSION_DAYS * _DAY_S)


async def me(office: Office, who: Principal) -> Me:
    """Who asks, what they may do, and what they have used of their budget."""
    await office.allow(who, "read")
    used = await asyncio.to_thread(budget.spent, office.engine, who.name)
    return Me(**who.told(), used=used)


async def make_token(office: Office, who: Principal, said: TokenIn, key: str | None = None) -> TokenOut:
    """A token, for oneself or, with `admin`, for another; never wider than the one it is made with.

    Raises `Conflict` under a key that has made one: a token is shown once.
    """
    name = said.principal or who.name
    terms = _terms(said)
    if name != who.name:
        await office.allow(who, "admin", target=name)
    else:
        terms = _no_wider(who, terms)
    if principal(office.lab, name) is None:
        raise Missing(f"lab.toml knows no {name!r}", "People and agents stand in [people] and [agents].")
    mine = once(who, "make_token", key, said)

    def first(connection: Connection, token_id: str) -> None:
        if (known := claim(connection, mine, token_id)) != token_id:
            raise Conflict(
                f"token {known} was made under this key, and shown then",
                f"If it was lost, DELETE /api/v1/auth/tokens/{known} and take a new key.",
            )

    token_id, token = await asyncio.to_thread(
        tokens.make_token, office.engine, name, who.name, terms=terms, label=said.label, days=said.days, first=first
    )
    facts = {"days": said.days, "scopes": sorted(terms.scopes) if terms.scopes is not None else None}
    await office.record(Entry(who.name, "make_token", "allowed", target=f"{name}:{token_id}", facts=facts))
    return TokenOut(id=token_id, principal=name, token=token, expires_at=time.time() + said.days * _DAY_S)


def _terms(said: TokenIn) -> Terms:
    unknown = sorted(set(said.budget or {}) - set(Budget.model_fields))
    if unknown:
        raise BadRequest(f"a budget has no {', '.join(unknown)}", f"It has: {', '.join(Budget.model_fields)}.")
    figures = {key: int(value) if key == "runs_per_day" else value for key, value in (said.budget or {}).items()}
    return Terms(
        scopes=None if said.scopes is None else frozenset(said.scopes), hazard_ceiling=said.hazard_ceiling,
        budget=None if said.budget is None else Budget(**figures),  # type: ignore[arg-type]
    )  # fmt: skip


def _no_wider(who: Principal, terms: Terms) -> Terms:
    """Terms within those of the token that asks."""
    wanted = who.may if terms.scopes is None else terms.scopes
    if not wanted <= who.may:
        raise Forbidden(
            f"your own token does not reach {', '.join(sorted(wanted - who.may))}", "Ask for scopes that you have."
        )
    return Terms(
        scopes=wanted, hazard_ceiling=terms.hazard_ceiling or who.hazard_ceiling, budget=terms.budget or who.budget
    )


async def list_tokens(office: Office, who: Principal) -> list[TokenInfo]:
    """One's own tokens; all of them with `admin`."""
    await office.allow(who, "read")
    everyone = office.permission.decide(who, "admin", world=office.world).allowed
    rows = await asyncio.to_thread(tokens.list_tokens, office.engine, None if everyone else who.name)
    return [TokenInfo(**row) for row in rows]


async def revoke(office: Office, who: Principal, token_id: str) -> None:
    """Make a token worthless: one's own, or, with `admin`, another's."""
    rows = await asyncio.to_thread(tokens.list_tokens, office.engine)
    row = next((row for row in rows if row["id"] == token_id), None)
    if row is None:
        raise Missing(f"there is no token {token_id!r}")
    if row["principal"] != who.name:
        await office.allow(who, "admin", target=token_id)
    await asyncio.to_thread(tokens.revoke, office.engine, token_id)
    office.door.forget()
    await office.record(Entry(who.name, "revoke_token", "allowed", target=f"{row['principal']}:{token_id}"))
