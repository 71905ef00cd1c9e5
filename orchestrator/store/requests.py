"""What is asked of a cell: written by anyone, answered by the worker that has the cell; asking twice is asking once."""

import socket
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from orchestrator.journal import plain
from orchestrator.store.database import clock, insert_missing
from orchestrator.store.log import save_program
from orchestrator.store.tables import cells, requests
from protocols.program import Program

POLL_S = 0.02  # between looks for an answer


@dataclass(frozen=True, slots=True)
class Request:
    """One thing asked for: `submit`, `pause`, `resume`, `abort`, `stop`, `settle`, `choose`, `clear`, `plan`."""

    id: str
    kind: str
    run_id: str
    body: Mapping[str, Any]
    asked_by: str
    cell: str


def any_of(world: str) -> str:
    """In the place of a cell's name: whichever cell of this world (`twin`, `real`) has room for a submission first.

    >>> any_of("real")
    ':real'
    """
    return f":{world}"


def _pool(cell: str) -> str:
    """Where a cell finds what was submitted to any cell of its world; names are `lab:world`."""
    return any_of(cell.rpartition(":")[2])


def ask(engine: Engine, request: Request, program: Program | None = None) -> None:
    """Put a request into the store and ring; durable when this returns. `program` goes with a submission."""
    with engine.begin() as connection:
        body = dict(request.body)
        if program is not None:
            body |= {"program": save_program(connection, program), "devices": program.devices}
        row = {
            "id": request.id, "place": time.time_ns(), "cell": request.cell, "kind": request.kind,
            "run_id": request.run_id, "body": orjson.dumps(body, default=plain).decode(),
            "asked_by": request.asked_by, "asked_at": time.time(),
        }  # fmt: skip
        insert_missing(connection, requests, row)
        bells = _bells(connection, request.cell)
    ring(bells)


def _bells(connection: Connection, cell: str) -> Sequence[str]:
    wanted = sa.select(cells.c.bell).where(cells.c.bell != "")
    mine = cells.c.name.endswith(cell, autoescape=True) if cell == _pool(cell) else cells.c.name == cell
    return connection.execute(wanted.where(mine)).scalars().all()


def ring(bells: Iterable[str]) -> None:
    """Have workers look at once; without a worker to hear it, nothing happens."""
    for bell in bells:
        host, _, port = bell.rpartition(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"ring", (host, int(port)))


def take(engine: Engine, cell: str, room: int, devices: Collection[str] = ()) -> list[Request]:
    """What waits for this cell, in the order of asking; up to `room` submissions meant for any cell are claimed.

    Of those, only the ones that need no other than these `devices`.
    """
    mine = requests.c.cell == cell
    free = (requests.c.cell == _pool(cell)) & (requests.c.kind == "submit")
    waiting = sa.select(requests).where(requests.c.answer.is_(None), mine | free).order_by(requests.c.place)
    with engine.connect() as connection:
        rows = connection.execute(waiting).all()
    found = [row for row in rows if row.cell == cell]
    fit = [row for row in rows if row.cell != cell and {*orjson.loads(row.body)["devices"]} <= {*devices}]
    for row in fit[: max(0, room)]:
        with engine.begin() as connection:  # whoever changes the row first has it
            claimed = connection.execute(requests.update().where(requests.c.id == row.id, free).values(cell=cell))
        if claimed.rowcount:
            found.append(row)
    found.sort(key=lambda row: row.place)
    return [Request(row.id, row.kind, row.run_id, orjson.loads(row.body), row.asked_by, cell) for row in found]


def answer(engine: Engine, request_id: str, document: Mapping[str, Any]) -> None:
    """Say what came of a request; the first answer stays."""
    with engine.begin() as connection:
        connection.execute(
            requests.update()
            .where(requests.c.id == request_id, requests.c.answer.is_(None))
            .values(answer=orjson.dumps(document, default=plain).decode())
        )


def answer_of(engine: Engine, request_id: str) -> dict[str, Any] | None:
    """The answer to a request; None while there is none."""
    with engine.connect() as connection:
        text = connection.execute(sa.select(requests.c.answer).where(requests.c.id == request_id)).scalar()
    return None if text is None else orjson.loads(text)


def submission(engine: Engine, run_id: str) -> tuple[Request, float] | None:
    """What was submitted under a run's name, a program or a plan, and when (s since 1970); None for nobody's name."""
    wanted = sa.select(requests).where(requests.c.run_id == run_id, requests.c.kind.in_(("submit", "plan")))
    with engine.connect() as connection:
        row = connection.execute(wanted).first()
    return None if row is None else (_request(row), row.asked_at)


def asked(engine: Engine, request_id: str) -> Request | None:
    """A request by its id."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(requests).where(requests.c.id == request_id)).first()
    return None if row is None else _request(row)


def plans_asked(engine: Engine, count: int) -> list[tuple[Request, float]]:
    """The newest plans that were asked for, and when."""
    wanted = sa.select(requests).where(requests.c.kind == "plan").order_by(requests.c.place.desc()).limit(count)
    with engine.connect() as connection:
        return [(_request(row), row.asked_at) for row in connection.execute(wanted)]


def paused(engine: Engine, run_id: str) -> bool:
    """Whether the last word to a plan that was carried out was to pause."""
    words = requests.c.kind.in_(("pause", "resume")) & (requests.c.run_id == run_id) & requests.c.answer.is_not(None)
    with engine.connect() as connection:
        rows = connection.execute(sa.select(requests).where(words).order_by(requests.c.place.desc())).all()
    done = (row.kind for row in rows if orjson.loads(row.answer)["ok"])
    return next(done, "resume") == "pause"


def _request(row: Any) -> Request:
    return Request(row.id, row.kind, row.run_id, orjson.loads(row.body), row.asked_by, row.cell)


def wait_for_answer(engine: Engine, request_id: str, timeout_s: float) -> dict[str, Any] | None:
    """The answer, or None when it did not come in time."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        told = answer_of(engine, request_id)
        if told is not None:
            return told
        time.sleep(POLL_S)
    return None


def alive(engine: Engine) -> dict[str, dict[str, Any]]:
    """Every cell with its worker, and how long ago (s) that one showed life."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(cells, (clock(engine) - cells.c.beat).label("silent_s"))).all()
    return {
        row.name: {"holder": row.holder, "epoch": row.epoch, "world": row.world, "silent_s": row.silent_s}
        for row in rows
    }
