"""The motor record's rules, in virtual time and without a wire: what its fields say, SPMG, SET, and any order of moves."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_lab.clock import run
from sim_lab.twins.motor_record import HIGH_MM, HIGH_SWITCH_MM, LOW_MM, LOW_SWITCH_MM, STEP_MM, MotorRecord


def with_record(story: Callable[[MotorRecord, Any], Awaitable[Any]], place_mm: float = 1.0) -> Any:
    async def main() -> Any:
        record = MotorRecord("axis", place_mm)
        await record.begin()
        return await story(record, record.motor.field_inst)

    return run(main)


def consistent(record: MotorRecord, fields: Any) -> None:
    """At rest: user = dial + OFF everywhere, the target is where it stands, and the flags say so."""
    offset = fields.user_offset.value
    assert fields.dial_readback_value.value == pytest.approx(record.place_mm)
    assert fields.user_readback_value.value == pytest.approx(record.place_mm + offset)
    assert record.motor.value == pytest.approx(record.place_mm + offset)
    assert fields.dial_desired_value.value == pytest.approx(record.place_mm)
    assert fields.user_high_limit.value == pytest.approx(fields.dial_high_limit.value + offset)
    assert fields.user_low_limit.value == pytest.approx(fields.dial_low_limit.value + offset)
    assert (fields.done_moving_to_value.value, fields.motor_is_moving.value) == (1, 0)


def test_at_rest_everything_agrees() -> None:
    async def story(record: MotorRecord, fields: Any) -> None:
        consistent(record, fields)
        assert fields.limit_violation.value == 0
        assert (record.motor.lower_ctrl_limit, record.motor.upper_ctrl_limit) == (LOW_MM, HIGH_MM)

    with_record(story)


@pytest.mark.parametrize("choice", ["Stop", b"Stop", 0, "Pause", b"Pause", 1])
def test_while_spmg_says_stop_nothing_moves(choice: Any) -> None:
    async def story(record: MotorRecord, fields: Any) -> None:
        await fields.stop_pause_move_go.write(choice)
        await record.motor.write(9.0)
        await fields.tweak_motor_forward.write(1)
        await fields.home_forward.write(1)
        assert record.place_mm == 1.0
        await fields.stop_pause_move_go.write("Go")
        await record.motor.write(9.0)
        assert record.place_mm == 9.0

    with_record(story)


@pytest.mark.parametrize("choice", ["Halt", b"Halt", 4])
def test_spmg_takes_no_other_word(choice: Any) -> None:
    async def story(_: MotorRecord, fields: Any) -> None:
        with pytest.raises(ValueError, match="is none of Stop, Pause, Move, Go"):
            await fields.stop_pause_move_go.write(choice)

    with_record(story)


@pytest.mark.parametrize("how", ["stop", "stop_pause_move_go"])
def test_a_stop_in_mid_move_brings_it_to_rest(how: str) -> None:
    async def story(record: MotorRecord, fields: Any) -> None:
        moving = asyncio.ensure_future(record.motor.write(40.0))
        await asyncio.sleep(2.0)
        assert fields.done_moving_to_value.value == 0
        await getattr(fields, how).write(1 if how == "stop" else "Stop")
        await moving
        assert 1.0 < record.place_mm < 20.0
        consistent(record, fields)

    with_record(story)


@pytest.mark.parametrize("choice", ["Set", b"Set", 1])
def test_set_names_the_place_and_moves_nothing(choice: Any) -> None:
    async def story(record: MotorRecord, fields: Any) -> None:
        await fields.set_use_switch.write(choice)
        await record.motor.write(10.0)
        assert record.place_mm == 1.0
        assert fields.user_offset.value == pytest.approx(9.0)
        assert (fields.dial_low_limit.value, fields.dial_high_limit.value) == (LOW_MM, HIGH_MM)
        await fields.set_use_switch.write("Use")
        await record.motor.write(11.0)
        assert record.place_mm == pytest.approx(2.0)
        consistent(record, fields)

    with_record(story)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-60, 60), st.floats(0, 5), st.booleans()), min_size=1, max_size=5),
    st.floats(LOW_MM, HIGH_MM),
)
def test_whatever_is_asked_it_ends_at_rest_inside_its_switches(
    moves: list[tuple[float, float, bool]], place_mm: float
) -> None:
    async def story(record: MotorRecord, fields: Any) -> None:
        asked = []
        for position, pause_s, stop in moves:
            asked.append(asyncio.ensure_future(record.go(position)))
            await asyncio.sleep(pause_s)
            if stop:
                await fields.stop.write(1)
        await asyncio.gather(*asked)
        assert LOW_SWITCH_MM <= record.place_mm <= HIGH_SWITCH_MM
        last, _, stopped = moves[-1]
        if LOW_MM <= last <= HIGH_MM and not stopped:
            assert record.place_mm == pytest.approx(last, abs=STEP_MM)
        if any(LOW_MM <= position <= HIGH_MM for position, _, _ in moves):
            assert (fields.done_moving_to_value.value, fields.motor_is_moving.value) == (1, 0)
            assert fields.user_readback_value.value == pytest.approx(record.place_mm)

    with_record(story, place_mm)
