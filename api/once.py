"""What is made under an asker's key is made once: asking again gives what was made then. Functions here block."""

import hashlib
import json
import time
import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy import Connection, Engine

from api.identity.principal import Principal
from api.refusals import Conflict
from orchestrator.store.database import insert_missing
from orchestrator.store.tables import made


@dataclass(frozen=True, slots=True)
class Once:
    """One thing that somebody asks for under a key of their own; `fingerprint` is of what was asked."""

    request: str
    fingerprint: str


def once(who: Principal, verb: str, key: str | None, asked: BaseModel, target: str = "") -> Once | None:
    """What is asked for; None where no key came with it, so that each asking makes another."""
    return None if key is None else Once(request_id(who, f"{verb}:{key}"), fingerprint(asked, target))


def fingerprint(asked: BaseModel, target: str = "") -> str:
    """sha256 of what was asked, and of what."""
    return hashlib.sha256(json.dumps([target, asked.model_dump(mode="json")], sort_keys=True).encode()).hexdigest()


def earlier(engine: Engine, asked: Once | None) -> str | None:
    """The id of what was made under this key; raises `Conflict` where that was something else."""
    if asked is None:
        return None
    with engine.connect() as connection:
        return _made(connection, asked)


def claim(connection: Connection, asked: Once | None, thing: str) -> str:
    """Within the transaction that makes `thing`: its id, or that of what another made first under the same key."""
    if asked is None:
        return thing
    row = {"request": asked.request, "fingerprint": asked.fingerprint, "id": thing, "at": time.time()}
    insert_missing(connection, made, row)
    return _made(connection, asked) or thing


def _made(connection: Connection, asked: Once) -> str | None:
    row = connection.execute(sa.select(made).where(made.c.request == asked.request)).one_or_none()
    if row is None:
        return None
    if row.fingerprint != asked.fingerprint:
        raise Conflict("this key was used for something else", "Take a new key for something new.")
    return str(row.id)


def request_id(who: Principal, key: str | None) -> str:
    """The id of a request: the principal's own key, so that nobody can meet another's; or one that nobody has."""
    if key is None:
        return uuid.uuid4().hex
    return f"{who.name}:{hashlib.sha256(key.encode()).hexdigest()[:48]}"
