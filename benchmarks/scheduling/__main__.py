"""Schedule quality: `python -m benchmarks.scheduling [--seconds 10] [--only mk01,...]`. Every plan is verified."""

import argparse
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.scheduling.instances import DATA, Instance, everything
from orchestrator.scheduling import cpsat
from orchestrator.scheduling.greedy import greedy
from orchestrator.scheduling.model import Schedule
from orchestrator.scheduling.solver import plan
from orchestrator.scheduling.verify import verify


@dataclass(frozen=True, slots=True)
class Row:
    """What was seen of one instance; times in ms, makespans in the instance's unit."""

    instance: Instance
    first_ms: float
    greedy: int
    short: int
    long: Schedule
    took_s: float


def measure(instance: Instance, seconds: float, short_s: float, seed: int) -> Row:
    """The first plan, a short solve and a long one, each from nothing and each verified."""
    began = time.perf_counter()
    first = greedy(instance.problem, 0.0)
    first_ms = 1000 * (time.perf_counter() - began)
    heard: list[Schedule] = [first]
    short = plan(instance.problem, short_s, on_better=heard.append, seed=seed)
    began = time.perf_counter()
    long = plan(instance.problem, seconds, on_better=heard.append, seed=seed)
    took_s = time.perf_counter() - began
    for found in (*heard, short, long):
        wrong = verify(instance.problem, found)
        if wrong:
            raise SystemExit(f"{instance.name}: {'; '.join(wrong)}")
    return Row(instance, first_ms, first.objective, short.objective, long, took_s)


def tell(row: Row) -> str:
    """One line of the table."""
    best, long = row.instance.best, row.long
    ratio = f"{long.objective / best:.3f}" if best else "-"
    proved = f"proved in {row.took_s:.1f} s" if long.status == "optimal" else f"bound {long.bound}"
    return (
        f"{row.instance.name:<20} {row.instance.lower or '-':>6} {best or '-':>6} {row.greedy:>7} {row.short:>7} "
        f"{long.objective:>7} {ratio:>7} {row.first_ms:>9.1f}  {proved}"
    )


def summary(rows: list[Row]) -> None:
    """Means and worst ratios over the instances with a best known makespan."""
    for title, family in (("mk", True), ("S-LAB", False)):
        mine = [row for row in rows if row.instance.best and (row.instance.lower is not None) is family]
        if not mine:
            continue
        for name, values in (
            ("greedy", [row.greedy for row in mine]),
            ("short", [row.short for row in mine]),
            ("long", [row.long.objective for row in mine]),
        ):
            ratios = [value / (row.instance.best or 1) for value, row in zip(values, mine, strict=True)]
            print(f"{title:<6} {name:<7} mean {statistics.fmean(ratios):.4f}, worst {max(ratios):.4f}")
    print(f"first plan: at most {max(row.first_ms for row in rows):.1f} ms")


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scheduling", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of the long solve")
    parser.add_argument("--short", type=float, default=1.0, help="seconds of the short solve")
    parser.add_argument("--only", default="", help="names, with commas between")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with brandimarte/ and slab/")
    asked = parser.parse_args()
    cpsat.load()
    names = {name for name in asked.only.split(",") if name}
    load, cores = os.getloadavg()[0], os.cpu_count()
    print(f"load {load:.1f} on {cores} cores; long {asked.seconds:g} s, short {asked.short:g} s, seed {asked.seed}")
    print(f"{'':<20} {'lower':>6} {'best':>6} {'greedy':>7} {'short':>7} {'long':>7} {'ratio':>7} {'first ms':>9}")
    rows = []
    for instance in everything(asked.data):
        if not names or instance.name in names:
            rows.append(measure(instance, asked.seconds, asked.short, asked.seed))
            print(tell(rows[-1]), flush=True)
    summary(rows)
    print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
