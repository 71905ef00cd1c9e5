"""Public instances as problems of our model: flexible job shops (JSON) and S-LAB laboratories (TSV)."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

from orchestrator.scheduling.model import Job, Lag, Machine, Mode, Problem, Task

DATA = Path(__file__).resolve().parents[3] / "shared/data/scheduling"


@dataclass(frozen=True, slots=True)
class Instance:
    """A named problem, with the best makespan and lower bound known where its source gives them."""

    name: str
    problem: Problem
    lower: int | None = None
    best: int | None = None


def flexible_job_shop(path: Path) -> Problem:
    """Jobs are chains of operations, each done by one of several machines. One unit of time is one ms."""
    raw = json.loads(path.read_text("utf-8"))
    tasks, lags = [], []
    for j, operations in enumerate(raw["jobs"]):
        for k, options in enumerate(operations):
            modes = tuple(Mode((f"m{option['machine']}",), option["processing"]) for option in options)
            tasks.append(Task(f"j{j}.{k}", f"j{j}", modes))
            if k:
                lags.append(Lag(f"j{j}.{k - 1}", f"j{j}.{k}"))
    machines = tuple(Machine(f"m{i}") for i in range(raw["machines"]))
    return Problem(machines, tuple(Job(f"j{j}") for j in range(len(raw["jobs"]))), tuple(tasks), tuple(lags))


def brandimarte(folder: Path) -> list[Instance]:
    """All flexible job shops of a folder, with `bounds.json` where it names them."""
    bounds = {row["name"]: row for row in json.loads((folder / "bounds.json").read_text("utf-8"))}
    found = []
    for path in sorted(folder.glob("*.json")):
        if path.name != "bounds.json":
            row = bounds.get(path.stem, {})
            known = {"lower": row.get("optimum"), "upper": row.get("optimum")} | row.get("bounds", {})
            found.append(Instance(path.stem, flexible_job_shop(path), known["lower"], known["upper"]))
    return found


def _rows(path: Path) -> list[list[str]]:
    """The cells of a table without its head; rows of blanks are dropped."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))[1:]
    return [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]


def s_lab(folder: Path) -> Problem:
    """One S-LAB laboratory of four tables (SAGAS, doi 10.1016/j.slast.2023.03.001). One unit of time is one ms.

    An operation runs on any machine of its type. A dependency: the first ends before the second begins. A TCMB: the
    distance of the two points, in either direction, is at most the time given.
    """
    types: dict[str, list[str]] = {}
    for machine, kind, *_ in _rows(folder / "machines.tsv"):
        types.setdefault(kind, []).append(f"m{machine}")
    tasks = tuple(
        Task(f"j{job}.{op}", f"j{job}", tuple(Mode((machine,), int(ms)) for machine in types[kind]))
        for job, op, kind, ms, *_ in _rows(folder / "operations.tsv")
    )
    lags = [Lag(f"j{job}.{a}", f"j{job}.{b}") for job, a, b, *_ in _rows(folder / "dependency.tsv")]
    for job, a, from_, b, to, ms, *_ in _rows(folder / "tcmb.tsv"):
        point = {"start": "start", "end": "end"}
        lags.append(Lag(f"j{job}.{a}", f"j{job}.{b}", -int(ms), int(ms), point[from_.lower()], point[to.lower()]))  # type: ignore[arg-type]
    machines = tuple(Machine(name) for names in types.values() for name in names)
    jobs = tuple(Job(job) for job in dict.fromkeys(task.job for task in tasks))
    return Problem(machines, jobs, tasks, tuple(lags))


def s_labs(folder: Path) -> list[Instance]:
    """The laboratories of a folder, one a subfolder; best makespans by peers.md section 4 (CP-SAT, 10 s)."""
    best = {"gu2016_x1": 87, "qpcr_x5": 148, "qpcr_x5_rnaseq_x5": 979}
    found = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    return [Instance(path.name, s_lab(path), None, best.get(path.name)) for path in found]


def everything(data: Path = DATA) -> list[Instance]:
    """All instances under the data folder."""
    return [*brandimarte(data / "brandimarte"), *s_labs(data / "slab")]
