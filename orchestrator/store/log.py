"""A cell's journal in the store, and the lease that lets exactly one worker write it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from orchestrator.journal import Log, plain
from orchestrator.state.records import Codec, Record, Submitted
from orchestrator.store.database import clock, insert_missing
from orchestrator.store.instruments import show
from orchestrator.store.tables import cells, journal, programs
from protocols.program import Program

LEASE_S = 4.0  # a worker that showed no life for so long may be replaced


class Fenced(Exception):
    """Another worker has taken the cell over; this one must not command anything more."""


class CellTaken(Exception):
    """A worker that lives has the cell."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write a cell's journal: as long as no higher epoch is claimed."""

    cell: str
    epoch: int
    holder: str


def claim(engine: Engine, cell: str, holder: str, world: str, bell: str, *, gone: str | None = None) -> Lease:
    """Take a cell over; raises `CellTaken` while its worker lives. `gone` names a holder known to be dead."""
    now = clock(engine)
    with engine.begin() as connection:
        insert_missing(
            connection, cells, {"name": cell, "epoch": 0, "holder": "", "beat": 0.0, "bell": "", "world": ""}
        )
        free = (cells.c.beat < now - LEASE_S) | (cells.c.holder == "") | (cells.c.holder == (gone or ""))
        taken = connection.execute(
            cells.update()
            .where(cells.c.name == cell, free)
            .values(epoch=cells.c.epoch + 1, holder=holder, beat=now, bell=bell, world=world)
        )
        row = connection.execute(sa.select(cells).where(cells.c.name == cell)).one()
        if not taken.rowcount:
            raise CellTaken(f"{row.holder} works in {cell}; stop it first (lab down), or wait until it is gone")
    return Lease(cell, row.epoch, holder)


def release(engine: Engine, lease: Lease) -> None:
    """Give the cell back, if it is still ours."""
    with engine.begin() as connection:
        connection.execute(
            cells.update()
            .where(cells.c.name == lease.cell, cells.c.epoch == lease.epoch)
            .values(holder="", beat=0.0, bell="")
        )


class StoreLog(Log):
    """The journal of a leased cell. Every write renews the lease, and fails with `Fenced` when it is lost."""

    threaded = True

    def __init__(self, engine: Engine, lease: Lease) -> None:
        self._engine = engine
        self._lease = lease
        self._codec = Codec()
        self._seq = last_seq(engine, lease.cell)
        mine = (cells.c.name == lease.cell) & (cells.c.epoch == lease.epoch)
        dialect = engine.dialect
        # Compiled once: a step of a run makes two such writes.
        self._renew = str(cells.update().where(mine).values(beat=clock(engine)).compile(
            dialect=dialect, compile_kwargs={"literal_binds": True}))  # fmt: skip
        self._connection = engine.connect()

    def write(self, records: Sequence[Record]) -> None:
        """One transaction: renew the lease, append; on the disk when this returns. No records: only renew."""
        rows = [self._row(place, record) for place, record in enumerate(records, self._seq + 1)]
        with self._connection.begin():
            self._renew_lease()
            for record in records:
                if isinstance(record, Submitted):
                    save_program(self._connection, record.program)
            if rows:
                self._connection.execute(journal.insert(), rows)
        self._seq += len(rows)

    def beat(self, instruments: bytes) -> None:
        """Renew the lease, and put what the devices do in the place of what they did: one transaction, as ever."""
        with self._connection.begin():
            self._renew_lease()
            show(self._connection, self._lease.cell, instruments)

    def _renew_lease(self) -> None:
        if not self._connection.exec_driver_sql(self._renew).rowcount:
            raise Fenced(f"another worker has taken {self._lease.cell} over")

    def _row(self, seq: int, record: Record) -> dict[str, object]:
        body = orjson.dumps(self._codec.encode(record), default=plain, option=orjson.OPT_SERIALIZE_NUMPY).decode()
        kind = Codec.kind(record)
        return {
            "cell": self._lease.cell,
            "seq": seq,
            "at": record.at,
            "run_id": record.run_id,
            "kind": kind,
            "body": body,
        }

    def close(self) -> None:
        """Give the cell back."""
        self._connection.close()
        release(self._engine, self._lease)


def save_program(connection: Connection, program: Program) -> str:
    """Keep a program under its hash; returns the hash."""
    digest = program.hash
    insert_missing(
        connection, programs, {"hash": digest, "body": orjson.dumps(program.as_json(), default=plain).decode()}
    )
    return digest


def last_seq(engine: Engine, cell: str) -> int:
    """The number of a cell's newest record; 0 when there is none."""
    with engine.connect() as connection:
        return connection.execute(sa.select(sa.func.max(journal.c.seq)).where(journal.c.cell == cell)).scalar() or 0


def load_program(connection: Connection, digest: str) -> Program:
    """A program by its hash."""
    body = connection.execute(sa.select(programs.c.body).where(programs.c.hash == digest)).scalar_one()
    return Program.from_json(orjson.loads(body))


def read_journal(
    engine: Engine, cell: str, *, after: int = 0, run_id: str | None = None, codec: Codec | None = None
) -> Iterator[tuple[int, Record]]:
    """A cell's records in their order, with their numbers; `codec` keeps the programs that were read."""
    codec = codec or Codec()
    wanted = sa.select(journal).where(journal.c.cell == cell, journal.c.seq > after).order_by(journal.c.seq)
    if run_id is not None:
        wanted = wanted.where(journal.c.run_id == run_id)
    with engine.connect() as connection:
        for row in connection.execution_options(yield_per=2000).execute(wanted):
            body = orjson.loads(row.body)
            if row.kind == "submitted" and body["program"] not in codec.programs:
                with engine.connect() as other:
                    codec.programs[body["program"]] = load_program(other, body["program"])
            yield row.seq, codec.decode(row.kind, row.at, row.run_id, body)
