"""`within`: what a step that must not wait needs is the run's own from the end of the step before on."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labfile import Lab
from protocols.check import Checked
from protocols.program import Hold, Program

Bind = Callable[[Lab, dict[str, Any]], Checked]
MIX = {"id": "mix", "do": "transfer", "source": "stock/A1", "to": "plate/A1:A2", "volume": "50 uL"}
SHAKE = {"id": "shake", "do": "shake", "labware": "plate", "speed": "600 rpm", "for": "5 s"}
READ = {
    "id": "read",
    "do": "measure",
    "kind": "absorbance",
    "labware": "plate",
    "wells": "A1:A2",
    "wavelengths": ["504 nm"],
}
WAIT = {"id": "wait", "do": "wait", "for": "1 min"}
AIR = {"id": "air", "do": "measure", "kind": "environment"}


def document(*steps: dict[str, Any]) -> dict[str, Any]:
    return {
        "format": "lab-protocol/1", "name": "limits", "author": {"kind": "human", "name": "tests"},
        "materials": {"dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}},
        "labware": {"stock": {"type": "reservoir_12", "holds": {"A1": "dye"}}, "plate": {"type": "plate_96_flat"}},
        "steps": list(steps),
    }  # fmt: skip


def bound(lab: Lab, checked_on: Bind, *steps: dict[str, Any]) -> Program:
    verdict = checked_on(lab, document(*steps))
    assert verdict.program is not None, verdict.problems
    return verdict.program


def over(program: Program, hold: Hold) -> range:
    names = [action.id for action in program.actions]
    return range(names.index(hold.first), names.index(hold.last) + 1 if hold.last else len(names))


def test_what_a_limited_step_needs_is_held_from_the_step_before_on(lab: Lab, checked_on: Bind) -> None:
    free = bound(lab, checked_on, MIX, READ)
    held = bound(lab, checked_on, MIX, READ | {"within": "2 min"})
    (limit,) = held.limits
    assert (limit.at_most_s, limit.before.split(".")[0], limit.after.split(".")[0]) == (120, "mix", "read")
    assert not free.limits
    names = [action.id for action in held.actions]
    before = names.index(limit.before)
    assert held.actions[before].verb == "drop_tip"
    tip = max(place for place, action in enumerate(held.actions[:before]) if action.verb == "pick_up_tip")
    assert "reader" in held.actions[tip].needs, "with the tip, so that the robot is not kept while the reader is busy"
    assert "reader" not in free.actions[tip].needs
    for thing in ("reader", "arm"):
        (hold,) = [hold for hold in held.holds if hold.thing == thing and before in over(held, hold)]
        assert names.index(limit.after) in over(held, hold) or thing == "arm"
    assert Program.from_json(held.as_json()) == held


def test_a_first_step_follows_nothing(lab: Lab, checked_on: Bind) -> None:
    verdict = checked_on(lab, document(MIX | {"within": "1 min"}))
    (problem,) = verdict.problems
    assert (problem.rule, problem.step) == ("TIME-001", "mix")


STEPS = st.lists(
    st.tuples(st.sampled_from([MIX, SHAKE, READ, WAIT, AIR]), st.none() | st.integers(30, 600)), min_size=2, max_size=5
)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_each_need_lies_in_one_hold_and_nothing_comes_between(
    lab: Lab, checked_on: Bind, steps: list[tuple[dict[str, Any], int | None]]
) -> None:
    numbered = [
        {**step, "id": f"s{number}"} | ({"within": f"{seconds} s"} if seconds and number else {})
        for number, (step, seconds) in enumerate(steps)
    ]
    program = bound(lab, checked_on, *numbered)
    names = [action.id for action in program.actions]
    for place, action in enumerate(program.actions):
        assert all(names.index(other) < place for other in action.after)
        for thing in action.needs:
            assert len([h for h in program.holds if h.thing == thing and place in over(program, h)]) == 1, (
                thing,
                action,
            )
    for hold in program.holds:
        assert hold.thing in program.actions[names.index(hold.first)].needs, "it is taken by the action it begins with"
    for limit in program.limits:
        before, after = names.index(limit.before), names.index(limit.after)
        step = program.actions[after].step
        for place in range(before + 1, after + 1):
            if program.actions[place].step != step:
                continue
            for thing in program.actions[place].needs:
                (hold,) = [h for h in program.holds if h.thing == thing and place in over(program, h)]
                assert before in over(program, hold), f"{thing} may be another's before {program.actions[place].id}"
