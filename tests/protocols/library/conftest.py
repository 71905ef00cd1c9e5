"""Each protocol of the library and each example runs once on the full twin; every test looks at that one run."""

import functools
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

ROOT = Path(__file__).resolve().parents[3]
LIBRARY = sorted((ROOT / "protocols/library").glob("*.yaml"))
EXAMPLES = sorted((ROOT / "protocols/examples").glob("*.yaml"))
#: The instruments' errors of these runs. What holds for other seeds is told by `test_coverage`.
SEED = 1


@dataclass(frozen=True)
class DryRun:
    """One protocol, checked, run and evaluated."""

    lab: Lab
    checked: Checked
    result: Result
    evaluation: Evaluation

    @property
    def document(self) -> Any:
        return self.checked.source.protocol


@functools.cache
def lab_file() -> Lab:
    return read(ROOT / "lab.toml")


@functools.cache
def dry_run(file: Path, seed: int = SEED) -> DryRun:
    lab = lab_file()
    checked = check(parse.read(file), view(lab))
    assert checked.program is not None, checked.problems
    result = simulate(lab, checked.program, seed=seed).result
    complete = result.outcome == "completed"
    evaluation = evaluate(checked.source.protocol, checked.program, result.readings) if complete else Evaluation()
    return DryRun(lab, checked, result, evaluation)


def _each(files: list[Path]) -> list[Any]:
    """One worker has all tests of a file, so that it runs once."""
    return [pytest.param(file, id=file.stem, marks=pytest.mark.xdist_group(file.stem)) for file in files]


@pytest.fixture(params=_each(LIBRARY))
def ready(request: pytest.FixtureRequest) -> DryRun:
    """A protocol of the library, run."""
    return dry_run(request.param)


@pytest.fixture(params=_each(LIBRARY + EXAMPLES))
def any_run(request: pytest.FixtureRequest) -> DryRun:
    """A protocol of the library or an example, run."""
    return dry_run(request.param)
