"""The queue of beamline tools in the store: what waits, what is at work, what has ended. Functions here block."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from api.identity.principal import Principal, Terms, principal
from api.once import Once, claim
from api.refusals import Conflict, Missing
from labfile.lab import Lab
from orchestrator.store.database import serialise
from orchestrator.store.tables import queue_items, queues

ROOM = 1000  # items that may wait
SHOWN = 500  # of the history
LEASE_S = 10.0  # of the interface that begins the items
_FINAL = {"completed": "completed", "aborted": "aborted", "interrupted": "unknown"}


@dataclass(frozen=True, slots=True)
class Marks:
    """How a queue stands."""

    environment: bool = False
    running: bool = False
    stopping: bool = False
    queue_uid: str = ""
    history_uid: str = ""
    holder: str = ""
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Item:
    """One item; `item` is what the tool gave, with its uid and who added it."""

    uid: str
    item: Mapping[str, Any]
    who: Mapping[str, Any]
    run_id: str
    ending: str
    begun_at: float | None
    result: Mapping[str, Any] | None


def marks(engine: Engine, cell: str) -> Marks:
    """How the queue of a cell stands."""
    with engine.connect() as connection:
        return _marks(connection, cell)


def mark(engine: Engine, cell: str, **changes: Any) -> None:
    """Change how it stands."""
    with _changing(engine, cell) as connection:
        _mark(connection, cell, **changes)


def waiting(engine: Engine, cell: str) -> list[Item]:
    """What waits, in its order."""
    with engine.connect() as connection:
        return _items(connection, cell, "waiting")


def at_work(engine: Engine, cell: str) -> Item | None:
    """What is at work."""
    with engine.connect() as connection:
        return next(iter(_items(connection, cell, "working")), None)


def ended(engine: Engine, cell: str) -> list[Item]:
    """What ended last, the oldest of it first."""
    with engine.connect() as connection:
        return _items(connection, cell, "ended")[-SHOWN:]


def counts(engine: Engine, cell: str) -> Mapping[str, int]:
    """How many items are in each state."""
    wanted = sa.select(queue_items.c.state, sa.func.count()).where(queue_items.c.cell == cell)
    with engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(wanted.group_by(queue_items.c.state))}


def add(
    engine: Engine, cell: str, item: Mapping[str, Any], who: Principal, pos: int | str | None = None,
    before: str | None = None, after: str | None = None, asked: Once | None = None,
) -> tuple[Item, int]:  # fmt: skip
    """Put an item into the queue, once a key; returns it and how many wait then. Raises `Conflict`, `Missing`."""
    uid = str(uuid.uuid4())
    with _changing(engine, cell) as connection:
        there = _items(connection, cell, "waiting")
        if (known := claim(connection, asked, uid)) != uid:
            return _by_uid(connection, known), len(there)
        if len(there) >= ROOM:
            raise Conflict(f"{ROOM} items wait already")
        index = _index(there, pos, before, after)
        told = {**item, "item_uid": uid, "user": who.name, "user_group": who.kind}
        connection.execute(
            queue_items.insert().values(
                uid=uid, cell=cell, state="waiting", place=_place(connection, cell, index), run_id="", ending="",
                item=orjson.dumps(told).decode(), principal=orjson.dumps(_kept(who)).decode(),
            )
        )  # fmt: skip
        _mark(connection, cell, queue_uid=str(uuid.uuid4()))
    return Item(uid, told, _kept(who), "", "", None, None), len(there) + 1


def _by_uid(connection: Connection, uid: str) -> Item:
    row = connection.execute(sa.select(queue_items).where(queue_items.c.uid == uid)).one_or_none()
    if row is None:
        raise Missing("the item of this key was taken out of the queue")
    return _item(row)


def remove(engine: Engine, cell: str, uid: str | None, pos: int | str | None) -> tuple[Item, int]:
    """Take an item out; returns it and how many wait then. Raises `Missing`."""
    with _changing(engine, cell) as connection:
        there = _items(connection, cell, "waiting")
        item = which(there, uid, pos)
        connection.execute(queue_items.delete().where(queue_items.c.uid == item.uid))
        _mark(connection, cell, queue_uid=str(uuid.uuid4()))
    return item, len(there) - 1


def which(there: list[Item], uid: str | None, pos: int | str | None) -> Item:
    """One of those that wait; raises `Missing`."""
    if uid is not None:
        found = [item for item in there if item.uid == uid]
    else:
        index = {"front": 0, "back": -1, None: -1}.get(pos, pos)  # type: ignore[arg-type]
        found = there[index:][:1] if isinstance(index, int) and -len(there) <= index < len(there) else []
    if not found:
        raise Missing("no such item waits in the queue")
    return found[0]


def clear(engine: Engine, cell: str) -> None:
    """Take everything out that waits."""
    with _changing(engine, cell) as connection:
        connection.execute(queue_items.delete().where(queue_items.c.cell == cell, queue_items.c.state == "waiting"))
        _mark(connection, cell, queue_uid=str(uuid.uuid4()))


def start(engine: Engine, cell: str) -> None:
    """Set the queue to work: the first that waits is taken up at once. An empty queue stands still."""
    with _changing(engine, cell) as connection:
        if not _items(connection, cell, "working") and _take_up(connection, cell) is None:
            return
        _mark(connection, cell, running=True, stopping=False)


def next_up(engine: Engine, cell: str, me: str) -> Item | None:
    """The item at work, for the one interface that sees to the queue; the first that waits is taken up for it."""
    was = marks(engine, cell)
    if not was.running or (was.holder != me and was.until > time.time()):
        return None
    with _changing(engine, cell) as connection:
        now = _marks(connection, cell)
        if not now.running or (now.holder != me and now.until > time.time()):
            return None
        if now.holder != me or now.until < time.time() + LEASE_S / 2:
            _mark(connection, cell, holder=me, until=time.time() + LEASE_S)
        working = _items(connection, cell, "working")
        if working:
            return working[0]
        item = None if now.stopping else _take_up(connection, cell)
        if item is None:
            _mark(connection, cell, running=False, stopping=False)
        return item


def _take_up(connection: Connection, cell: str) -> Item | None:
    """The first that waits, which is at work from now."""
    there = _items(connection, cell, "waiting")
    if not there:
        return None
    begun = replace(there[0], begun_at=time.time())
    _set(connection, begun.uid, state="working", begun_at=begun.begun_at)
    _mark(connection, cell, queue_uid=str(uuid.uuid4()))
    return begun


def begun(engine: Engine, uid: str, run_id: str) -> None:
    """An item has become a run."""
    with engine.begin() as connection:
        _set(connection, uid, run_id=run_id)


def ending(engine: Engine, uid: str, how: str) -> None:
    """A tool has asked for its end: `stopped`, `aborted` or `halted`."""
    with engine.begin() as connection:
        _set(connection, uid, ending=how)


def finish(engine: Engine, cell: str, item: Item, outcome: str, error: str, run_uids: list[str]) -> None:
    """An item has ended. The queue goes on behind one that was completed, and stands still behind any other."""
    status = item.ending if item.ending and outcome == "aborted" else _FINAL.get(outcome, "failed")
    now = time.time()
    result = {
        "exit_status": status, "run_uids": run_uids, "scan_ids": [], "time_start": item.begun_at, "time_stop": now,
        "msg": error, "traceback": "", "run_id": item.run_id,
    }  # fmt: skip
    with _changing(engine, cell) as connection:
        _set(connection, item.uid, state="ended", place=now, result=orjson.dumps(result).decode())
        uids = {"queue_uid": str(uuid.uuid4()), "history_uid": str(uuid.uuid4())}
        _mark(connection, cell, **uids, **({} if status == "completed" else {"running": False, "stopping": False}))


def owner(lab: Lab, kept: Mapping[str, Any]) -> Principal | None:
    """Who asked for something earlier, no wider than they were then and than lab.toml has them now."""
    terms = Terms(scopes=frozenset(kept["may"]), hazard_ceiling=kept["hazard_ceiling"], budget=kept["budget"])
    return principal(lab, kept["name"], terms, kept["token"])


def _kept(who: Principal) -> dict[str, Any]:
    return who.told()


class _changing:
    """A transaction in which nobody else changes the queue of a cell; whoever comes first makes its row."""

    def __init__(self, engine: Engine, cell: str) -> None:
        self._begin, self._cell = engine.begin(), cell

    def __enter__(self) -> Connection:
        connection = self._begin.__enter__()
        serialise(connection, f"queue:{self._cell}")
        if connection.execute(sa.select(queues.c.cell).where(queues.c.cell == self._cell)).first() is None:
            fresh = {**asdict(Marks()), "queue_uid": str(uuid.uuid4()), "history_uid": str(uuid.uuid4())}
            connection.execute(queues.insert().values(cell=self._cell, **_columns(fresh)))
        return connection

    def __exit__(self, *raised: Any) -> None:
        self._begin.__exit__(*raised)


def _marks(connection: Connection, cell: str) -> Marks:
    row = connection.execute(sa.select(queues).where(queues.c.cell == cell)).first()
    if row is None:
        return Marks()
    return Marks(bool(row.environment), bool(row.running), bool(row.stopping), row.queue_uid, row.history_uid,
                 row.holder, row.until)  # fmt: skip


def _mark(connection: Connection, cell: str, **changes: Any) -> None:
    connection.execute(queues.update().where(queues.c.cell == cell).values(**_columns(changes)))


def _columns(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: int(value) if isinstance(value, bool) else value for name, value in changes.items()}


def _set(connection: Connection, uid: str, **changes: Any) -> None:
    connection.execute(queue_items.update().where(queue_items.c.uid == uid).values(**changes))


def _items(connection: Connection, cell: str, state: str) -> list[Item]:
    mine = (queue_items.c.cell == cell) & (queue_items.c.state == state)
    rows = connection.execute(sa.select(queue_items).where(mine).order_by(queue_items.c.place)).all()
    return [_item(row) for row in rows]


def _item(row: Any) -> Item:
    return Item(
        row.uid, orjson.loads(row.item), orjson.loads(row.principal), row.run_id, row.ending, row.begun_at,
        None if row.result is None else orjson.loads(row.result),
    )  # fmt: skip


def _index(there: list[Item], pos: int | str | None, before: str | None, after: str | None) -> int:
    if before is not None or after is not None:
        beside = [index for index, item in enumerate(there) if item.uid in (before, after)]
        if not beside:
            raise Missing("no such item waits in the queue")
        return beside[0] + (before is None)
    if pos is None or pos == "back":
        return len(there)
    if not isinstance(pos, int):
        return 0
    return min(pos, len(there)) if pos >= 0 else max(0, len(there) + 1 + pos)


def _place(connection: Connection, cell: str, index: int) -> float:
    """A number between those of its neighbours to be."""
    mine = (queue_items.c.cell == cell) & (queue_items.c.state == "waiting")
    places = (
        connection.execute(sa.select(queue_items.c.place).where(mine).order_by(queue_items.c.place)).scalars().all()
    )
    if not places:
        return 0.0
    if index == 0:
        return float(places[0]) - 1
    if index >= len(places):
        return float(places[-1]) + 1
    return (float(places[index - 1]) + float(places[index])) / 2
