"""The library on the twin: every protocol is valid, runs to its end, keeps to its prediction, and finds what is so."""

import math
from collections import Counter
from pathlib import Path

import pytest
import yaml

from benchmarks.library import VOLUME_UL, compare
from orchestrator.analysis.words import told
from orchestrator.labview import timings
from orchestrator.report.curve import curves
from protocols.forecast import forecast
from protocols.problems import blocking

LIBRARY = Path(__file__).resolve().parents[3] / "protocols/library"
DOMAINS = {
    "biotechnology", "critical materials", "fission and fusion", "quantum information science",
    "semiconductors and microelectronics", "advanced manufacturing",
}  # fmt: skip


def test_it_is_valid_and_runs_to_its_end(any_run) -> None:
    assert not blocking(any_run.checked.problems), any_run.checked.problems
    assert any_run.result.outcome == "completed", any_run.result.error


def test_its_duration_is_predicted_within_5_percent(any_run) -> None:
    """Before it runs, from figures of the devices; on the way that the twin took."""
    if any_run.real_time:
        pytest.skip("in real time it takes what this machine takes: `python -m benchmarks.library` has it")
    done = {span.action for span in any_run.result.spans}
    program = any_run.checked.program
    told = forecast(program, timings(any_run.lab, program.devices), lambda action: action.id in done)
    assert told.duration_s == pytest.approx(any_run.result.duration_s, rel=0.05)
    begins = {span.action: span.end_s for span in any_run.result.spans}
    worst = max(abs(told.spans[name][1] - end_s) for name, end_s in begins.items())
    assert worst < 0.05 * any_run.result.duration_s


def test_its_volumes_are_predicted_exactly(any_run) -> None:
    """Every well of the twin at the end, in a world without the errors of pipettes and without evaporation."""
    if any_run.real_time:
        pytest.skip("`python -m benchmarks.library` has it: it would keep the machine for minutes once more")
    found = compare(any_run.lab, any_run.file)
    assert found.outcome == "completed"
    assert found.volume_ul < VOLUME_UL
    if not any_run.checked.program.conditions:
        assert any_run.result.stock == any_run.checked.stock


def test_its_findings_agree_with_the_model(ready) -> None:
    assert ready.evaluation.ok, ready.evaluation


def test_three_at_least_for_each_domain_and_each_names_its_source() -> None:
    documents = [yaml.safe_load(path.read_text("utf-8")) for path in LIBRARY.glob("*.yaml")]
    domains = Counter(document["domain"] for document in documents)
    assert domains.keys() == DOMAINS
    assert min(domains.values()) >= 3, domains
    assert all(len(document["citation"]) > 30 and document["purpose"] for document in documents)


def test_every_fit_is_told_and_drawn(ready) -> None:
    lines = list(told(ready.evaluation))
    drawn = curves(ready.evaluation)
    fits = [fit for fit in ready.evaluation.curves if fit.fit != "calibration"]
    concentrations = bool(ready.evaluation.mixtures)
    assert len(lines) == len(ready.evaluation.calibrations) + len(fits) + concentrations
    assert not any("nan" in line for line in lines)
    materials = {fit.material for fit in ready.evaluation.calibrations}
    assert len(drawn) == len(materials) + len(ready.evaluation.curves)
    for drawing in drawn:
        for series in drawing.series:
            places = [float(number) for pair in series.line.split() for number in pair.split(",")]
            assert all(math.isfinite(place) for place in places)
            assert len(series.dots) == len(series.left_over) >= 3
