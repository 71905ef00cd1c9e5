"""The contract with Bluesky's private parts: if an update breaks one of these, `orchestrator/engine.py` is mended."""

import asyncio
import contextlib
import re
from collections.abc import Generator, Mapping
from typing import Any

import bluesky
import numpy as np
import pytest
from bluesky import RunEngine
from bluesky import plan_stubs as bps
from bluesky import plans as bp
from bluesky.bundlers import RunBundler
from bluesky.utils import FailedStatus, Msg
from event_model import DocumentNames, EventModelValidationError, schema_validators
from ophyd_async.core import Array1D, AsyncStatus, StandardReadable, StandardReadableFormat, soft_signal_rw

from orchestrator.engine import Engine
from sim_lab.clock import run

Documents = list[tuple[str, dict[str, Any]]]


class Slow:
    """A movable that takes a minute and remembers being stopped."""

    name, parent = "slow", None

    def __init__(self, fails: bool = False) -> None:
        self.stopped: list[bool] = []
        self.moves = 0
        self._fails = fails

    def set(self, value: float) -> AsyncStatus[None]:
        async def move() -> None:
            self.moves += 1
            await asyncio.sleep(value)
            if self._fails:
                raise RuntimeError("stuck")

        return AsyncStatus(move())

    async def stop(self, success: bool = True) -> None:
        self.stopped.append(success)


def gather(engine: Engine) -> Documents:
    documents: Documents = []
    engine.subscribe(lambda name, document: documents.append((name, document)))
    return documents


def test_a_plan_of_others_runs_on_the_lab_loop_with_valid_documents() -> None:
    async def main() -> Documents:
        signal = soft_signal_rw(float, 0.0, name="signal")
        await signal.connect()
        engine = Engine({"lab": "test"})
        documents = gather(engine)
        await engine.run(bp.scan([signal], signal, 0, 4, 5))
        return documents

    documents = run(main, epoch_s=0.0)
    assert [name for name, _ in documents] == ["start", "descriptor", *["event"] * 5, "stop"]
    assert documents[0][1]["lab"] == "test"
    assert documents[-1][1]["exit_status"] == "success"
    for name, document in documents:
        schema_validators[DocumentNames[name]].validate(document)


def test_engines_share_one_loop_and_run_beside_one_another() -> None:
    async def main() -> float:
        engines = [Engine({}) for _ in range(5)]
        await asyncio.gather(*(engine.run(bps.mv(Slow(), 60)) for engine in engines))
        return asyncio.get_running_loop().time()

    assert run(main) == pytest.approx(60)


def test_a_good_plan_does_not_stop_its_devices_and_a_bad_one_does() -> None:
    async def main() -> tuple[list[bool], list[bool]]:
        good, bad = Slow(), Slow(fails=True)
        await Engine({}).run(bps.mv(good, 1))
        with pytest.raises(FailedStatus) as caught:
            await Engine({}).run(bps.mv(bad, 1))
        assert str(caught.value.__cause__) == "stuck"
        return good.stopped, bad.stopped

    assert run(main) == ([], [False])


def test_cancelling_ends_the_plan_and_stops_the_device() -> None:
    async def main() -> tuple[list[bool], str, str]:
        device, engine = Slow(), Engine({})
        documents = gather(engine)

        def plan() -> Generator[Msg, Any, None]:
            yield Msg("open_run")
            yield from bps.mv(device, 600)
            yield Msg("close_run")

        task = asyncio.ensure_future(engine.run(plan()))
        await asyncio.sleep(5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return device.stopped, engine.state, documents[-1][1]["exit_status"]

    assert run(main) == ([False], "idle", "abort")


def test_an_engine_runs_again() -> None:
    async def main() -> int:
        device, engine = Slow(), Engine({})
        for _ in range(3):
            await engine.run(bps.mv(device, 1))
        return device.moves

    assert run(main) == 3


class Triggered(StandardReadable):
    """A detector of two values that is triggered; what it measures does not depend on time."""

    def __init__(self) -> None:
        with self.add_children_as_readables():
            self.number = soft_signal_rw(float, 0.5)
            self.spectrum = soft_signal_rw(Array1D[np.float64], np.arange(3.0))
        with self.add_children_as_readables(StandardReadableFormat.CONFIG_SIGNAL):
            self.gain = soft_signal_rw(int, 2, units="1")
        super().__init__("detector")

    @AsyncStatus.wrap
    async def trigger(self) -> None:
        await asyncio.sleep(0)


class Page(Triggered):
    """Flies, and hands over its events at the end."""

    async def _describe(self) -> dict[str, Any]:
        return {"flown": {"flown_value": {"source": "test", "dtype": "number", "shape": []}}}

    def kickoff(self) -> AsyncStatus[None]:
        return AsyncStatus(asyncio.sleep(0))

    complete = kickoff

    async def describe_collect(self) -> dict[str, Any]:
        return await self._describe()

    def collect(self) -> Generator[dict[str, Any], None, None]:
        for value in range(3):
            yield {"time": 0.0, "data": {"flown_value": value}, "timestamps": {"flown_value": 0.0}}


def of_all_kinds(detector: Page) -> Generator[Msg, Any, None]:
    """Plans that between them make every kind of document our devices can."""
    yield from bp.count([detector], 3)
    yield from bp.scan([detector], detector.number, 0, 1, 3)
    yield from bp.fly([detector])
    yield Msg("open_run", None, purpose="by hand")
    yield Msg("monitor", detector.gain, name="watched")
    for gain in (3, 4):
        yield from bps.abs_set(detector.gain, gain, wait=True)
        yield from bps.checkpoint()
    yield Msg("unmonitor", detector.gain)
    yield from bps.create("dropped")
    yield from bps.read(detector)
    yield from bps.drop()
    yield Msg("close_run", exit_status="fail", reason="to see it")


def canonical(documents: Documents) -> list[Any]:
    """Documents with their uids numbered in the order of appearance, and without the time of day."""
    uids: dict[str, str] = {}

    def plain(value: Any, key: str = "") -> Any:
        if isinstance(value, Mapping):
            return {uids.get(k, k): plain(inner, k) for k, inner in value.items()}
        if isinstance(value, list | tuple):
            return [plain(inner, key) for inner in value]
        if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value):
            return uids.setdefault(value, f"uid {len(uids)}")
        if isinstance(value, float) and value > 1e9:
            return "a time"
        return value.tolist() if hasattr(value, "tolist") else value

    return [plain([name, document]) for name, document in documents]


def test_documents_are_the_ones_of_plain_bluesky() -> None:
    """The same plan through an untouched RunEngine and composer, and through ours: equal but for uids and times."""

    async def ours() -> Documents:
        detector = Page()
        await detector.connect()
        engine = Engine({"lab": "test"})
        documents = gather(engine)
        await engine.run(of_all_kinds(detector))
        return documents

    def theirs() -> Documents:
        engine = RunEngine({"lab": "test"}, context_managers=[])
        assert engine.RunBundler is RunBundler
        documents: Documents = []
        engine.subscribe(lambda name, document: documents.append((name, document)))
        detector = Page()
        asyncio.run_coroutine_threadsafe(detector.connect(), engine.loop).result(10)
        engine(of_all_kinds(detector))
        engine.loop.call_soon_threadsafe(engine.loop.stop)
        engine._th.join(10)
        engine.loop.close()
        return documents

    made, expected = asyncio.run(ours()), theirs()
    kinds = {name for name, _ in expected}
    assert kinds == {"start", "descriptor", "event", "event_page", "stop"}
    assert canonical(made) == canonical(expected)
    for name, document in made:
        schema_validators[DocumentNames[name]].validate(document)


class Wrong:
    """Reads other keys than it describes, or no mapping at all."""

    name, parent = "wrong", None

    def __init__(self, reading: Any) -> None:
        self._reading = reading

    def describe(self) -> dict[str, Any]:
        return {"wrong": {"source": "test", "dtype": "number", "shape": []}}

    def read(self) -> Any:
        return self._reading

    def read_configuration(self) -> dict[str, Any]:
        return {}

    describe_configuration = read_configuration


@pytest.mark.parametrize("reading", [{}, {"other": {"value": 1, "timestamp": 0.0}}])
def test_an_event_that_does_not_fit_its_descriptor_is_still_refused(reading: Any) -> None:
    async def main() -> None:
        with pytest.raises((EventModelValidationError, KeyError), match="must match|other"):  # event-model's own
            await Engine({}).run(bp.count([Wrong(reading)], 1))

    run(main)


def test_a_stub_that_is_never_iterated_is_still_told_with_its_line() -> None:
    with pytest.warns(RuntimeWarning, match=r"test_engine.py(.|\n)*plan `mv` was never iterated"):
        bps.mv(Slow(), 1)


def test_the_version_is_the_one_this_was_written_for() -> None:
    assert bluesky.__version__.startswith("1.15."), (
        "read orchestrator/engine.py beside the new RunEngine, then move this pin"
    )


def test_a_plan_that_is_cancelled_leaves_no_task_of_its_own_waiting() -> None:
    async def main() -> tuple[bool, bool]:
        others = asyncio.ensure_future(asyncio.Event().wait())
        before = asyncio.all_tasks()

        def plan() -> Generator[Msg, Any, None]:
            yield Msg("wait_for", None, [asyncio.Event().wait, lambda: others])

        running = asyncio.ensure_future(Engine({}).run(plan()))
        await asyncio.sleep(1)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        left = asyncio.all_tasks() - before
        theirs = not others.cancelled()
        others.cancel()
        return not left, theirs

    assert run(main) == (True, True)
