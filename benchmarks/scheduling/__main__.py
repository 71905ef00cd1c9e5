"""`python -m benchmarks.scheduling`: schedule quality, each answer checked by the independent verifier."""

import argparse
import time
from pathlib import Path

from benchmarks.scheduling.instances import DATA, SLAB, best_known, brandimarte, slab
from orchestrator.scheduling.greedy import greedy
from orchestrator.scheduling.model import Problem, Schedule
from orchestrator.scheduling.solver import plan
from orchestrator.scheduling.verify import verify


def solve(problem: Problem, seconds: float) -> tuple[Schedule, float, list[tuple[float, Schedule]]]:
    """The last plan, the time of the first one (s), and all that came with their times."""
    began = time.perf_counter()
    heard: list[tuple[float, Schedule]] = []
    last = plan(problem, seconds, lambda schedule: heard.append((time.perf_counter() - began, schedule)))
    if last is None:
        raise SystemExit("no plan at all")
    for schedule in (last, *(found for _, found in heard)):
        wrong = verify(problem, schedule)
        if wrong:
            raise SystemExit(f"a plan that is wrong: {wrong[0]}")
    return last, heard[0][0], heard


def within(heard: list[tuple[float, Schedule]], seconds: float) -> int:
    """The best makespan known after so long."""
    return min(schedule.makespan for at, schedule in heard if at <= seconds or schedule is heard[0][1])


def flexible_job_shops(seconds: float, only: set[str]) -> None:
    """Brandimarte's instances against the best known."""
    known = best_known()
    early, late = [], []
    print(f"{'':6}{'bound':>7}{'best':>6}{'greedy':>8}{'1 s':>6}{f'{seconds:g} s':>7}{'ratio':>8}  first plan")
    for path in sorted(Path(DATA / "brandimarte").glob("mk*.json")):
        if only and path.stem not in only:
            continue
        problem = brandimarte(path)
        bound, best = known[path.stem]
        last, first_s, heard = solve(problem, seconds)
        early.append(within(heard, 1.0) / best)
        late.append(last.makespan / best)
        proved = " proved" if last.status == "optimal" else ""
        print(f"{path.stem:6}{bound:7}{best:6}{greedy(problem).makespan:8}{within(heard, 1.0):6}{last.makespan:7}"
              f"{late[-1]:8.3f}  {first_s * 1e3:.0f} ms{proved}", flush=True)  # fmt: skip
    if late:
        print(f"mean over the best known: {sum(early) / len(early):.4f} after 1 s, {sum(late) / len(late):.4f} after "
              f"{seconds:g} s; worst {max(late):.3f}")  # fmt: skip


def laboratories(seconds: float, only: set[str]) -> None:
    """The S-LAB workflows, with limits of time between boundaries."""
    for name, wanted in SLAB.items():
        if only and name not in only:
            continue
        problem = slab(DATA / "slab" / name)
        last, first_s, heard = solve(problem, seconds)
        reached = next(at for at, schedule in heard if schedule.makespan == last.makespan)
        print(f"{name}: {last.makespan} (wanted {wanted}), reached after {reached:.2f} s; first plan "
              f"{heard[0][1].makespan} after {first_s * 1e3:.0f} ms; bound {last.bound}", flush=True)  # fmt: skip


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scheduling", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--only", default="", help="names of instances, with commas between")
    asked = parser.parse_args()
    import ortools.sat.python.cp_model  # noqa: F401 - loading it is not solving

    only = set(filter(None, asked.only.split(",")))
    flexible_job_shops(asked.seconds, only)
    laboratories(asked.seconds, only)


if __name__ == "__main__":
    main()
