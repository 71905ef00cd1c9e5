"""Accounts of people: a name of `[people]` and the argon2id hash of a password."""

import functools
import time

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Engine

from orchestrator.store.database import insert_missing
from orchestrator.store.tables import accounts

MIN_LENGTH = 12  # NIST SP 800-63B-4, 3.1.1.2: at least 15 alone, 8 with a second factor; a lab's network is between
_HASHER = PasswordHasher()  # argon2-cffi's defaults: RFC 9106, low-memory profile


@functools.cache
def _nobody() -> str:
    """Checked where there is no account, so that an unknown name takes as long as a wrong password."""
    return _HASHER.hash("nobody has this password")


class WeakPassword(ValueError):
    """The password is too easy to guess; the message says what is asked of one."""


def set_password(engine: Engine, name: str, password: str) -> None:
    """Make the account of a person, or give it another password; raises `WeakPassword`."""
    if len(password) < MIN_LENGTH or len(set(password)) < 5:
        raise WeakPassword(f"a password has at least {MIN_LENGTH} characters, five of them different")
    row = {"name": name, "password_hash": _HASHER.hash(password), "changed_at": time.time()}
    with engine.begin() as connection:
        insert_missing(connection, accounts, dict(row))
        connection.execute(accounts.update().where(accounts.c.name == name).values(row))


def right_password(engine: Engine, name: str, password: str) -> bool:
    """Whether the account is there and that is its password; takes the same time in every case."""
    with engine.connect() as connection:
        known = connection.execute(sa.select(accounts.c.password_hash).where(accounts.c.name == name)).scalar()
    nobody = _nobody()  # in any case: the first to ask waits for it, whoever that is
    try:
        return _HASHER.verify(known or nobody, password) and known is not None
    except (Argon2Error, InvalidHashError):
        return False
