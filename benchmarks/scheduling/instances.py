"""Published instances as problems: Brandimarte's flexible job shops and the S-LAB laboratory workflows."""

import csv
import json
from pathlib import Path
from typing import Any

from orchestrator.scheduling.model import Job, Lag, Machine, Mode, Problem, Task

DATA = Path(__file__).resolve().parents[3] / "shared/data/scheduling"
#: Best known makespans of S-LAB: the figures that the issue sets.
SLAB = {"gu2016_x1": 87, "qpcr_x5": 148, "qpcr_x5_rnaseq_x5": 979}


def brandimarte(path: Path) -> Problem:
    """A flexible job shop: jobs of operations, each with machines to choose from (Brandimarte 1993)."""
    document = json.loads(path.read_text())
    tasks, lags = [], []
    for job, operations in enumerate(document["jobs"]):
        for number, ways in enumerate(operations):
            modes = tuple(Mode((f"m{way['machine']}",), way["processing"]) for way in ways)
            tasks.append(Task(f"{job}.{number}", str(job), modes))
            if number:
                lags.append(Lag(f"{job}.{number - 1}", f"{job}.{number}"))
    machines = tuple(Machine(f"m{number}") for number in range(document["machines"]))
    jobs = tuple(Job(str(job)) for job in range(len(document["jobs"])))
    return Problem(machines, jobs, tuple(tasks), tuple(lags))


def slab(folder: Path) -> Problem:
    """Laboratory workflows with time constraints by mutual boundaries (Itoh 2021; files of SAGAS, Arai 2023).

    A constraint bounds the time between two boundaries, whichever comes first.
    """
    machines = _rows(folder / "machines.tsv")
    by_type: dict[str, list[str]] = {}
    for row in machines:
        by_type.setdefault(row["Machine_type"], []).append(f"m{row['Machine_ID']}")
    tasks = tuple(
        Task(f"{row['Job_ID']}.{_named(row, 'Operation')}", row["Job_ID"], tuple(
            Mode((machine,), int(row["Processing_time"])) for machine in by_type[_named(row, "Compatible")]))
        for row in _rows(folder / "operations.tsv")
    )  # fmt: skip
    lags = [Lag(f"{r['Job_ID']}.{r['Operation_ID_1']}", f"{r['Job_ID']}.{r['Operation_ID_2']}")
            for r in _rows(folder / "dependency.tsv")]  # fmt: skip
    for row in _rows(folder / "tcmb.tsv"):
        most = int(row["Time_constraint"])
        one, other = (f"{row['Job_ID']}.{row[f'Operation_ID_{n}']}" for n in (1, 2))
        lags.append(Lag(one, other, -most, most, _point(row["Point_1"]), _point(row["Point_2"])))
    jobs = tuple(Job(name) for name in dict.fromkeys(task.job for task in tasks))
    return Problem(tuple(Machine(f"m{row['Machine_ID']}") for row in machines), jobs, tasks, tuple(lags))


def best_known() -> dict[str, tuple[int, int]]:
    """Instance -> proved lower bound and best known makespan."""
    rows = json.loads((DATA / "brandimarte/bounds.json").read_text())
    return {row["name"]: (row["optimum"], row["optimum"]) if row["optimum"]
            else (row["bounds"]["lower"], row["bounds"]["upper"]) for row in rows}  # fmt: skip


def _named(row: dict[str, str], begin: str) -> str:
    """The column whose name begins so: the files spell some in two ways."""
    return next(value for name, value in row.items() if name.startswith(begin))


def _point(text: str) -> Any:
    if text not in ("start", "end"):
        raise ValueError(f"a boundary is start or end, not {text}")
    return text


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file, delimiter="\t") if row[next(iter(row))]]
