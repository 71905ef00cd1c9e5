"""Fits and uncertainties: closed forms, the ledger's nominal amounts, and coverage over many seeds of the twin."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.core.accuracy import PIPETTES, pipetting
from labfile import Lab
from orchestrator.analysis.fits import evaluate
from orchestrator.analysis.propagation import Propagation
from orchestrator.labview import view
from orchestrator.simulate import simulate
from protocols.check import Checked, check
from protocols.ledger import fold
from protocols.parse import read
from sim_lab.world.optics import molar_absorptivity

DEMO = Path(__file__).resolve().parents[2] / "protocols/library/dye_calibration.yaml"
RED, YELLOW = "25956-17-6", "1934-21-0"


@pytest.fixture(scope="module")
def demo(lab: Lab) -> Checked:
    return check(read(DEMO), view(lab))


def test_the_protocol_publishes_the_twins_values(demo: Checked) -> None:
    published = {(e.material, e.at): e.published for e in demo.source.protocol.expect if e.fit == "beer_lambert"}
    assert published["dye_red", 504.0] == pytest.approx(molar_absorptivity(RED, 504.0), rel=1e-4)
    assert published["dye_yellow", 427.0] == pytest.approx(molar_absorptivity(YELLOW, 427.0), rel=1e-4)


def test_the_trials_centre_on_the_belief(demo: Checked) -> None:
    assert demo.program is not None
    trials, ledger = Propagation(demo.program), fold(demo.program)[0]
    for well in ("A1", "B4", "C8", "G2"):
        believed = sum(
            demo.program.species[liquid].get(RED, 0.0) * volume * 1e-6
            for liquid, volume in ledger.items["plate"].wells[well].items()
        )
        sampled = trials.amounts("plate", well)[RED]
        assert sampled.mean() == pytest.approx(
            believed, rel=4 * sampled.std() / believed / np.sqrt(len(sampled)) + 2e-3
        )
        assert 0.001 < sampled.std() / believed < 0.05


def noiseless(demo: Checked, absorptivity: dict[tuple[str, float], float], blank: float = 0.04) -> list[dict[str, Any]]:
    """Readings of a perfect reader and perfect pipettes."""
    from protocols.ledger import kind_of

    assert demo.program is not None
    ledger, kind = fold(demo.program)[0], kind_of(demo.program.labware["plate"])
    readings = []
    for nm in (427.0, 504.0):
        wells = {}
        for well in [f"{row}{column}" for column in range(1, 9) for row in "ABCDEFGH"]:
            area_cm2 = kind.wells[well].area_mm2 / 100
            value = blank
            for liquid, volume in ledger.items["plate"].wells[well].items():
                for cas, molar in demo.program.species[liquid].items():
                    value += absorptivity.get((cas, nm), 0.0) * 1e3 * molar * volume * 1e-6 / area_cm2
            wells[well] = value
        readings.append({"step": "read", "quantity": f"absorbance_{nm:g}nm", "unit": "1", "wells": wells})
    return readings


def test_without_noise_the_fit_is_exact(demo: Checked) -> None:
    assert demo.program is not None
    truth = {(RED, 504.0): 25900.0, (RED, 427.0): 3300.0, (YELLOW, 427.0): 21600.0, (YELLOW, 504.0): 2200.0}
    found = evaluate(demo.source.protocol, demo.program, noiseless(demo, truth))
    cas = {"dye_red": RED, "dye_yellow": YELLOW}
    for fit in found.calibrations:
        assert fit.value == pytest.approx(truth[cas[fit.material], fit.at_nm], rel=1e-9)
        assert fit.r2 == pytest.approx(1.0)
    for mixed in found.mixtures:
        assert mixed.found == pytest.approx(mixed.believed, rel=1e-9)
    assert found.ok


def test_a_wrong_absorptivity_is_noticed(demo: Checked) -> None:
    assert demo.program is not None
    truth = {(RED, 504.0): 25900.0 * 1.05, (RED, 427.0): 3300.0, (YELLOW, 427.0): 21600.0, (YELLOW, 504.0): 2200.0}
    found = evaluate(demo.source.protocol, demo.program, noiseless(demo, truth))
    assert not found.ok
    assert not found.calibrations[0].ok
    assert found.calibrations[0].deviation is not None
    assert found.calibrations[0].deviation > 5


def test_what_is_claimed_holds_over_many_runs(lab: Lab, demo: Checked) -> None:
    """Coverage: over seeds, deviations in units of u scatter as a standard normal; neither boast nor excuse."""
    assert demo.program is not None
    deviations: list[float] = []
    for seed in range(100, 124):
        result = simulate(lab, demo.program, seed=seed).result
        found = evaluate(demo.source.protocol, demo.program, result.readings)
        deviations += [fit.deviation for fit in found.calibrations if fit.deviation is not None]
    spread = float(np.sqrt(np.mean(np.square(deviations))))
    assert 0.6 < spread < 1.5, deviations
    assert sum(abs(d) > 3 for d in deviations) <= 1


def test_accuracy_is_as_specified_and_grows_for_small_volumes() -> None:
    for size, table in PIPETTES.items():
        for volume, systematic, scatter in table:
            assert pipetting(f"{size}_single_gen2", volume) == (systematic, scatter)
        assert pipetting(f"{size}_single_gen2", table[0][0] / 2) == table[0][1:]
        assert pipetting(f"{size}_single_gen2", table[-1][0] * 2) == table[-1][1:]
