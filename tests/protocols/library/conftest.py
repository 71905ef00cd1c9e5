"""Each protocol of the library and each example runs once on the full twin; every test looks at that one run."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labfile import Lab, read
from orchestrator.analysis.fits import Evaluation, evaluate
from orchestrator.labview import view
from orchestrator.result import Result
from orchestrator.simulate import simulate
from protocols import parse
from protocols.check import Checked, check
from sim_lab.twins import lads
from sim_lab.world.model import Labware

ROOT = Path(__file__).resolve().parents[3]
LIBRARY = sorted((ROOT / "protocols/library").glob("*.yaml"))
EXAMPLES = sorted((ROOT / "protocols/examples").glob("*.yaml"))
#: The instruments' errors of these runs. What holds for other seeds is told by `test_coverage`.
SEED = 1


@dataclass(frozen=True)
class Seen:
    """What a well really held when it was read: moles by species, at a time of the world."""

    at_s: float
    well: str
    mol: Mapping[str, float]
    nm: float


@dataclass(frozen=True, repr=False)
class DryRun:
    """One protocol, checked, run and evaluated, with the truth at each reading."""

    file: Path
    lab: Lab
    checked: Checked
    result: Result
    evaluation: Evaluation
    truth: tuple[Seen, ...]

    @property
    def real_time(self) -> bool:
        """Whether it wants a device whose driver is others' code with threads."""
        return real_time(self.checked)

    @property
    def document(self) -> Any:
        return self.checked.source.protocol


@functools.cache
def lab_file() -> Lab:
    return read(ROOT / "lab.toml")


@contextlib.contextmanager
def witness() -> Iterator[list[Seen]]:
    """Look into the wells whenever the reader does."""
    seen: list[Seen] = []
    read = lads.Twin._read

    def look(twin: lads.Twin, plate: Labware, well: str, wavelength_nm: float, *lamp: float) -> float:
        value = read(twin, plate, well, wavelength_nm, *lamp)
        seen.append(Seen(twin.world.now(), well, dict(plate.vessels[well].mol), wavelength_nm))
        return value

    lads.Twin._read = look  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        lads.Twin._read = read  # type: ignore[method-assign]


@functools.cache
def dry_run(file: Path, seed: int = SEED) -> DryRun:
    lab = lab_file()
    checked = check(parse.read(file), view(lab))
    assert checked.program is not None, checked.problems
    speed = 1.0 if real_time(checked) else None
    with witness() as truth:
        result = simulate(lab, checked.program, seed=seed, speed=speed).result
    complete = result.outcome == "completed"
    evaluation = evaluate(checked.source.protocol, checked.program, result.readings) if complete else Evaluation()
    return DryRun(file, lab, checked, result, evaluation, tuple(truth))


def real_time(checked: Checked) -> bool:
    """Whether it wants a device whose driver is others' code with threads."""
    assert checked.program is not None
    return bool(lab_file().in_real_time(checked.program.devices))


#: Protocols at a beamline: their twins keep real time, and the people in them take theirs.
SLOW = {"silicon_cell"}


def _each(files: list[Path]) -> list[Any]:
    """One worker has all tests of a file, so that it runs once."""
    return [
        pytest.param(file, id=file.stem, marks=[
            pytest.mark.xdist_group(file.stem), *([pytest.mark.slow, pytest.mark.timeout(300)] * (file.stem in SLOW)),
        ])
        for file in files
    ]  # fmt: skip


@pytest.fixture(params=_each(LIBRARY))
def ready(request: pytest.FixtureRequest) -> DryRun:
    """A protocol of the library, run."""
    return dry_run(request.param)


@pytest.fixture(params=_each(LIBRARY + EXAMPLES))
def any_run(request: pytest.FixtureRequest) -> DryRun:
    """A protocol of the library or an example, run."""
    return dry_run(request.param)


@pytest.fixture
def run_of() -> Callable[..., DryRun]:
    """The run of a protocol by its name."""
    return lambda name, seed=SEED: dry_run(ROOT / f"protocols/library/{name}.yaml", seed)
