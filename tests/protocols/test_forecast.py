"""The static prediction of durations, by hand on small programs; against the twin: `library/test_library.py`."""

from collections.abc import Mapping
from typing import Any

import pytest

from drivers.core.driver import installed
from drivers.core.timing import Timing
from labfile import Lab
from orchestrator.labview import timings
from protocols.conditions import Condition
from protocols.forecast import forecast
from protocols.program import CLOCK, Action, Program, ways


class Steady(Timing):
    """A device that takes as long as it is told."""

    connect_s = 3.0

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        return float(args["lasts_s"])


def act(number: str, device: str, lasts_s: float, *after: str, when: tuple[tuple[str, bool], ...] = ()) -> Action:
    args = {"duration_s": lasts_s} if device == CLOCK else {"lasts_s": lasts_s}
    return Action(number, "s", device, "do", args, after, when=when)


def predicted(*actions: Action, **more: Any) -> Any:
    program = Program("", actions, {}, {}, **more)
    return program, {name: Steady(name, None) for name in program.devices}


def test_devices_work_side_by_side_and_each_does_one_thing_after_the_other() -> None:
    program, steady = predicted(act("a", "x", 10), act("b", "y", 4), act("c", "x", 5), act("d", "y", 1, "a", "b"))
    found = forecast(program, steady)
    assert found.spans == {"a": (3, 13), "b": (3, 7), "c": (3, 18), "d": (13, 14)}
    assert found.duration_s == 18


def test_what_is_ready_first_is_done_first() -> None:
    program, steady = predicted(
        act("a", "x", 2), act("late", "y", 5, "b"), act("b", CLOCK, 3), act("soon", "y", 5, "a")
    )
    spans = forecast(program, steady).spans
    assert spans["soon"] == (5, 10)
    assert spans["late"] == (6, 15)


def test_waiting_holds_nothing_up() -> None:
    program, steady = predicted(act("w", CLOCK, 60), act("v", CLOCK, 60), act("a", "x", 1))
    assert forecast(program, steady).duration_s == 63


def test_what_is_passed_over_takes_no_time_but_holds_its_place() -> None:
    program, steady = predicted(
        act("a", "x", 1), act("b", "x", 100, "a", when=(("if", True),)), act("c", "x", 1, "b"),
        conditions={"if": Condition("a")},
    )  # fmt: skip
    longest, shortest = (forecast(program, steady, way).duration_s for way in ways(program))
    assert (longest, shortest) == (105, 5)


def test_a_device_without_figures_is_named() -> None:
    program, steady = predicted(act("a", "x", 1), act("b", "mystery", 1))
    found = forecast(program, steady | {"mystery": None})
    assert found.duration_s is None
    assert found.unknown == ("mystery",)


def test_figures_of_every_device_of_the_lab(lab: Lab) -> None:
    assert all(timings(lab, lab.devices).values())


@pytest.mark.parametrize("name", sorted(installed()))
def test_a_driver_with_figures_knows_every_verb_of_its_role(name: str, lab: Lab) -> None:
    """A verb that is forgotten would stop `lab validate` at the first protocol that uses it."""
    from drivers.core.verbs import ROLES

    driver = installed()[name]
    if driver.load_timing() is None:
        pytest.skip("it has no figures")
    entry = next((entry for entry in lab.devices.values() if entry.driver == name), None)
    if entry is None:
        pytest.skip("the lab has none")
    slot = entry.sites[0].partition(".")[2] if entry.sites else "1"
    plate = {"labware": "plate", "definition": "corning_96_wellplate_360ul_flat", "slot": slot}
    setup = [("load_pipette", {"mount": "left", "pipette": "p300_single_gen2"}), ("load_labware", plate)]
    args = {
        **plate, "mount": "left", "pipette": "p300_single_gen2", "well": "A1", "volume_ul": 100.0, "duration_s": 10.0,
        "speed_rpm": 500.0, "temperature_c": 37.0, "wells": ["A1"], "wavelengths_nm": [500.0], "position_mm": 3.0,
        "source": "ot2.3", "destination": "reader.tray", "volumes_ul": {"A1": 1.0}, "message": "do it",
        "force_g": 500.0, "cycles": [{"holds": [[60.0, 10.0]], "times": 2}],
        "joints_deg": [10.0, -90.0, -90.0, -90.0, 90.0, 0.0], "at_mm": [450.0, 0.0, 300.0],
        "rotation_deg": [180.0, 0.0, 0.0], "two_theta_deg": 30.0, "exposure_s": 1.0, "rate_ul_s": 50.0, "rate_sccm": 100.0, "segments": [{"temperature_c": 100.0, "ramp_c_min": 5.0}],
    }  # fmt: skip
    for verb in sorted(ROLES[driver.role].verbs):
        timing = timings(lab, [entry.name])[entry.name]
        assert timing is not None
        for before, told in setup if driver.role == "LiquidHandler" else ():
            timing.seconds(before, told)
        assert timing.seconds(verb, args) >= 0
    for verb, capability in driver.capabilities.items():
        told = {one.key: one.default or (one.allowed[0] if isinstance(one.allowed, tuple) else one.allowed.low)
                for one in capability.arguments.values()}  # fmt: skip
        assert timing.seconds(verb, told) >= 0
