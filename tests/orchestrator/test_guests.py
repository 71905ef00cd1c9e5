"""Bluesky's plans by name: what is bound, what a worker makes of them, and that what waits outlives it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from drivers.core.world import WorldSettings
from drivers.sensors.environment import UNITS
from labfile import Lab, read
from orchestrator.labview import view
from orchestrator.names import cell_name
from orchestrator.sinks import read_documents
from orchestrator.state import records as r
from orchestrator.store.database import open_store
from orchestrator.store.log import read_journal
from orchestrator.store.requests import Request, answer_of, ask
from orchestrator.worker import Worker
from protocols import scans
from protocols.scans import BadPlan, bind

ROOT = Path(__file__).resolve().parents[2]
LAB = read(ROOT / "lab.toml")
HERE = view(LAB)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    text = (ROOT / "lab.toml").read_text()
    narrow = '[devices.axis.limits]\nposition = ["-20 mm", "20 mm"]\n\n[devices.operator]'
    (tmp_path / "lab.toml").write_text(text.replace("[devices.operator]", narrow))
    return read(tmp_path / "lab.toml")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_store(f"sqlite:///{tmp_path / 'lab.db'}")


def want(engine: Engine, lab: Lab, run_id: str, plan: str, *args: Any, **kwargs: Any) -> None:
    body = {"plan": plan, "args": args, "kwargs": kwargs}
    ask(engine, Request(f"ask {run_id}", "plan", run_id, body, "beamline", cell_name(lab, "twin")))


def steer(engine: Engine, lab: Lab, kind: str, run_id: str) -> None:
    ask(engine, Request(f"{kind} {run_id}", kind, run_id, {}, "beamline", cell_name(lab, "twin")))


def at_work(
    lab: Lab, engine: Engine, folder: Path, story: Callable[[Worker], Awaitable[None]], speed: float | None = None
) -> None:
    """A worker's whole life, on the clock of its twin."""
    worker = Worker(lab, "twin", engine, folder / "runs", WorldSettings(epoch_s=1e9, speed=speed))

    async def main() -> None:
        ready = asyncio.Event()
        working = asyncio.create_task(worker.run(ready=ready.set))
        await ready.wait()
        await story(worker)
        worker.ended.set()
        await working

    worker.cell.world.run(main)


async def told(engine: Engine, run_id: str) -> dict[str, Any]:
    while (answer := answer_of(engine, f"ask {run_id}")) is None:
        await asyncio.sleep(0.5)
    return answer


def documents(folder: Path, run_id: str, kind: str) -> list[Any]:
    return [document for name, document in read_documents(folder / "runs" / run_id / "documents.jsonl") if name == kind]


def test_a_count_leaves_a_folder_and_answers_at_its_end(lab: Lab, engine: Engine, tmp_path: Path) -> None:
    async def story(_: Worker) -> None:
        want(engine, lab, "plan-1", "count", ["environment"], 3, delay=10)
        assert await told(engine, "plan-1") == {"ok": True, "run_id": "plan-1", "outcome": "completed"}
        want(engine, lab, "plan-4", "count", ["ur5e"])
        assert (await told(engine, "plan-4"))["outcome"] == "completed"
        want(engine, lab, "plan-2", "count", ["axis"])
        refused = await told(engine, "plan-2")
        assert (refused["ok"], "real time only" in refused["error"]) == (False, True)
        want(engine, lab, "plan-3", "os.system", "rm")
        assert "there is no plan 'os.system'" in (await told(engine, "plan-3"))["error"]

    at_work(lab, engine, tmp_path, story)
    events = documents(tmp_path, "plan-1", "event")
    assert [set(event["data"]) for event in events] == [{f"environment_{name}" for name in UNITS}] * 3
    assert events[2]["time"] - events[0]["time"] == pytest.approx(20, abs=1)
    (pose,) = documents(tmp_path, "plan-4", "event")
    assert pose["data"]["ur5e_joint_2"] == pytest.approx(-90.0)
    about = json.loads((tmp_path / "runs/plan-1/run.json").read_text())
    assert (about["outcome"], about["protocol"], about["by"]) == ("completed", "count", "beamline")


def test_pause_resume_and_abort(lab: Lab, engine: Engine, tmp_path: Path) -> None:
    async def story(worker: Worker) -> None:
        want(engine, lab, "long", "count", ["environment"], 100, delay=10)
        want(engine, lab, "behind", "count", ["environment"])
        while "long" not in worker.service.conductor.state.reservations:
            await asyncio.sleep(1)
        await asyncio.sleep(35)
        steer(engine, lab, "pause", "long")
        await asyncio.sleep(20)
        paused = len(documents(tmp_path, "long", "event"))
        await asyncio.sleep(300)
        assert len(documents(tmp_path, "long", "event")) == paused
        steer(engine, lab, "resume", "long")
        await asyncio.sleep(50)
        assert len(documents(tmp_path, "long", "event")) > paused
        steer(engine, lab, "abort", "long")
        assert await told(engine, "long") == {
            "ok": True, "run_id": "long", "outcome": "aborted", "error": "aborted by beamline",
        }  # fmt: skip
        assert (await told(engine, "behind"))["outcome"] == "completed"

    at_work(lab, engine, tmp_path, story)
    assert documents(tmp_path, "long", "stop")[-1]["exit_status"] == "abort"
    records = [record for _, record in read_journal(engine, cell_name(lab, "twin"))]
    assert [(one.holder, one.outcome) for one in records if isinstance(one, r.Released)] == [
        ("long", "aborted"), ("behind", "completed"),
    ]  # fmt: skip


def test_what_waits_outlives_its_worker_and_what_had_begun_is_not_begun_again(
    lab: Lab, engine: Engine, tmp_path: Path
) -> None:
    async def first(worker: Worker) -> None:
        want(engine, lab, "begun", "count", ["environment"], 100, delay=10)
        want(engine, lab, "waiting", "count", ["environment"], 2)
        while "begun" not in worker.service.conductor.state.reservations:
            await asyncio.sleep(1)
        await asyncio.sleep(20)

    async def second(_: Worker) -> None:
        assert (await told(engine, "begun"))["outcome"] == "interrupted"
        assert (await told(engine, "waiting"))["outcome"] == "completed"

    at_work(lab, engine, tmp_path, first)
    assert answer_of(engine, "ask begun") is None
    before = len(documents(tmp_path, "begun", "event"))
    at_work(lab, engine, tmp_path, second)
    assert len(documents(tmp_path, "begun", "event")) == before
    assert len(documents(tmp_path, "waiting", "event")) == 2


def test_a_stop_ends_what_waits_and_what_is_at_work(lab: Lab, engine: Engine, tmp_path: Path) -> None:
    async def story(worker: Worker) -> None:
        want(engine, lab, "long", "count", ["environment"], 100, delay=10)
        want(engine, lab, "waiting", "count", ["environment"])
        while "long" not in worker.service.conductor.state.reservations:
            await asyncio.sleep(1)
        steer(engine, lab, "stop", "")
        assert (await told(engine, "long"))["error"] == "stopped by beamline"
        assert (await told(engine, "waiting"))["error"] == "stopped by beamline before it began"

    at_work(lab, engine, tmp_path, story)
    assert not (tmp_path / "runs/waiting").exists()


def test_scans_of_an_axis_in_real_time(lab: Lab, engine: Engine, tmp_path: Path) -> None:
    """Through Channel Access and ophyd's EpicsMotor, whose threads no virtual clock knows."""

    async def story(_: Worker) -> None:
        want(engine, lab, "scan", "scan", ["environment"], "axis", 0, 2, num=3)
        want(engine, lab, "rel", "rel_scan", ["environment"], "axis", -1, 1, 3)
        want(engine, lab, "far", "rel_scan", ["environment"], "axis", 0, 19, 3)
        want(engine, lab, "list", "list_scan", ["axis"], "axis", [1, 0])
        for run_id in ("scan", "rel", "list"):
            assert (await told(engine, run_id))["outcome"] == "completed", run_id
        far = await told(engine, "far")
        assert (far["outcome"], "outside" in far["error"]) == ("failed", True), far

    at_work(lab, engine, tmp_path, story, speed=1)

    def places(run_id: str) -> list[float]:
        return [event["data"]["axis_position"] for event in documents(tmp_path, run_id, "event")]

    assert places("scan") == pytest.approx([0, 1, 2], abs=0.02)
    assert places("rel") == pytest.approx([1, 2, 3], abs=0.02)
    assert places("far") == []
    assert places("list") == pytest.approx([1, 0], abs=0.02)
    (start,) = documents(tmp_path, "rel", "start")
    assert (start["plan_name"], start["motors"]) == ("rel_scan", ["axis"])


numbers = st.floats(allow_nan=True, allow_infinity=True, width=32) | st.integers(-(10**15), 10**15)


@given(numbers, numbers, st.integers(-5, 20_000))
def test_no_scan_that_is_bound_leaves_the_limits(start: float, stop: float, num: int) -> None:
    try:
        scan = bind(HERE, "scan", [["environment"], "axis", start, stop], {"num": num})
    except BadPlan:
        return
    allowed = LAB.devices["axis"].limits.ranges["position"]
    assert all(allowed.low - 1e-6 <= place <= allowed.high + 1e-6 for place in scan.targets("axis"))
    assert len(scan.targets("axis")) == num


@pytest.mark.parametrize(
    ("plan", "args", "kwargs", "words"),
    [
        ("bp.count", [["environment"]], {}, "there is no plan"),
        ("count", [], {}, "detectors"),
        ("count", [["nobody"]], {}, "what can: ur5e, incubator, cooler, reader, environment, enclosure, axis, diffractometer, camera"),
        ("count", ["environment"], {}, "give a list of names"),
        ("count", [["environment"]], {"num": 0, "delay": -1}, "num: give a whole number from 1 to 10000, not '0'; delay"),
        ("count", [["environment"]], {"num": True}, "num"),
        ("count", [["environment"]], {"per_shot": "x"}, "per_shot"),
        ("count", [["reader"]], {}, "wells"),
        ("count", [["reader"]], {"wells": ["A1"], "wavelengths_nm": [1e9]}, "wavelength"),
        ("scan", [["environment"], "ot2", 0, 1], {"num": 2}, "what can: incubator, cooler, axis, diffractometer"),
        ("scan", [["environment"], "axis", 0, 1], {}, "num"),
        ("scan", [["environment"], "axis", 0], {"num": 2}, "axis, start, stop"),
        ("scan", [["environment"], "axis", 0, 1e6], {"num": 2}, "outside"),
        ("scan", [["environment"], "axis", 0, 1, "axis", 2, 3], {"num": 2}, "named once"),
        ("list_scan", [["environment"], "axis", [0, float("nan")]], {}, "finite"),
        ("list_scan", [["environment"], "axis", "0123"], {}, "list of 1 to"),
    ],
)  # fmt: skip
def test_bad_arguments_are_told_all_at_once(plan: str, args: list[Any], kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(BadPlan) as caught:
        bind(HERE, plan, args, kwargs)
    assert words in str(caught.value)


def test_durations_by_the_drivers_figures() -> None:
    counting = bind(HERE, "count", [["environment"], 10], {"delay": 60})
    assert scans.duration_s(HERE, counting)[0] == pytest.approx(600)
    scanning = bind(HERE, "scan", [["environment"], "axis", 0, 50, 11])
    assert scans.duration_s(HERE, scanning)[1] > 10, "50 mm at 5 mm/s"
