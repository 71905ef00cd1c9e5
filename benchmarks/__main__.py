"""`make bench`: what a dry run costs, as ratios, where its time goes; events a second. Medians: machines are noisy."""

import cProfile
import platform
import pstats
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import events
from benchmarks.plate_384 import document
from labfile import Lab, read
from orchestrator.labview import view
from orchestrator.simulate import Prediction, simulate
from protocols.check import check
from protocols.parse import Source, from_document
from protocols.parse import read as read_protocol
from protocols.program import Program

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "protocols/library/dye_calibration.yaml"
REPEATS = 5
#: Part of a path -> the name under which its time is told.
LAYERS = {
    "/bluesky/": "Bluesky's engine", "/event_model/": "Bluesky's engine", "/ophyd_async/": "Bluesky's engine",
    "/opentelemetry/": "Bluesky's engine", "/h11/": "HTTP (h11)", "/json/": "JSON", "/asyncio/": "asyncio's loop",
    "/asyncua/": "OPC UA (asyncua)", "/amqtt/": "MQTT", "/paho/": "MQTT", "/aiomqtt/": "MQTT",
    "/pylabrobot/": "PyLabRobot",
    "/rfc8785/": "hashing the trace", "/sim_lab/": "the twin's world and wires", "/drivers/": "our drivers",
    "/orchestrator/": "our orchestrator", "/protocols/": "the belief (ledger)",
}  # fmt: skip


def program_of(source: Source, lab: Lab) -> Program:
    """The program of a protocol that must be right."""
    checked = check(source, view(lab))
    if checked.program is None or not checked.ok:
        raise SystemExit("\n".join(map(str, checked.problems)))
    return checked.program


def timed(run: Callable[[], Prediction]) -> list[Prediction]:
    """One to warm up, then several."""
    run()
    return [run() for _ in range(REPEATS)]


def shares(run: Callable[[], object]) -> list[tuple[str, float]]:
    """Share of each layer in the time of a run, under the profiler, by each function's own time."""
    profile = cProfile.Profile()
    profile.runcall(run)
    totals: dict[str, float] = {}
    for (file, _, _), (_, _, own_s, *_) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        layer = next((name for part, name in LAYERS.items() if part in file), "Python's built-ins and the rest")
        totals[layer] = totals.get(layer, 0.0) + own_s
    whole = sum(totals.values())
    return sorted(((name, own / whole) for name, own in totals.items()), key=lambda row: -row[1])


def tell(title: str, program: Program, lab: Lab) -> None:
    """One dry run's figures."""
    found = timed(lambda: simulate(lab, program))
    wall = statistics.median(p.wall_s for p in found)
    simulated = found[0].result.duration_s
    print(f"\n{title}: {len(program.actions)} actions, {found[0].result.outcome}")
    print(f"  simulated {simulated:,.0f} s in {wall:.3f} s (median of {REPEATS}, {min(p.wall_s for p in found):.3f} to "
          f"{max(p.wall_s for p in found):.3f}): {simulated / wall:,.0f} simulated seconds a second")  # fmt: skip
    for name, share in shares(lambda: simulate(lab, program))[:9]:
        print(f"    {share:4.0%}  {name}")


def command(*arguments: str) -> None:
    """A whole command with its start-up."""
    lab = str(Path(sys.executable).with_name("lab"))
    walls = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([lab, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        walls.append(time.perf_counter() - began)
    print(f"  lab {' '.join(arguments):<60} {statistics.median(walls):.2f} s")


def main() -> None:
    """All figures."""
    lab = read(ROOT / "lab.toml")
    print(f"Python {platform.python_version()}, {platform.machine()}")
    tell("The demo (dye calibration), full stack", program_of(read_protocol(DEMO), lab), lab)
    tell("384-well serial dilution, 460 liquid commands, full stack", program_of(from_document(document()), lab), lab)
    events.main()
    print("\nWhole commands, start-up included (median of 3):")
    demo = str(DEMO.relative_to(ROOT))
    command("check")
    command("validate", demo)
    command("simulate", demo)


if __name__ == "__main__":
    main()
