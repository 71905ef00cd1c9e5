"""The trail in the store: whoever appends does so after everyone else, one transaction at a time."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from api.audit.chain import GENESIS, HEAD_EVERY, Entry, Head, Row, faults, head_document, link
from api.keys import PublicKey, SigningKey
from orchestrator.store.database import serialise
from orchestrator.store.tables import audit, heads

#: A head that was kept outside the store, in a run's folder.
HEAD_FILE = "audit-head.json"
RECORDS_FILE = "audit.jsonl"


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of checking a trail."""

    ok: bool
    records: int
    head: str
    faults: tuple[str, ...]


class Trail:
    """Appends to the trail and signs its heads. Every call blocks until it is on the disk."""

    def __init__(self, engine: Engine, key: SigningKey) -> None:
        self._engine, self._key = engine, key

    def append(self, *entries: Entry, sign: bool = False) -> int:
        """Record these, in their order; returns the newest record's number. An `event` that is there stays as it is."""
        with self._engine.begin() as connection:
            serialise(connection, "audit")
            last = _last(connection)
            signed = connection.execute(sa.select(sa.func.max(heads.c.seq))).scalar() or 0
            for entry in entries:
                if entry.event is not None and _knows(connection, entry.event):
                    continue
                last = self._add(connection, entry, last)
            if last.seq > signed and (sign or last.seq - signed >= HEAD_EVERY):
                self._sign(connection, last)
        return last.seq

    def head(self) -> Head | None:
        """The newest signed head."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(heads).order_by(heads.c.seq.desc()).limit(1)).mappings().one_or_none()
        return None if row is None else Head(**row)

    def _add(self, connection: Connection, entry: Entry, before: Row) -> Row:
        now = time.time()
        row = link(entry, before.seq + 1, now, before.hash)
        connection.execute(
            audit.insert().values(
                seq=row.seq, at=now, actor=entry.actor, verb=entry.verb, body=row.body, event=entry.event,
                hash=row.hash,
            )
        )  # fmt: skip
        return row

    def _sign(self, connection: Connection, row: Row) -> None:
        now = time.time()
        signature = self._key.sign(head_document(row.seq, now, row.hash))
        connection.execute(
            heads.insert().values(seq=row.seq, at=now, hash=row.hash, key_id=self._key.public.id, signature=signature)
        )


def _last(connection: Connection) -> Row:
    row = connection.execute(sa.select(audit).order_by(audit.c.seq.desc()).limit(1)).one_or_none()
    return Row(0, "", GENESIS) if row is None else Row(row.seq, row.body, row.hash)


def _knows(connection: Connection, event: str) -> bool:
    return connection.execute(sa.select(audit.c.seq).where(audit.c.event == event)).first() is not None


def records(engine: Engine, *, after: int = 0, limit: int | None = None, target: str | None = None) -> list[Row]:
    """Records in their order; of one target (a run's id) only, where it is named."""
    wanted = sa.select(audit).where(audit.c.seq > after).order_by(audit.c.seq)
    if target is not None:
        wanted = wanted.where(audit.c.body.contains(f'"target":{json.dumps(target)}', autoescape=True))
    with engine.connect() as connection:
        rows = connection.execute(wanted.limit(limit))
        return [Row(row.seq, row.body, row.hash) for row in rows]


def verify(engine: Engine, keys: Sequence[PublicKey], kept: Iterable[Head] = ()) -> Verified:
    """Check the whole trail against the heads of the store and those that were kept elsewhere."""
    count, newest = 0, GENESIS

    def rows() -> Iterator[Row]:
        nonlocal count, newest
        with engine.connect() as connection:
            for row in connection.execution_options(yield_per=2000).execute(sa.select(audit).order_by(audit.c.seq)):
                count, newest = count + 1, row.hash
                yield Row(row.seq, row.body, row.hash)

    with engine.connect() as connection:
        stored = [Head(**row) for row in connection.execute(sa.select(heads)).mappings()]
    found = tuple(faults(rows(), [*stored, *kept], {key.id: key for key in keys}))
    return Verified(not found, count, newest, found)


def kept_heads(runs: Path) -> list[Head]:
    """The heads that lie in the folders of runs."""
    return [Head(**json.loads(file.read_text("utf-8"))) for file in sorted(runs.glob(f"*/{HEAD_FILE}"))]


def export(engine: Engine, folder: Path, target: str, head: Head | None) -> None:
    """Put a run's records and the newest signed head into its folder."""
    lines = [orjson.dumps(asdict(row)) for row in records(engine, target=target)]
    (folder / RECORDS_FILE).write_bytes(b"".join(line + b"\n" for line in lines))
    if head is not None:
        told: dict[str, Any] = asdict(head)
        (folder / HEAD_FILE).write_text(json.dumps(told))
