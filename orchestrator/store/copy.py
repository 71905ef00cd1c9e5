"""Moving a store: everything that one holds goes into another, empty one; all of it or nothing."""

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from orchestrator.store.database import clock
from orchestrator.store.log import LEASE_S
from orchestrator.store.tables import cells, metadata

_PAGE = 1000  # rows a time


class CannotCopy(Exception):
    """The stores are not as a copy needs them; the message says what to do about it."""


def copy(source: Engine, target: Engine) -> dict[str, int]:
    """How many rows of each table were copied; nobody can write to either store meanwhile.

    Raises `CannotCopy` while a worker lives, or when the target holds something already. Whoever had a cell in the
    source can write nothing more there: a worker that wakes up late must not go on beside the one in the target.
    """
    with source.begin() as old, target.begin() as new:
        _lock(old)
        _lock(new)
        lives = (cells.c.holder != "") & (clock(source) - cells.c.beat < LEASE_S)
        working = old.execute(sa.select(cells.c.name).where(lives)).scalars().all()
        if working:
            raise CannotCopy(f"a worker has {', '.join(working)}; stop it first (lab down)")
        full = [table.name for table in metadata.sorted_tables if new.execute(sa.select(table).limit(1)).first()]
        if full:
            raise CannotCopy(f"the target has {', '.join(full)} already; name an empty database")
        old.execute(cells.update().values(epoch=cells.c.epoch + 1, holder="", beat=0.0, bell=""))
        return {table.name: _copy_table(old, new, table) for table in metadata.sorted_tables}


def _lock(connection: Connection) -> None:
    """Nobody else writes before this transaction ends."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        names = ", ".join(table.name for table in metadata.sorted_tables)
        connection.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")


def _copy_table(old: Connection, new: Connection, table: sa.Table) -> int:
    count = 0
    rows = old.execution_options(yield_per=_PAGE).execute(sa.select(table))
    for page in rows.mappings().partitions():
        new.execute(table.insert(), [dict(row) for row in page])
        count += len(page)
    return count
