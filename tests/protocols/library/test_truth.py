"""What the library's protocols find is what the world's models have in them, within the uncertainty that is told."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from protocols.setup import solute_of
from sim_lab.world.acids import ACIDS, INDICATORS
from sim_lab.world.equilibria import COMPLEXES
from sim_lab.world.optics import molar_absorptivity
from sim_lab.world.rates import arrhenius
from sim_lab.world.reactions import E_COLI, GLUCOSE, PEROXIDE, REACTIONS

RunOf = Callable[..., Any]
ROOM_C = 22.0
ENZYME, FADING, DECAY, GROWTH = (reaction.law for reaction in REACTIONS)


def on(name: str) -> Any:
    """With all else about that protocol, on one worker."""
    return pytest.mark.xdist_group(name)


def parameters(run: Any) -> list[Any]:
    (curve,) = run.evaluation.curves
    return list(curve.parameters)


def within(parameter: Any, truth: float) -> bool:
    return bool(abs(parameter.value - truth) <= 2 * parameter.uncertainty)


def shown(document: Any, material: str, at_nm: float) -> float:
    """Absorptivity that the world gives a solute where all of it is in the coloured form that the protocol makes."""
    there = {solute_of(each) for each in document.materials.values()}
    solute = solute_of(document.materials[material]) or ""
    made = [c.product for c in COMPLEXES if c.host == solute and c.guest in there]
    return max(molar_absorptivity(form, at_nm) for form in (solute, *made))


def test_what_is_published_is_the_models(ready: Any) -> None:
    for fit in ready.document.expect:
        if fit.fit == "beer_lambert" and fit.published is not None:
            assert fit.published == pytest.approx(shown(ready.document, fit.material, fit.at), rel=2e-3), fit


def test_absorptivities_are_the_models(ready: Any) -> None:
    for fit in ready.evaluation.calibrations:
        assert abs(fit.value - shown(ready.document, fit.material, fit.at_nm)) <= 3 * fit.uncertainty, fit


def test_mass_is_kept_in_what_is_read(ready: Any) -> None:
    """Nothing but water leaves a plate, and what reacts is turned over as declared: carbon of cells and glucose."""
    first, last = {}, {}
    for seen in ready.truth:
        first.setdefault(seen.well, seen)
        last[seen.well] = seen
    for well, seen in last.items():
        before, after = ({**first[well].mol}, {**seen.mol})
        carbon = [
            mol.get(E_COLI, 0.0) + 6 * mol.get(GLUCOSE, 0.0) + mol.get("124-38-9", 0.0) for mol in (before, after)
        ]
        assert carbon[0] == pytest.approx(carbon[1], rel=1e-9)


@on("phosphatase_kinetics")
def test_enzyme_kinetics(run_of: RunOf) -> None:
    km, vmax, kcat = parameters(run_of("phosphatase_kinetics"))
    assert within(km, ENZYME.km)
    assert within(kcat, arrhenius(ENZYME.kcat_at_25c, ENZYME.activation_j_mol, ROOM_C))
    assert vmax.value == pytest.approx(kcat.value * 0.09e-9, rel=1e-6)
    assert km.uncertainty < 0.06 * km.value


@on("colourant_fading")
def test_fading_is_of_second_order(run_of: RunOf) -> None:
    (constant,) = parameters(run_of("colourant_fading"))
    assert within(constant, FADING.per_s(ROOM_C))
    assert constant.uncertainty < 0.02 * constant.value


@on("bath_ageing")
def test_a_bath_decays_as_its_temperatures_say(run_of: RunOf) -> None:
    run = run_of("bath_ageing")
    (constant,) = parameters(run)
    logs: dict[str, list[tuple[float, float]]] = {}
    for seen in run.truth:
        if PEROXIDE in seen.mol:
            logs.setdefault(seen.well, []).append((seen.at_s, math.log(seen.mol[PEROXIDE])))
    truth = np.mean([(points[0][1] - points[-1][1]) / (points[-1][0] - points[0][0]) for points in logs.values()])
    assert within(constant, float(truth))
    assert 0.8 * DECAY.per_s(60.0) < truth < DECAY.per_s(60.0)  # it cools on the reader


@on("growth_curve")
def test_cells_grow_as_the_model_has_them(run_of: RunOf) -> None:
    """The mean rate between the first and the last reading, exactly: the logit of a logistic is linear in rate x time."""
    run = run_of("growth_curve")
    rate, _ = parameters(run)
    logits: dict[str, list[tuple[float, float]]] = {}
    for seen in run.truth:
        if E_COLI in seen.mol:
            grown, limit = seen.mol[E_COLI], seen.mol[E_COLI] + GROWTH.yields * seen.mol[GLUCOSE]
            logits.setdefault(seen.well, []).append((seen.at_s, math.log(grown / (limit - grown))))
    middle = [[p for p in points if abs(p[1]) < 6] for points in logits.values()]
    truth = np.mean([(p[-1][1] - p[0][1]) / (p[-1][0] - p[0][0]) for p in middle]) * 3600
    assert within(rate, float(truth))
    assert 0.9 * GROWTH.at_37c * 3600 < truth < GROWTH.at_37c * 3600


@on("neodymium_arsenazo")
def test_binding(run_of: RunOf) -> None:
    kd, change = parameters(run_of("neodymium_arsenazo"))
    (bound,) = [c for c in COMPLEXES if c.product == "neodymium arsenazo III"]
    assert within(kd, 10**-bound.log_beta)
    assert within(change, molar_absorptivity(bound.product, 652.0) - molar_absorptivity(bound.guest, 652.0))


@on("developer_titration")
def test_titration(run_of: RunOf) -> None:
    developer, contrast = parameters(run_of("developer_titration"))
    assert within(developer, 26e-3)
    assert within(contrast, 10 ** (INDICATORS["76-59-5"] - ACIDS["7778-77-0"].pkas[1]))


@on("qpcr_setup")
def test_every_well_of_the_qpcr_plate_holds_what_it_should(run_of: RunOf) -> None:
    wells = run_of("qpcr_setup").result.end_state["labware"]["plate"]["wells"]
    filled = {well: told["volume_ul"] for well, told in wells.items() if told["volume_ul"]}
    assert filled == {f"{row}{column}": 20.0 for row in "ABC" for column in range(1, 12)}
