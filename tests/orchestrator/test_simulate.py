"""The dry run: the same seed gives the same trace, another seed other readings; failures are told."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.core.world import WorldSettings
from labfile import Lab
from orchestrator.cell import Cell
from orchestrator.execute import execute
from orchestrator.labview import view
from orchestrator.result import Result
from orchestrator.simulate import simulate
from protocols.check import Checked, check
from protocols.parse import from_document
from protocols.program import Action, Program

CheckedOn = Callable[[Lab, dict[str, Any]], Checked]
LABWARE = {
    "stock": {"type": "reservoir_12", "holds": {"A1": "dye", "A2": "water"}},
    "plate": {"type": "plate_96_flat"},
}


def checked(lab: Lab, steps: list[dict[str, Any]], **parts: Any) -> Checked:
    document = {
        "format": "lab-protocol/1", "name": "test", "author": {"kind": "human", "name": "tests"},
        "materials": {"dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}}, "labware": LABWARE, "steps": steps,
    }  # fmt: skip
    verdict = check(from_document(document | parts), view(lab))
    assert verdict.ok, verdict.problems
    return verdict


SERIES = {"id": "s", "do": "serial_dilute", "source": "stock/A1", "diluent": "stock/A2", "into": "plate/A1:B6",
          "volume": "100 uL", "factor": 2}  # fmt: skip


def program_of(verdict: Checked) -> Program:
    assert verdict.program
    return verdict.program


def test_one_seed_one_trace(small_lab: Lab) -> None:
    program = program_of(checked(small_lab, [SERIES]))
    one, two = simulate(small_lab, program, seed=3), simulate(small_lab, program, seed=3)
    assert one.result.outcome == "completed"
    assert one.trace_hash == two.trace_hash
    assert simulate(small_lab, program, seed=4).trace_hash != one.trace_hash


def test_over_real_sockets_the_same_comes_out(small_lab: Lab) -> None:
    program = program_of(checked(small_lab, [SERIES]))
    inside, outside = simulate(small_lab, program), simulate(small_lab, program, wire=True)
    assert outside.result.outcome == "completed"
    assert outside.result.end_state == inside.result.end_state
    assert outside.result.duration_s == pytest.approx(inside.result.duration_s, rel=1e-6)


def test_the_belief_of_the_run_is_the_one_of_the_check(small_lab: Lab) -> None:
    verdict = checked(small_lab, [SERIES])
    result = simulate(small_lab, program_of(verdict)).result
    assert result.end_state == verdict.end_state
    assert result.stock == verdict.stock


def test_a_failing_action_ends_the_run_and_names_its_step(small_lab: Lab) -> None:
    program = program_of(checked(small_lab, [SERIES]))
    spoilt = [
        Action(a.id, a.step, a.device, a.verb, {**a.args, "well": "Z9"}, a.after) if a.id == "s.5" else a
        for a in program.actions
    ]
    broken = Program(program.protocol_hash, tuple(spoilt), program.labware, program.species, program.names)
    result = simulate(small_lab, broken).result
    assert result.outcome == "failed"
    assert result.error.startswith("step s: dispense: ot2: dispense: WellDoesNotExistError")
    assert result.spans[-1].action == "s.5"


def run_on_twin(lab: Lab, program: Program, seed: int) -> tuple[Result, dict[str, float]]:
    """A run and the twin's own mass balance: tests may look at the truth."""
    cell = Cell(lab, "twin", WorldSettings(seed=seed, epoch_s=0.0))

    async def main() -> Result:
        try:
            return await execute(program, cell, {})
        finally:
            await cell.close()

    result = cell.world.run(main)
    truth: Any = cell.world
    return result, truth.truth.imbalance()


_WELLS = st.sampled_from([f"{row}{column}" for row in "ABCDEFGH" for column in range(1, 13)])
_VOLUMES = st.integers(2, 110).map(lambda volume: f"{volume} uL")
_STEPS = st.lists(
    st.one_of(
        st.builds(lambda to, volume, mix: {"do": "transfer", "source": "stock/A1", "to": f"plate/{to}", "volume": volume, "mix": mix},
                  _WELLS, _VOLUMES, st.integers(0, 2)),
        st.builds(lambda source, to, volume: {"do": "transfer", "source": f"plate/{source}", "to": f"plate/{to}", "volume": volume},
                  _WELLS, _WELLS, _VOLUMES),
        st.builds(lambda well, volume: {"do": "mix", "wells": f"plate/{well}", "volume": volume, "times": 1}, _WELLS, _VOLUMES),
        st.builds(lambda seconds: {"do": "wait", "for": f"{seconds} min"}, st.integers(1, 600)),
        st.builds(lambda row, factor: {"do": "serial_dilute", "source": "stock/A1", "diluent": "stock/A2",
                                       "into": f"plate/{row}1:{row}3", "volume": "60 uL", "factor": factor, "mix": 1},
                  st.sampled_from("ABCDEFGH"), st.sampled_from([2, 4])),
    ),
    min_size=1, max_size=4,
)  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(_STEPS, st.integers(0, 2**32))
def test_mass_is_kept_by_every_legal_program(small_lab: Lab, steps: list[dict[str, Any]], seed: int) -> None:
    """1,000 random programs: the legal ones run and keep every species; the others are refused with a rule."""
    numbered = [{"id": f"s{number}", **step} for number, step in enumerate(steps)]
    document = {
        "format": "lab-protocol/1", "name": "test", "author": {"kind": "human", "name": "tests"},
        "materials": {"dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}}, "steps": numbered,
        "labware": LABWARE | {"plate": {"type": "plate_96_flat", "holds": {"A1:H12": {"material": "water", "volume": "150 uL"}}}},
    }  # fmt: skip
    verdict = check(from_document(document), view(small_lab))
    if not verdict.ok:
        assert all(problem.rule and problem.step and problem.hint for problem in verdict.problems)
        return
    result, imbalance = run_on_twin(small_lab, program_of(verdict), seed)
    assert result.outcome == "completed", result.error
    assert all(abs(relative) < 1e-9 for relative in imbalance.values()), imbalance
