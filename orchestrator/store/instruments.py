"""What the devices of each cell do and last said, as its worker shows it with every beat."""

from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from orchestrator.store.database import clock, insert_missing
from orchestrator.store.tables import instruments


@dataclass(frozen=True, slots=True)
class Shown:
    """What a worker showed last: `at` by the lab's clock (s since 1970), `told_s` ago by the database's."""

    at: float
    told_s: float
    devices: dict[str, Any]


def show(connection: Connection, cell: str, document: bytes) -> None:
    """Put it in the place of what was shown before, within the caller's transaction."""
    row = {"body": document.decode(), "told": clock(connection)}
    if not connection.execute(instruments.update().where(instruments.c.cell == cell).values(row)).rowcount:
        insert_missing(connection, instruments, {"cell": cell, **row})


def shown(engine: Engine, cell: str) -> Shown | None:
    """What a cell's worker showed last; None where there never was one."""
    wanted = sa.select(instruments.c.body, (clock(engine) - instruments.c.told).label("told_s"))
    with engine.connect() as connection:
        row = connection.execute(wanted.where(instruments.c.cell == cell)).one_or_none()
    if row is None:
        return None
    body = orjson.loads(row.body)
    return Shown(body["at"], max(0.0, row.told_s), body["devices"])
