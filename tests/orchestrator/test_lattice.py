"""The edge of a cubic cell from what a diffractometer counts: against the crystals of the world, over many scans."""

import math
import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from drivers.beamline.epics_diffractometer.options import Options
from orchestrator.analysis import lattice
from orchestrator.analysis.bench import NoReading
from orchestrator.analysis.least_squares import NoFit
from protocols.expect import Fit
from sim_lab.twins.epics_diffractometer import Twin
from sim_lab.world import crystals
from sim_lab.world.diffraction import CU_K_ALPHA_1_A, peaks
from sim_lab.world.model import World

SPEC = Fit(reading="peak", fit="cubic_cell", material="m")
CUBIC = {name: crystals.CRYSTALS[name] for name in (crystals.SILICON, crystals.HEXABORIDE, crystals.CERIA)}


class Counted:
    """Scans over the strongest reflections of a crystal, counted by the twin's detector; `zero_deg` is its error."""

    def __init__(self, crystal: crystals.Crystal, seed: int, zero_deg: float = 0.0, many: int = 5) -> None:
        twin, rng = Twin("xrd", Options(), World(1, {})), random.Random(seed)
        Twin.sample = property(lambda _: {crystal: 1.0})  # type: ignore[method-assign, assignment]
        strong = sorted((peak for peak in peaks(crystal) if peak.two_theta_deg < 120), key=lambda peak: -peak.intensity)
        self._scans = []
        for peak in sorted(strong[:many], key=lambda peak: peak.two_theta_deg):
            angles = np.round(np.linspace(peak.two_theta_deg - 0.2, peak.two_theta_deg + 0.2, 15), 3)
            mean = [0.2 * twin.rate_hz(angle, angle / 2) for angle in angles]
            counts = np.array([max(0.0, round(rng.gauss(each, math.sqrt(each)))) for each in mean]) / 0.2
            self._scans.append((angles + zero_deg, counts, CU_K_ALPHA_1_A / 10))

    def scans(self, step: str) -> list[Any]:
        assert step == "peak"
        return self._scans


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Twin, "sample", Twin.sample)


def edge(counted: Any) -> Any:
    return lattice.edge(counted, SPEC).parameters


@pytest.mark.parametrize("name", CUBIC)
def test_the_edge_is_that_of_the_crystal_within_its_uncertainty(name: str) -> None:
    """In at least 9 of 12 within U = 2 u (11 are expected), and u is no more than a part in ten thousand."""
    truth_nm = CUBIC[name].edges_a[0] / 10
    found = [edge(Counted(CUBIC[name], seed))[0] for seed in range(12)]
    assert sum(abs(a.value - truth_nm) <= 2 * a.uncertainty for a in found) >= 9
    assert max(a.uncertainty for a in found) < 1e-4 * truth_nm


def test_a_goniometer_whose_zero_is_wrong_is_found_and_does_no_harm() -> None:
    silicon = CUBIC[crystals.SILICON]
    a, zero = edge(Counted(silicon, 1, zero_deg=0.05))
    assert zero.value == pytest.approx(0.05, abs=3 * zero.uncertainty)
    assert a.value == pytest.approx(silicon.edges_a[0] / 10, abs=3 * a.uncertainty)


def test_what_is_not_cubic_or_not_there_gives_no_edge() -> None:
    with pytest.raises(NoFit, match="cubic"):
        edge(Counted(crystals.CRYSTALS[crystals.CORUNDUM], 1))
    with pytest.raises(NoReading, match="three"):
        edge(Counted(CUBIC[crystals.SILICON], 1, many=2))
    flat = SimpleNamespace(scans=lambda _: [(np.linspace(30, 30.4, 15), np.full(15, 40.0), 0.154)] * 3)
    with pytest.raises(NoFit):
        edge(flat)


def test_a_background_has_no_peak() -> None:
    """Counts of nothing but noise; found by an agent, whose boat held no powder."""
    rng = np.random.default_rng(3)
    for _ in range(50):
        angles = np.linspace(28.15, 28.95, 15)
        with pytest.raises(NoFit, match=r"no peak stands out between 28\.15 and 28\.95 deg"):
            lattice.peak(angles, rng.poisson(40.0, angles.size).astype(float))
