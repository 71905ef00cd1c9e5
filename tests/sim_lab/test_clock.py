"""Virtual time: jumps, one clock for all, no unknown threads, executor jobs waited for, pace."""

import asyncio
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_lab.clock import UnknownThread, run


def test_an_hour_takes_no_time() -> None:
    async def hour() -> tuple[float, float, float]:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time(), time.time(), time.monotonic()

    began = time.perf_counter()
    assert run(hour, epoch_s=1000.0) == (3600, 4600, 3600)
    assert time.perf_counter() - began < 5


def test_the_machines_clock_comes_back() -> None:
    before = time.time()

    async def nothing() -> None: ...

    run(nothing, epoch_s=0.0)
    assert time.time() >= before


def test_timers_fire_in_order() -> None:
    async def main() -> list[tuple[float, str]]:
        seen: list[tuple[float, str]] = []
        loop = asyncio.get_running_loop()

        async def at(delay: float, name: str) -> None:
            await asyncio.sleep(delay)
            seen.append((loop.time(), name))

        await asyncio.gather(at(30, "c"), at(10, "a"), at(20, "b"))
        return seen

    assert run(main) == [(10, "a"), (20, "b"), (30, "c")]


def test_time_outs_are_virtual() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(86400):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run(main) == 86400


def test_a_clock_with_a_pace_does_not_stand_still_for_a_long_job() -> None:
    """A lab at `--speed 100` stood still while it planned, its heartbeat with it, and was ended as dead."""

    async def main() -> bool:
        loop = asyncio.get_running_loop()
        go = threading.Event()
        loop.call_later(100.0, go.set)
        return await loop.run_in_executor(None, go.wait, 20)

    assert run(main, speed=100)


def test_an_unknown_thread_is_refused() -> None:
    async def main() -> None:
        threading.Thread(target=lambda: None, name="stray").start()

    with pytest.raises(UnknownThread, match="stray would run beside the virtual clock"):
        run(main)


def test_the_clock_stands_while_an_executor_job_runs() -> None:
    async def main() -> tuple[float, int]:
        go = threading.Event()
        loop = asyncio.get_running_loop()
        job = loop.run_in_executor(None, go.wait, 5)
        ticker = asyncio.ensure_future(asyncio.sleep(1000))
        real = time.perf_counter()
        while time.perf_counter() - real < 0.05:  # the loop turns, the job does not end
            await asyncio.sleep(0)
        stood = loop.time()
        go.set()
        await job
        ticker.cancel()
        return stood, loop.time() < 1000

    assert run(main) == (0.0, True)


def test_loopback_sockets_work_in_virtual_time() -> None:
    async def main() -> tuple[bytes, float]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            line = await reader.readline()
            await asyncio.sleep(60)
            writer.write(line.upper())
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        answer = await reader.readline()
        writer.close()
        server.close()
        return answer, asyncio.get_running_loop().time()

    assert run(main) == (b"HELLO\n", 60)


def test_a_pace_holds_the_clock_back() -> None:
    async def minute() -> None:
        await asyncio.sleep(60)

    began = time.perf_counter()
    run(minute, speed=600)
    assert time.perf_counter() - began >= 0.09


def test_a_result_is_there_before_the_clock_goes_on() -> None:
    """A job's end and its result reach the loop one after the other; no timer may fall in between."""

    async def main() -> float:
        loop = asyncio.get_running_loop()
        ticker = asyncio.ensure_future(asyncio.sleep(1000))
        for _ in range(300):
            await loop.run_in_executor(None, lambda: None)
        passed = loop.time()
        ticker.cancel()
        return passed

    assert run(main) == 0.0


def test_a_job_whose_waiter_gave_up_still_holds_the_clock() -> None:
    async def main() -> float:
        go = threading.Event()
        loop = asyncio.get_running_loop()
        waiter = loop.run_in_executor(None, go.wait, 5)
        await asyncio.sleep(0)
        waiter.cancel()
        loop.call_soon(go.set)
        await asyncio.sleep(7)
        return loop.time()

    assert run(main) == 7.0


@settings(deadline=None)
@given(st.floats(0, 1e6), st.floats(min_value=0, max_value=1e6, exclude_min=True))
def test_every_wait_takes_time(begin_s: float, wait_s: float) -> None:
    """Also one that is less than the clock's numbers can tell: `while left: sleep(left)` ends."""

    async def main() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(begin_s)
        before = loop.time()
        await asyncio.sleep(wait_s)
        return before, loop.time()

    before, after = run(main)
    assert before < after
    assert after >= before + wait_s


def test_what_is_left_is_slept_away() -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(1e6)
        until, turns = loop.time() + 1e-11, 0
        wait_s = 1e-11
        while wait_s > 0 and loop.time() <= until:
            await asyncio.sleep(wait_s)
            turns += 1
        return turns

    assert run(main) == 1
