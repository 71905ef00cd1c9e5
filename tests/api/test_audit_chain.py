"""The audit trail: what verifying it finds, in a store that somebody has tampered with."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from api.audit import trail
from api.audit.chain import GENESIS, HEAD_EVERY, Entry, Row, faults, link
from api.audit.trail import Trail, verify
from api.keys import SigningKey, key_of
from labfile import read
from orchestrator.store.database import open_store
from orchestrator.store.tables import audit, heads


@pytest.fixture
def key(lab_file: Path) -> SigningKey:
    return key_of(read(lab_file))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_store(f"sqlite:///{tmp_path / 'lab.db'}")


def fill(engine: Engine, key: SigningKey, count: int = HEAD_EVERY + 10) -> Trail:
    written = Trail(engine, key)
    for number in range(count):
        written.append(Entry("technician", "submit", "allowed", "twin", f"run-{number}"), sign=number == count - 3)
    return written


def test_a_whole_trail_is_whole(engine: Engine, key: SigningKey) -> None:
    fill(engine, key)
    found = verify(engine, [key.public])
    assert (found.ok, found.records, found.faults) == (True, HEAD_EVERY + 10, ())
    engine.dispose()


def rewrite(engine: Engine, since: int) -> None:
    """What somebody with the database, and without the key, can do: a chain that is whole in itself."""
    with engine.begin() as connection:
        rows = connection.execute(sa.select(audit).order_by(audit.c.seq)).all()
        before = next((row.hash for row in reversed(rows) if row.seq < since), GENESIS)
        for row in rows:
            if row.seq >= since:
                new = link(Entry("nobody", row.verb, "allowed"), row.seq, row.at, before)
                connection.execute(audit.update().where(audit.c.seq == row.seq).values(body=new.body, hash=new.hash))
                before = new.hash


def run(engine: Engine, statement: sa.sql.expression.Executable) -> None:
    with engine.begin() as connection:
        connection.execute(statement)


TAMPERINGS: dict[str, tuple[Callable[[Engine], None], str]] = {
    "an edited record": (
        lambda engine: run(engine, audit.update().where(audit.c.seq == 5).values(
            body=sa.func.replace(audit.c.body, "technician", "somebody"))),
        "record 5 was edited",
    ),
    "an edited record with its hash": (
        lambda engine: run(engine, audit.update().where(audit.c.seq == 5).values(hash="0" * 64)),
        "record 5 was edited",
    ),
    "a record taken out": (
        lambda engine: run(engine, audit.delete().where(audit.c.seq == 7)),
        "records 7 to 7 are gone",
    ),
    "a tail cut off": (
        lambda engine: run(engine, audit.delete().where(audit.c.seq > 20)),
        "were signed and are gone",
    ),
    "a rewritten chain": (lambda engine: rewrite(engine, 3), "is not the one that was signed"),
    "the last record": (
        lambda engine: run(engine, audit.update().where(audit.c.seq == HEAD_EVERY + 10).values(body="{}")),
        "was edited",
    ),
    "a forged head": (
        lambda engine: run(engine, heads.update().values(signature="AAAA")),
        "signature of the head",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found(engine: Engine, key: SigningKey, name: str) -> None:
    fill(engine, key)
    tamper, told = TAMPERINGS[name]
    tamper(engine)
    found = verify(engine, [key.public])
    assert not found.ok
    assert any(told in fault for fault in found.faults), found.faults
    engine.dispose()


def test_a_rewritten_chain_without_heads_shows_too(engine: Engine, key: SigningKey) -> None:
    fill(engine, key)
    rewrite(engine, 1)
    run(engine, heads.delete())
    assert any("no signed head" in fault for fault in verify(engine, [key.public]).faults)
    engine.dispose()


def test_a_head_kept_elsewhere_tells_of_a_tail_that_is_gone_with_its_heads(engine: Engine, key: SigningKey) -> None:
    kept = fill(engine, key).head()
    assert kept is not None
    run(engine, audit.delete().where(audit.c.seq > 10))
    run(engine, heads.delete())
    assert verify(engine, [key.public]).ok, "from the store alone it cannot be told"
    assert not verify(engine, [key.public], [kept]).ok
    engine.dispose()


def test_another_key_is_not_trusted(engine: Engine, key: SigningKey, tmp_path: Path) -> None:
    fill(engine, key)
    (tmp_path / "var/lab.key").unlink()
    (tmp_path / "var/lab.key.pub").unlink()
    other = key_of(read(tmp_path / "lab.toml"))
    assert any("not trusted" in fault for fault in verify(engine, [other.public]).faults)
    engine.dispose()


def test_an_event_is_recorded_once(engine: Engine, key: SigningKey) -> None:
    written = Trail(engine, key)
    once = Entry("lab", "end", "noted", target="run-1", event="ended:cell:run-1")
    assert [written.append(once), written.append(once, sign=True), written.append(once)] == [1, 1, 1]
    assert [row.seq for row in trail.records(engine)] == [1]
    engine.dispose()


@given(st.lists(st.text(max_size=20), min_size=2, max_size=12), st.data())
def test_no_change_of_one_record_goes_unseen(actors: list[str], data: st.DataObject) -> None:
    rows: list[Row] = []
    for seq, actor in enumerate(actors, 1):
        rows.append(link(Entry(actor, "submit", "allowed"), seq, float(seq), rows[-1].hash if rows else GENESIS))
    assert not list(faults(rows, [], {}))
    place = data.draw(st.integers(0, len(rows) - 1))
    other = link(Entry(actors[place] + "x", "submit", "allowed"), place + 1, 0.0, "1" * 64)
    changed = [*rows[:place], other, *rows[place + 1 :]]
    assert list(faults(changed, [], {}))
    if place < len(rows) - 1:
        assert list(faults([*rows[:place], *rows[place + 1 :]], [], {}))
