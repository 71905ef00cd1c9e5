"""The store on SQLite and on PostgreSQL: schema, journal, lease, requests; many at once, and nothing happens twice."""

import itertools
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

import orchestrator.store
from drivers.core.errors import Outcome
from drivers.core.instrument import Reading
from orchestrator.state import records as r
from orchestrator.state.cell import fold, reduce
from orchestrator.store import database
from orchestrator.store.copy import CannotCopy, copy
from orchestrator.store.instruments import shown
from orchestrator.store.log import LEASE_S, CellTaken, Fenced, Lease, StoreLog, claim, last_seq, read_journal, release
from orchestrator.store.plans import plan_of, reality, save_plan
from orchestrator.store.requests import (
    Request,
    alive,
    answer,
    answer_of,
    any_of,
    ask,
    take,
    wait_for_answer,
)
from orchestrator.store.tables import cells, metadata, requests
from protocols.program import Action, Hold, Program

ROOT = Path(__file__).resolve().parents[3]
CELL = "lab:real"
DEVICES = ("axis", "reader")
MIGRATIONS = Path(orchestrator.store.__file__).parent / "migrations"


def chain(steps: int, name: str = "p") -> Program:
    """So many moves of one axis, one after the other."""
    actions = tuple(
        Action(f"s{n}.1", f"s{n}", "axis", "move", {"position_mm": float(n)}, (f"s{n - 1}.1",) if n else (),
               needs=("axis",)) for n in range(steps)
    )  # fmt: skip
    return Program(name, actions, {}, {}, holds=tuple(Hold("axis", a.id, a.id) for a in actions))


def work(engine: Engine, holder: str = "w1", cell: str = CELL, gone: str | None = None) -> tuple[Lease, StoreLog]:
    lease = claim(engine, cell, holder, "real", "", gone=gone)
    return lease, StoreLog(engine, lease)


def age(engine: Engine, seconds: float) -> None:
    """Let the beat of every worker be so much older."""
    with engine.begin() as connection:
        connection.execute(cells.update().values(beat=cells.c.beat - seconds))


# Schema


def configured(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def test_the_head_of_the_migrations_is_the_one_that_is_looked_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == database.HEAD


def test_the_migrated_schema_is_that_of_the_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_go_back_and_forth(engine: Engine) -> None:
    with engine.begin() as connection:
        command.downgrade(configured(connection), "base")
    assert sa.inspect(engine).get_table_names() == ["alembic_version"]
    with engine.begin() as connection:
        command.upgrade(configured(connection), "head")
    assert set(metadata.tables) <= set(sa.inspect(engine).get_table_names())


def test_what_was_kept_before_queues_and_campaigns_is_there_after(engine: Engine) -> None:
    """Migrations 0003 and 0004, on either database, with rows in the tables from before."""
    lease, log = work(engine, cell="cell")
    log.write([r.Claimed(at=1.0, holder=lease.holder, epoch=lease.epoch, world="real")])
    log.close()
    with engine.begin() as connection:
        command.downgrade(configured(connection), "0002")
    assert not {"queues", "campaigns", "made", "instruments"} & set(sa.inspect(engine).get_table_names())
    for revision, new in (("0003", {"queues", "queue_items", "campaigns", "campaign_points"}),
                          ("0004", {"made", "instruments"})):  # fmt: skip
        with engine.begin() as connection:
            command.upgrade(configured(connection), revision)
        assert new <= set(sa.inspect(engine).get_table_names())
    assert [record.holder for _, record in read_journal(engine, "cell") if isinstance(record, r.Claimed)] == ["w1"]
    indexes = {one["name"] for one in sa.inspect(engine).get_indexes("queue_items")}
    assert "queue_items_by_cell" in indexes


def test_what_devices_do_goes_with_the_beat(engine: Engine) -> None:
    assert shown(engine, "cell") is None
    lease, log = work(engine, cell="cell")
    for at in (5.0, 6.0):
        log.beat(b'{"at": %f, "devices": {"axis": {"reached": true}}}' % at)
    told = shown(engine, "cell")
    assert told is not None
    assert (told.at, told.devices, 0 <= told.told_s < 60) == (6.0, {"axis": {"reached": True}}, True)
    claim(engine, "cell", "b", "real", "", gone=lease.holder)
    with pytest.raises(Fenced):
        log.beat(b'{"at": 7, "devices": {}}')
    again = shown(engine, "cell")
    assert again is not None
    assert again.at == 6.0, "a worker that has lost its cell shows nothing more"


def test_a_store_of_a_newer_stack_is_left_alone(engine: Engine, url: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(database.StoreError, match="9999"):
        database.open_store(url)


@pytest.mark.parametrize(
    "address",
    ["postgresql://nobody:secret@127.0.0.1:1/lab", "sqlite:////dev/null/lab.db", "mongo://x", "no address"],
)
def test_a_store_that_cannot_be_opened_is_told(address: str) -> None:
    with pytest.raises(database.StoreError) as caught:
        database.open_store(address)
    assert "secret" not in str(caught.value)


OPEN_AT_ONCE = """
import sys
from orchestrator.store.database import open_store
sys.stdin.readline()
open_store(sys.argv[1]).dispose()
"""


def spawn(code: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *arguments], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(processes: Sequence["subprocess.Popen[str]"]) -> list[str]:
    """Let them all go at once; what each wrote."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), [err for _, err in told]
    return [out for out, _ in told]


def test_many_that_open_a_new_store_at_once_migrate_it_once(url: str, opened: Callable[[str], Engine]) -> None:
    finish([spawn(OPEN_AT_ONCE, url) for _ in range(3)])
    with opened(url).connect() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all() == [database.HEAD]


def test_a_new_store_opened_by_many_threads(url: str) -> None:
    at_once(8, lambda number: database.open_store(url).dispose())


def at_once(count: int, do: Callable[[int], Any]) -> list[Any]:
    """The same in many threads that begin together; what each returned."""
    gate = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(number: int) -> None:
        gate.wait()
        try:
            results[number] = do(number)
        except BaseException as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    failed = [result for result in results if isinstance(result, BaseException) and not isinstance(result, CellTaken)]
    assert not failed, failed
    return results


# Journal

texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
plain = st.dictionaries(
    texts, texts | numbers | st.integers(1 - 2**53, 2**53 - 1) | st.booleans() | st.none(), max_size=3
)
readings = st.lists(
    st.builds(Reading, texts, texts, st.none() | numbers, st.none() | st.dictionaries(texts, numbers, max_size=2)),
    max_size=2,
).map(tuple)
names = st.lists(texts, max_size=3).map(tuple)
actions = st.builds(Action, texts, texts, texts, texts, plain, names, st.booleans(), names)
holds = st.builds(Hold, texts, texts, st.none() | texts)
programs = st.builds(
    Program, texts, st.lists(actions, max_size=3).map(tuple), plain, st.dictionaries(texts, st.dictionaries(texts, numbers, max_size=2), max_size=2),
    st.dictionaries(texts, texts, max_size=2), names, st.lists(holds, max_size=2).map(tuple),
)  # fmt: skip
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "at": numbers, "run_id": texts, "holder": texts, "epoch": st.integers(0, 2**31), "world": texts,
    "program": programs, "by": texts, "priority": st.integers(-100, 100), "deadline": st.none() | numbers, "about": plain,
    "durations_s": st.dictionaries(texts, numbers, max_size=2), "action": texts, "attempt": st.integers(1, 99),
    "readings": readings, "error": texts, "kind": texts, "recoverable": st.booleans(), "stopped": st.booleans(), "evidence": texts, "why": texts, "note": texts,
    "choice": st.sampled_from(get_args(r.Choice)), "verdict": st.sampled_from(["done", "not_done"]), "reason": texts,
    "actions": st.lists(actions, max_size=2).map(tuple), "holds": st.lists(holds, max_size=2).map(tuple),
    "message": texts, "first": texts, "places": st.dictionaries(texts, texts, max_size=2), "things": names,
    "until": numbers, "predicted": st.lists(plain, max_size=2).map(tuple),
}  # fmt: skip


def of_kind(kind: type[r.Record]) -> st.SearchStrategy[r.Record]:
    fields = {name: FIELDS[name] for name in kind.__dataclass_fields__ if name != "outcome"}
    if "outcome" in kind.__dataclass_fields__:
        fields["outcome"] = st.sampled_from(get_args(Outcome if kind is r.Failed else r.RunOutcome))
    return st.builds(kind, **fields)


def test_every_kind_of_record_comes_back_as_it_was(engine: Engine) -> None:
    _, log = work(engine)
    for kind in r.KINDS.values():

        @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(of_kind(kind), min_size=1, max_size=4))
        def there_and_back(written: list[r.Record]) -> None:
            before = last_seq(engine, CELL)
            log.write(written)
            found = list(read_journal(engine, CELL, after=before))
            assert [record for _, record in found] == written
            assert [seq for seq, _ in found] == list(range(before + 1, before + 1 + len(written)))

        there_and_back()
    log.close()


def story() -> list[r.Record]:
    """A run that completes with a retry, one that waits for a verdict, one that was aborted and left a plate."""
    plate = Program("q", (Action("a.1", "a", "arm", "move_labware", {}, needs=("arm", "hotel.1")),), {}, {},
                    holds=(Hold("arm", "a.1", "a.1"), Hold("hotel.1", "a.1", None)))  # fmt: skip
    return [
        r.Claimed(at=1.0, holder="w1", epoch=1, world="real"),
        r.Submitted(at=2.0, run_id="one", program=chain(2), by="me", about={"lab": "lab"}, durations_s={"s0.1": 3.5}),
        r.Begun(at=3.0, run_id="one", action="s0.1"),
        r.Failed(at=4.0, run_id="one", action="s0.1", error="no", kind="Refused", outcome="not_started", recoverable=True),
        r.Chosen(at=5.0, run_id="one", action="s0.1", choice="retry", by="policy"),
        r.Begun(at=6.0, run_id="one", action="s0.1", attempt=2),
        r.Done(at=7.0, run_id="one", action="s0.1", readings=(Reading("position", "mm", 1.5),)),
        r.Begun(at=8.0, run_id="one", action="s1.1"),
        r.Done(at=9.0, run_id="one", action="s1.1"),
        r.Finished(at=10.0, run_id="one", outcome="completed"),
        r.Submitted(at=11.0, run_id="two", program=plate, about={}),
        r.Begun(at=12.0, run_id="two", action="a.1"),
        r.AbortAsked(at=13.0, run_id="two", by="me"),
        r.Done(at=14.0, run_id="two", action="a.1"),
        r.Amended(at=15.0, run_id="two", actions=(Action("e.1", "end", "arm", "home", {}, needs=("arm",)),), holds=(Hold("arm", "e.1", "e.1"),)),
        r.Finished(at=16.0, run_id="two", outcome="aborted"),
        r.Submitted(at=17.0, run_id="three", program=chain(1), about={}, priority=2, deadline=99.0),
        r.Begun(at=18.0, run_id="three", action="s0.1"),
        r.Claimed(at=19.0, holder="w2", epoch=2, world="real"),
        r.Alarmed(at=20.0, run_id="three", action="s0.1", message="nobody can tell"),
        r.Reserved(at=21.0, holder="plan", things=("reader",), until=50.0),
    ]  # fmt: skip


def test_the_fold_after_reading_is_the_fold_before(engine: Engine) -> None:
    _, log = work(engine)
    told = story()
    for place in range(0, len(told), 4):
        log.write(told[place : place + 4])
    log.close()
    state = fold(record for _, record in read_journal(engine, CELL))
    assert state == fold(told)
    assert state.left == {"hotel.1": "two"}
    assert state.run("three").phase("s0.1") == "unknown"
    assert [seq for seq, _ in read_journal(engine, CELL, after=18)] == [19, 20, 21]
    assert {record.run_id for _, record in read_journal(engine, CELL, run_id="two")} == {"two"}


def test_a_journal_longer_than_a_page_is_read_whole(engine: Engine) -> None:
    _, log = work(engine)
    log.write([r.Released(at=float(n), holder=str(n)) for n in range(4100)])
    log.close()
    assert [record.at for _, record in read_journal(engine, CELL)] == [float(n) for n in range(4100)]


def test_two_cells_keep_two_journals_and_share_programs(engine: Engine) -> None:
    program = chain(3)
    for cell in ("a:real", "b:real"):
        _, log = work(engine, cell=cell)
        log.write([r.Submitted(at=1.0, run_id=cell, program=program, about={})])
        log.close()
    for cell in ("a:real", "b:real"):
        assert [(seq, record.run_id) for seq, record in read_journal(engine, cell)] == [(1, cell)]
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM programs")).scalar() == 1


def test_what_cannot_be_written_changes_nothing(engine: Engine) -> None:
    _, log = work(engine)
    log.write([r.Released(at=1.0, holder="x")])
    with pytest.raises(TypeError):
        log.write([r.Released(at=2.0, holder="y"), r.Submitted(at=3.0, program=chain(1), about={"x": object()})])
    log.write([r.Released(at=4.0, holder="z")])
    log.close()
    assert [(seq, record.at) for seq, record in read_journal(engine, CELL)] == [(1, 1.0), (2, 4.0)]


def test_plan_and_reality_have_one_shape(engine: Engine) -> None:
    _, log = work(engine)
    log.write(story())
    log.close()
    for start in (1.0, 2.0):
        save_plan(engine, CELL, start, [{"run_id": "one", "step": "s0", "device": "axis", "start": start, "end": 9.0}])
    (planned,) = plan_of(engine, CELL).tasks
    assert planned["start"] == 2.0
    assert plan_of(engine, "another:real").tasks == ()
    newest = plan_of(engine, CELL)
    assert plan_of(engine, CELL, newest) is newest
    came = reality(engine, CELL, ["one"])
    assert came[0].keys() - planned.keys() == {"action"}
    assert [(span["step"], span["start"], span["end"]) for span in came] == [("s0", 6.0, 7.0), ("s1", 8.0, 9.0)]


# Lease


def test_a_cell_has_one_holder(engine: Engine) -> None:
    first, log = work(engine, "w1")
    with pytest.raises(CellTaken, match="w1 works in lab:real"):
        claim(engine, CELL, "w2", "real", "")
    assert alive(engine)[CELL] | {"silent_s": 0} == {"holder": "w1", "epoch": 1, "world": "real", "silent_s": 0}
    log.close()
    assert alive(engine)[CELL]["holder"] == ""
    second, other = work(engine, "w2")
    assert (first.epoch, second.epoch) == (1, 2)
    release(engine, first)  # a lease that is over gives nothing back
    assert alive(engine)[CELL]["holder"] == "w2"
    other.close()


def test_a_lease_runs_out_with_the_beat(engine: Engine) -> None:
    _, log = work(engine, "w1")
    age(engine, LEASE_S - 1)
    with pytest.raises(CellTaken):
        claim(engine, CELL, "w2", "real", "")
    log.write(())  # a beat
    assert alive(engine)[CELL]["silent_s"] < 1
    age(engine, LEASE_S + 0.1)
    assert claim(engine, CELL, "w2", "real", "").epoch == 2
    with pytest.raises(Fenced):
        log.write(())
    log.close()
    assert alive(engine)[CELL]["holder"] == "w2"


def test_a_holder_that_is_known_to_be_dead_need_not_be_waited_for(engine: Engine) -> None:
    _, log = work(engine, "w1")
    with pytest.raises(CellTaken):
        claim(engine, CELL, "w2", "real", "", gone="w0")
    assert claim(engine, CELL, "w2", "real", "", gone="w1").epoch == 2
    log.close()


def test_a_fenced_worker_changes_nothing(engine: Engine) -> None:
    _, old = work(engine, "w1")
    old.write([r.Released(at=1.0, holder="x")])
    _, new = work(engine, "w2", gone="w1")
    beat = alive(engine)[CELL]
    submitted = r.Submitted(at=2.0, run_id="late", program=chain(1, "never"), about={})
    for records in ([], [submitted], [r.Released(at=3.0, holder="y")]):
        with pytest.raises(Fenced):
            old.write(records)
    new.write([r.Released(at=4.0, holder="z")])
    assert [(seq, record.at) for seq, record in read_journal(engine, CELL)] == [(1, 1.0), (2, 4.0)]
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM programs")).scalar() == 0
    assert alive(engine)[CELL]["epoch"] == beat["epoch"]
    old.close()
    new.close()
    assert alive(engine)[CELL]["holder"] == ""


def test_of_many_that_claim_a_cell_at_once_one_has_it(engine: Engine) -> None:
    for round_ in range(5):
        with engine.begin() as connection:
            connection.execute(cells.update().values(holder=""))
        results = at_once(6, lambda number: claim(engine, CELL, f"w{number}", "real", ""))
        won = [result for result in results if isinstance(result, Lease)]
        assert len(won) == 1, results
        assert won[0].epoch == round_ + 1
        assert alive(engine)[CELL]["holder"] == won[0].holder


def test_writers_and_a_usurper_at_once_leave_one_story(engine: Engine) -> None:
    """Whatever the interleaving: numbers without a gap, all of the old worker's before all of the new one's."""
    _, old = work(engine, "w1")
    ends: list[int] = []
    over = threading.Event()

    def write_old(_: int) -> None:
        for n in itertools.takewhile(lambda _: not over.is_set(), itertools.count()):
            try:
                old.write([r.Released(at=float(n), holder="old")])
            except Fenced:
                ends.append(n)
                return

    def take_over(_: int) -> None:
        while last_seq(engine, CELL) < 5:
            pass
        try:
            _, new = work(engine, "w2", gone="w1")
            for n in range(5):
                new.write([r.Released(at=float(n), holder="new")])
            new.close()
        finally:
            over.set()

    at_once(2, lambda number: (write_old, take_over)[number](number))
    old.close()
    told = [(seq, record.holder) for seq, record in read_journal(engine, CELL) if isinstance(record, r.Released)]
    assert [seq for seq, _ in told] == list(range(1, len(told) + 1))
    assert [holder for _, holder in told] == ["old"] * (len(told) - 5) + ["new"] * 5
    assert ends == [len(told) - 5]


# Requests


def test_asking_twice_is_asking_once(engine: Engine) -> None:
    ask(engine, Request("q1", "pause", "one", {"why": "tea"}, "me", CELL))
    ask(engine, Request("q1", "resume", "two", {}, "you", CELL))
    assert take(engine, CELL, 9) == [Request("q1", "pause", "one", {"why": "tea"}, "me", CELL)]
    answer(engine, "q1", {"ok": True})
    ask(engine, Request("q1", "pause", "one", {"why": "tea"}, "me", CELL))
    assert take(engine, CELL, 9) == []
    assert answer_of(engine, "q1") == {"ok": True}


def test_asking_twice_at_once_is_asking_once(engine: Engine) -> None:
    program = chain(2)
    at_once(6, lambda number: ask(engine, Request("q", "submit", f"run-{number}", {}, "me", CELL), program))
    (found,) = take(engine, CELL, 9)
    assert found.run_id.startswith("run-")
    assert found.body == {"program": program.hash, "devices": ["axis"]}


def test_requests_are_answered_in_their_order_and_the_first_answer_stays(engine: Engine) -> None:
    ids = [f"q{n}" for n in (3, 1, 2, 9, 0)]
    for name in ids:
        ask(engine, Request(name, "pause", "one", {}, "me", CELL))
    ask(engine, Request("other", "pause", "one", {}, "me", "another:real"))
    assert [request.id for request in take(engine, CELL, 0)] == ids, "room is for submissions to any cell"
    answer(engine, "q3", {"ok": True, "n": 1})
    answer(engine, "q3", {"ok": False, "n": 2})
    assert answer_of(engine, "q3") == {"ok": True, "n": 1}
    assert [request.id for request in take(engine, CELL, 0)] == ids[1:]
    assert wait_for_answer(engine, "q3", 1.0) == {"ok": True, "n": 1}
    assert wait_for_answer(engine, "q1", 0.05) is None
    assert answer_of(engine, "never asked") is None


def test_a_submission_to_any_cell_goes_to_the_first_that_has_room(engine: Engine) -> None:
    for n in range(5):
        ask(engine, Request(f"q{n}", "submit", f"run-{n}", {"n": n}, "me", any_of("real")), chain(1))
    ask(engine, Request("mine", "submit", "run-mine", {}, "me", "a:real"), chain(1))
    assert [request.id for request in take(engine, "a:real", 2, DEVICES)] == ["q0", "q1", "mine"]
    assert [request.id for request in take(engine, "b:real", 9, DEVICES)] == ["q2", "q3", "q4"]
    again = take(engine, "a:real", 9, DEVICES)
    assert [request.id for request in again] == ["q0", "q1", "mine"], "a worker that died with them finds them again"
    assert {request.cell for request in again} == {"a:real"}


def test_a_submission_to_any_cell_stays_in_its_world_and_goes_where_its_devices_are(engine: Engine) -> None:
    ask(engine, Request("q1", "submit", "run-1", {}, "me", any_of("twin")), chain(1))
    assert take(engine, "a:real", 9, DEVICES) == []
    assert take(engine, "a:twin", 9, ("reader",)) == []
    assert [request.id for request in take(engine, "a:twin", 9, DEVICES)] == ["q1"]


def test_only_submissions_may_go_to_any_cell(engine: Engine) -> None:
    ask(engine, Request("q1", "stop", "", {}, "me", any_of("real")))
    assert take(engine, "a:real", 9, DEVICES) == []


def test_what_is_claimed_by_many_threads_is_claimed_once(engine: Engine) -> None:
    for n in range(40):
        ask(engine, Request(f"q{n}", "submit", f"run-{n}", {}, "me", any_of("real")), chain(1))
    found = at_once(6, lambda number: [request.id for request in take(engine, f"{number}:real", 40, DEVICES)])
    assert sorted(name for names in found for name in names) == sorted(f"q{n}" for n in range(40))
    with engine.connect() as connection:
        rows = connection.execute(sa.select(requests.c.id, requests.c.cell)).all()
    assert {row.id: row.cell for row in rows} == {name: f"{n}:real" for n, names in enumerate(found) for name in names}


CLAIM = """
import sys
from orchestrator.store.database import open_store
from orchestrator.store.requests import take
engine = open_store(sys.argv[1])
sys.stdin.readline()
found = []
while new := [request.id for request in take(engine, sys.argv[2], len(found) + 3, ['axis']) if request.id not in found]:
    found += new
print(*found)
engine.dispose()
"""


def test_what_is_claimed_by_many_processes_is_claimed_once(engine: Engine, url: str) -> None:
    for n in range(60):
        ask(engine, Request(f"q{n}", "submit", f"run-{n}", {}, "me", any_of("real")), chain(1))
    found = [told.split() for told in finish([spawn(CLAIM, url, f"{n}:real") for n in range(3)])]
    assert sorted(name for names in found for name in names) == sorted(f"q{n}" for n in range(60))


def test_submissions_of_many_threads_keep_each_threads_order(engine: Engine) -> None:
    def front(number: int) -> None:
        for n in range(10):
            ask(engine, Request(f"{number}-{n}", "submit", f"run-{number}-{n}", {}, "me", CELL), chain(1))

    at_once(4, front)
    taken = [request.id.split("-") for request in take(engine, CELL, 0)]
    assert len(taken) == 40
    for number in range(4):
        assert [int(n) for front_number, n in taken if front_number == str(number)] == list(range(10))


# Moving


def filled(engine: Engine) -> None:
    """A store with something in every table, and nobody at work."""
    _, log = work(engine)
    log.write([r.Cleared(at=float(n), things=(), by=str(n)) for n in range(2500)])
    log.write(story())
    log.close()
    ask(engine, Request("q1", "submit", "run-1", {"priority": 3}, "me", any_of("real")), chain(2, "é"))
    ask(engine, Request("q2", "pause", "run-1", {}, "me", CELL))
    answer(engine, "q2", {"ok": False})
    save_plan(engine, CELL, 1.0, [{"run_id": "one"}])


def content(engine: Engine) -> dict[str, list[Any]]:
    with engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key)).all()]
            for table in metadata.sorted_tables
        }


@pytest.fixture
def other(url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty store of the other kind."""
    address = (
        request.getfixturevalue("postgres_url") if url.startswith("sqlite") else f"sqlite:///{tmp_path / 'other.db'}"
    )
    made = database.open_store(address)
    yield made
    made.dispose()


def test_a_store_moves_whole(engine: Engine, other: Engine) -> None:
    filled(engine)
    rows = copy(engine, other)
    written = {name: count for name, count in rows.items() if count}
    assert written == {"cells": 1, "journal": 2521, "programs": 4, "requests": 2, "plans": 1}
    assert content(other) == content(engine)
    state = fold(record for _, record in read_journal(other, CELL))
    assert state == fold(record for _, record in read_journal(engine, CELL))
    epoch = claim(other, CELL, "w9", "real", "").epoch
    reduce(state, r.Claimed(at=99.0, holder="w9", epoch=epoch, world="real"))  # a higher one than all before
    assert [request.id for request in take(other, CELL, 1, DEVICES)] == ["q1"]


def test_no_store_moves_under_a_worker(engine: Engine, other: Engine) -> None:
    _, log = work(engine, "w1")
    with pytest.raises(CannotCopy, match=r"a worker has lab:real; stop it first \(lab down\)"):
        copy(engine, other)
    assert not any(content(other).values())
    log.write(())
    age(engine, LEASE_S + 0.1)
    copy(engine, other)
    with pytest.raises(Fenced):  # it only hung, and wakes up
        log.write([r.Released(at=1.0, holder="late")])
    log.close()


def test_nothing_is_written_over(engine: Engine, other: Engine) -> None:
    filled(engine)
    ask(other, Request("q9", "pause", "", {}, "me", CELL))
    before = content(other)
    with pytest.raises(CannotCopy, match="the target has requests already"):
        copy(engine, other)
    assert content(other) == before


def test_a_copy_that_fails_on_the_way_copies_nothing(engine: Engine, other: Engine) -> None:
    filled(engine)
    with other.begin() as connection:
        connection.execute(sa.text("DROP TABLE plans"))
        connection.execute(sa.text("CREATE TABLE plans (cell TEXT, at FLOAT, body TEXT, more TEXT NOT NULL)"))
    with pytest.raises(sa.exc.IntegrityError):
        copy(engine, other)
    with other.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM journal")).scalar() == 0
    assert claim(engine, CELL, "w2", "real", "").epoch == 2, "and the source is as it was"
