"""Events a second of `bluesky.plans.count`, one soft detector: plain Bluesky, and our engine into the run's own file.

And the longest time for which the lab's loop stood still while a Tiled server in a process of its own took them.
"""

import asyncio
import contextlib
import logging
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

EVENTS = 5000
REPEATS = 5
API_KEY = "keyofthebenchmark"


async def detector() -> Any:
    """A soft signal, as in the measurements of plain Bluesky."""
    from ophyd_async.core import soft_signal_rw

    signal = soft_signal_rw(float, 1.0, name="det")
    await signal.connect()
    return signal


def plain() -> float:
    """Events a second of an untouched RunEngine with nobody listening; only right where our engine is not imported."""
    from bluesky import RunEngine
    from bluesky import plans as bp

    if "orchestrator.engine" in sys.modules:
        raise RuntimeError("our engine has touched Bluesky in this process")
    engine = RunEngine({}, context_managers=[])
    signal = asyncio.run_coroutine_threadsafe(detector(), engine.loop).result()
    engine(bp.count([signal], 100))
    began = time.perf_counter()
    engine(bp.count([signal], EVENTS))
    return EVENTS / (time.perf_counter() - began)


async def ours(folder: Path, sinks: Sequence[Callable[..., None]] = ()) -> float:
    """Events a second of our engine into the run's own file, and into `sinks`."""
    from bluesky import plans as bp

    from orchestrator.engine import Engine
    from orchestrator.sinks import FileSink

    signal, engine, file = await detector(), Engine({}), FileSink(folder / "documents.jsonl")
    for sink in (file, *sinks):
        engine.subscribe(sink)
    await engine.run(bp.count([signal], 100))
    began = time.perf_counter()
    await engine.run(bp.count([signal], EVENTS))
    took_s = time.perf_counter() - began
    await file.close()
    return EVENTS / took_s


@contextlib.contextmanager
def tiled_server(folder: Path) -> Iterator[str]:
    """A Tiled server on loopback; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    tiled = str(Path(sys.executable).with_name("tiled"))
    command = [tiled, "serve", "catalog", "--temp", "--api-key", API_KEY, "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        if not any(re.search("Uvicorn running", line) for line in process.stdout):
            raise RuntimeError("the Tiled server did not start")
        yield f"http://127.0.0.1:{port}"
        process.terminate()
        process.communicate()


async def stall(folder: Path, address: str) -> tuple[float, float, float]:
    """Events a second with Tiled attached, the longest stall of the loop until all is in Tiled, and the longest for
    which this process was at work itself: the rest is other work on the machine (seconds).
    """
    from orchestrator.sinks.tiled import TiledSink

    tiled, stalls, own = TiledSink(address, API_KEY), [0.0], [0.0]

    async def watch() -> None:
        while True:
            began, cpu_began = time.perf_counter(), time.process_time()
            await asyncio.sleep(0.001)
            stalls.append(time.perf_counter() - began - 0.001)
            own.append(min(stalls[-1], time.process_time() - cpu_began))

    watching = asyncio.ensure_future(watch())
    rate = await ours(folder, [tiled])
    await tiled.close(120)
    watching.cancel()
    if tiled.problem:
        raise RuntimeError(tiled.problem)
    return rate, max(stalls), max(own)


def main() -> None:
    """All figures; plain and ours by turns, each in a process of its own, since our engine changes Bluesky's parts."""
    rates: dict[str, list[float]] = {"plain": [], "ours": []}
    for _ in range(REPEATS):
        for name, found in rates.items():
            child = [sys.executable, "-m", "benchmarks.events", name]
            found.append(float(subprocess.run(child, check=True, capture_output=True, text=True).stdout))
    plain_rate, our_rate = (statistics.median(found) for found in rates.values())
    print(f"\ncount, {EVENTS} events, one soft detector (median of {REPEATS}, side by side):")
    print(f"  plain Bluesky, nobody listening     {plain_rate:7,.0f} events/s")
    print(f"  our engine, into the run's own file {our_rate:7,.0f} events/s, {our_rate / plain_rate:.1f} times as many")
    try:
        import tiled  # noqa: F401
    except ImportError:
        print("  the extra 'tiled' is not installed; the stall with Tiled attached is not measured")
        return
    with tempfile.TemporaryDirectory() as folder, tiled_server(Path(folder)) as address:
        with_tiled = [asyncio.run(stall(Path(folder), address)) for _ in range(REPEATS)]
    rate, typical = (statistics.median(found[column] for found in with_tiled) for column in (0, 1))
    longest, own = (max(found[column] for found in with_tiled) for column in (1, 2))
    print(f"  with a Tiled server attached        {rate:7,.0f} events/s")
    print(f"  longest stall of the lab's loop     {typical * 1000:7.1f} ms in a typical run, {longest * 1000:.1f} ms")
    print(f"    in the worst of {REPEATS}; {own * 1000:.1f} ms without what else this machine did")


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    if sys.argv[1:] == ["plain"]:
        print(plain())
    elif sys.argv[1:] == ["ours"]:
        with tempfile.TemporaryDirectory() as own:
            print(asyncio.run(ours(Path(own))))
    else:
        main()
