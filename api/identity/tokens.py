"""Tokens: `lab_<id>_<secret>`. The id is public; of the secret (256 bits) only the sha256 is kept."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from api.identity.principal import Terms
from orchestrator.store.tables import tokens

PREFIX = "lab"
DEFAULT_DAYS = 30.0
MAX_DAYS = 366.0
_DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Shown:
    """A token that was found good: whose it is and what it narrows."""

    id: str
    principal: str
    terms: Terms


def make_token(
    engine: Engine, principal: str, by: str, *, terms: Terms | None = None, label: str = "", days: float = DEFAULT_DAYS,
    first: Callable[[Connection, str], None] = lambda connection, token_id: None,
) -> tuple[str, str]:  # fmt: skip
    """A new token for a principal; returns its id and the whole token, which nobody can read again.

    `first(connection, id)` is called in the same transaction, before it is made; what it raises comes through.
    """
    if not 0 < days <= MAX_DAYS:
        raise ValueError(f"a token lasts more than 0 and at most {MAX_DAYS:g} days, not {days:g}")
    token_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    now = time.time()
    row = {
        "id": token_id, "principal": principal, "secret_hash": _digest(secret), "label": label[:128],
        "terms": (terms or Terms()).model_dump_json(), "created_at": now, "created_by": by,
        "expires_at": now + days * _DAY_S,
    }  # fmt: skip
    with engine.begin() as connection:
        first(connection, token_id)
        connection.execute(tokens.insert().values(row))
    return token_id, f"{PREFIX}_{token_id}_{secret}"


def look_up(engine: Engine, token: str) -> Shown | None:
    """Whose token that is; None for one that is unknown, wrong, expired or revoked."""
    prefix, _, rest = token.partition("_")
    token_id, _, secret = rest.partition("_")
    if prefix != PREFIX or not token_id or not secret or not token.isascii():
        return None
    with engine.connect() as connection:
        row = connection.execute(sa.select(tokens).where(tokens.c.id == token_id)).one_or_none()
    if row is None or not hmac.compare_digest(row.secret_hash, _digest(secret)):
        return None
    if row.revoked_at is not None or row.expires_at <= time.time():
        return None
    return Shown(row.id, row.principal, Terms.model_validate_json(row.terms))


def revoke(engine: Engine, token_id: str) -> bool:
    """Make a token worthless; whether there was one."""
    with engine.begin() as connection:
        done = connection.execute(
            tokens.update().where(tokens.c.id == token_id, tokens.c.revoked_at.is_(None)).values(revoked_at=time.time())
        )
    return bool(done.rowcount)


def list_tokens(engine: Engine, principal: str | None = None) -> list[dict[str, Any]]:
    """Tokens without their secrets, newest first; all of them, or one principal's."""
    wanted = sa.select(tokens).order_by(tokens.c.created_at.desc())
    if principal is not None:
        wanted = wanted.where(tokens.c.principal == principal)
    with engine.connect() as connection:
        rows = connection.execute(wanted).mappings().all()
    hidden = ("secret_hash", "terms")
    return [
        {**{key: value for key, value in row.items() if key not in hidden},
         "terms": Terms.model_validate_json(row["terms"]).model_dump(mode="json", exclude_none=True)}
        for row in rows
    ]  # fmt: skip


def _digest(secret: str) -> str:
    """A fast hash suffices: the secret is random and long."""
    return hashlib.sha256(secret.encode()).hexdigest()
