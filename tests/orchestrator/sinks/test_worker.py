"""The line before a slow or dead sink: bounded, in order, told when it overflows, never in the lab's way."""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from orchestrator.sinks.sink import Document, RunOf
from orchestrator.sinks.worker import Worker
from sim_lab.clock import run

Count = Callable[..., Awaitable[str]]
Documents = list[tuple[str, dict[str, Any]]]


class Held(Worker):
    """Delivers when it is let, and remembers; fails at a document of the kind `fails_at`."""

    def __init__(self, capacity: int = 1000, fails_at: str = "") -> None:
        self.let = threading.Event()
        self.fails_at = fails_at
        self.delivered: list[tuple[str, str, Document]] = []
        self.clock: list[float] = []
        self.released = False
        super().__init__("held", capacity)

    async def deliver(self, run: str, name: str, document: Document) -> None:
        self.let.wait()
        self.clock.append(asyncio.get_running_loop().time())
        if name == self.fails_at:
            raise ConnectionError("gone")
        self.delivered.append((run, name, document))

    async def idle(self) -> None:
        """Until the line is empty."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._queue.join(), self._loop))

    async def release(self) -> None:
        self.released = True


def test_documents_arrive_in_order_as_they_were(count: Count) -> None:
    sink, made = Held(), []
    sink.let.set()

    async def main() -> str:
        uid = await count([sink, lambda name, document: made.append((name, document))], 20)
        await sink.close()
        return uid

    uid = asyncio.run(main())
    assert [[name, document] for _, name, document in sink.delivered] == json.loads(json.dumps(made))
    assert {of for of, _, _ in sink.delivered} == {uid}
    assert (sink.problem, sink.released) == ("", True)


def test_a_sink_that_hangs_costs_the_lab_nothing_and_is_told(count: Count) -> None:
    sink = Held()

    async def main() -> float:
        began = time.perf_counter()
        await count([sink], 100, run_id="run-7")
        took = time.perf_counter() - began
        await sink.close(patience_s=0.05)
        return took

    assert asyncio.run(main()) < 5  # seconds; the sink would take for ever
    assert "run run-7: not delivered within 0.05 s" in sink.problem
    assert "send it again" in sink.problem
    sink.let.set()


def test_a_full_line_leaves_the_run_out_whole_and_takes_the_next(count: Count) -> None:
    sink = Held(capacity=10)

    async def main() -> tuple[str, str]:
        first = await count([sink], 50, run_id="long")
        sink.let.set()
        await sink.idle()
        second = await count([sink], 5, run_id="short")
        await sink.close()
        return first, second

    first, second = asyncio.run(main())
    assert sink.missed.keys() == {first}
    assert "run long: 10 documents were waiting" in sink.problem
    assert [name for of, name, _ in sink.delivered if of == second] == ["start", "descriptor", *["event"] * 5, "stop"]
    assert "stop" not in [name for of, name, _ in sink.delivered if of == first]


@pytest.mark.parametrize("fails_at", ["start", "descriptor", "event", "stop"])
def test_a_failure_leaves_out_that_run_only_and_never_reaches_the_lab(count: Count, fails_at: str) -> None:
    sink = Held(fails_at=fails_at)
    sink.let.set()

    async def main() -> tuple[str, str]:
        first = await count([sink], 3, run_id="first")
        await sink.idle()
        sink.fails_at = ""
        second = await count([sink], 3, run_id="second")
        await sink.close()
        return first, second

    first, second = asyncio.run(main())
    assert sink.missed == {first: "ConnectionError: gone"}
    assert "run first: ConnectionError: gone" in sink.problem
    assert [name for of, name, _ in sink.delivered if of == second] == ["start", "descriptor", *["event"] * 3, "stop"]


def test_what_comes_after_the_end_is_told() -> None:
    sink = Held()
    asyncio.run(sink.close())
    sink("start", {"uid": "u", "run_id": "late"})
    assert "run late: it came after the sink was closed" in sink.problem


def test_a_document_without_a_json_form_is_told() -> None:
    sink = Held()
    sink.let.set()
    sink("start", {"uid": "u", "run_id": "odd", "thing": object()})
    asyncio.run(sink.close())
    assert "run odd: object cannot be written as JSON" in sink.problem


def test_the_thread_keeps_real_time_while_the_twin_s_clock_runs_ahead(count: Count) -> None:
    sink = Held()
    sink.let.set()

    async def main() -> float:
        await asyncio.sleep(36_000)
        await count([sink], 3)
        await sink.close()
        return asyncio.get_running_loop().time()

    assert run(main) == 36_000
    assert sink.problem == ""
    assert len(sink.delivered) == 6
    assert max(sink.clock) - min(sink.clock) < 60


def test_a_document_changed_afterwards_is_delivered_as_it_was() -> None:
    sink = Held()
    document = {"uid": "u", "data": [1]}
    sink("start", document)
    document["data"].append(2)
    sink.let.set()
    asyncio.run(sink.close())
    assert sink.delivered[0][2]["data"] == [1]


def test_each_document_is_known_to_its_run() -> None:
    run_of = RunOf()
    story: Documents = [
        ("start", {"uid": "a"}), ("start", {"uid": "b"}), ("descriptor", {"uid": "d", "run_start": "b"}),
        ("event", {"uid": "e", "descriptor": "d"}), ("resource", {"uid": "r", "run_start": "a"}),
        ("datum", {"datum_id": "r/0", "resource": "r"}), ("stream_resource", {"uid": "s", "run_start": "b"}),
        ("stream_datum", {"uid": "t", "stream_resource": "s", "descriptor": ""}), ("stop", {"uid": "z", "run_start": "b"}),
        ("event", {"uid": "f", "descriptor": "d"}), ("stop", {"uid": "y", "run_start": "a"}),
    ]  # fmt: skip
    assert [run_of(name, document) for name, document in story] == [*"abbbaabbb", "", "a"]
