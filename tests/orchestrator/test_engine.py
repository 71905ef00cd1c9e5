"""The contract with Bluesky's private parts: if an update breaks one of these, `orchestrator/engine.py` is mended."""

import asyncio
from collections.abc import Generator
from typing import Any

import bluesky
import pytest
from bluesky import plan_stubs as bps
from bluesky import plans as bp
from bluesky.utils import FailedStatus, Msg
from event_model import DocumentNames, schema_validators
from ophyd_async.core import AsyncStatus, soft_signal_rw

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


def test_the_version_is_the_one_this_was_written_for() -> None:
    assert bluesky.__version__.startswith("1.15."), (
        "read orchestrator/engine.py beside the new RunEngine, then move this pin"
    )
