"""Opening the store: the engine, its settings, and its schema brought up to date."""

import sqlite3
import threading
import time
from importlib.resources import files
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Engine, event

from labfile.lab import Lab
from labfile.secret import resolve

#: The newest migration; a test holds it against the migrations themselves.
HEAD = "0004"
_BUSY_TIMEOUT_S = 10.0
_MIGRATING = threading.Lock()  # alembic's context is a global of the process


class StoreError(Exception):
    """The store cannot be opened or is not ours; the message says which and how to mend it."""


def url_of(lab: Lab) -> str:
    """The address of a lab's store; a relative SQLite file lies beside the lab file. Raises `SecretMissing`."""
    url = resolve(lab.store.url)
    name = url.removeprefix("sqlite:///")
    if url == name or Path(name).is_absolute():
        return url
    return f"sqlite:///{(lab.path.parent / name).resolve()}"


def open_store(url: str) -> Engine:
    """The store at an address (`sqlite:///file` or `postgresql://host/name`), its schema up to date.

    SQLite runs in WAL mode with `synchronous=FULL`: a commit is on the disk when it returns.
    """
    try:
        engine = sa.create_engine(_address(url), **_settings(url))
    except ModuleNotFoundError as error:
        raise StoreError(f"{_told(url)}: PostgreSQL needs the extra: pip install 'genesislab[postgresql]'") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
    try:
        _upgrade(engine)
    except sa.exc.OperationalError as error:
        engine.dispose()
        raise StoreError(f"{_told(url)}: {error.orig}. Is it there, and may we write?") from error
    except StoreError as error:
        engine.dispose()
        raise StoreError(f"{_told(url)}: {error}") from error
    return engine


def _told(url: str) -> str:
    """The address as people may see it: without name and password."""
    return f"[store] {url.split('@')[-1]}"


def _address(url: str) -> str:
    if url.startswith("postgresql://"):
        return url.replace("postgresql://", "postgresql+psycopg://", 1)
    if not url.startswith("sqlite:///"):
        raise StoreError(f"{_told(url)}: an address is sqlite:///FILE or postgresql://HOST/NAME")
    folder = Path(url.removeprefix("sqlite:///")).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{_told(url)}: {error.strerror}: {folder}. Name a file in a folder we may write") from error
    return url


def _settings(url: str) -> dict[str, object]:
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": _BUSY_TIMEOUT_S, "check_same_thread": False}}
    return {"pool_size": 5, "pool_pre_ping": True}


def _set_up_sqlite(connection: sqlite3.Connection, _: object) -> None:
    cursor = connection.cursor()
    if cursor.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        _enter_wal(cursor)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _enter_wal(cursor: sqlite3.Cursor) -> None:
    """SQLite does not wait for a lock here (its busy handler is not asked), so we do: others may open it as well."""
    until = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def _upgrade(engine: Engine) -> None:
    """Run what migrations are missing; alembic is only imported when there are some."""
    with engine.connect() as connection:
        known = sa.inspect(connection).has_table("alembic_version")
        if known and connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == HEAD:
            return
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    # Several may open a new store at once: one migrates, the others find it done.
    with _MIGRATING, engine.begin() as connection:
        lock = "SELECT pg_advisory_xact_lock(7106)" if engine.dialect.name == "postgresql" else "BEGIN IMMEDIATE"
        connection.exec_driver_sql(lock)
        config = Config()
        config.set_main_option("script_location", str(files("orchestrator.store").joinpath("migrations")))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StoreError(f"it is of a newer stack ({error}); open it with that one") from error


def serialise(connection: sa.Connection, name: str) -> None:
    """Whoever begins a transaction with the same name after this one waits until it ends.

    To be called first in a transaction. SQLite has one writer at a time, whatever the name.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})


def insert_missing(connection: sa.Connection, table: sa.Table, row: dict[str, object]) -> None:
    """Insert a row unless one with its key is there."""
    dialect = connection.dialect.name
    if dialect == "sqlite":
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
    connection.execute(insert(table).values(row).on_conflict_do_nothing())


def clock(engine: Engine | sa.Connection) -> sa.ColumnElement[float]:
    """The database's own time, seconds since 1970: the one clock that all who share it agree on."""
    if engine.dialect.name == "sqlite":
        return sa.literal_column("(julianday('now') - 2440587.5) * 86400.0", sa.Float)
    return sa.literal_column("extract(epoch from clock_timestamp())::float8", sa.Float)
