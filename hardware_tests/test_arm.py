"""What every robot arm must do. At the bench: nothing within reach, and the arm upright, as it is parked."""

import asyncio

import pytest

from drivers.core.errors import DeviceError
from hardware_tests.bench import Bench

ROLE = "Arm"
TURN_DEG, RISE_MM = 5.0, 20.0


async def _here(bench: Bench) -> dict[str, float]:
    return {reading.quantity: reading.value or 0.0 for reading in await bench.do("position")}


def _joints(here: dict[str, float]) -> list[float]:
    return [here[f"joint_{n}"] for n in range(1, 7)]


def test_says_where_it_is_in_degrees_and_millimetres(bench: Bench) -> None:
    """Six joints and a pose."""

    async def story(bench: Bench) -> None:
        units = {reading.quantity: reading.unit for reading in await bench.do("position")}
        assert all(units[f"joint_{n}"] == "deg" for n in range(1, 7))
        assert [units[axis] for axis in ("x", "y", "z", "rx", "ry", "rz")] == ["mm"] * 3 + ["deg"] * 3

    bench.run(story)


def test_turns_a_joint_there_and_back(bench: Bench) -> None:
    """Its base, by a few degrees."""

    async def story(bench: Bench) -> None:
        start = _joints(await _here(bench))
        for joints in ([start[0] + TURN_DEG, *start[1:]], start):
            await bench.do("move_joints", joints_deg=joints, speed_deg_s=10.0)
            assert _joints(await _here(bench)) == pytest.approx(joints, abs=0.1)

    bench.run(story)


def test_moves_its_tool_in_a_line_there_and_back(bench: Bench) -> None:
    """Up a little, its rotation kept."""

    async def story(bench: Bench) -> None:
        here = await _here(bench)
        turn = [here[axis] for axis in ("rx", "ry", "rz")]
        for z_mm in (here["z"] + RISE_MM, here["z"]):
            await bench.do("move_tool", at_mm=[here["x"], here["y"], z_mm], rotation_deg=turn, speed_mm_s=20.0)
            assert (await _here(bench))["z"] == pytest.approx(z_mm, abs=0.5)

    bench.run(story)


def test_what_is_out_of_bounds_is_refused_before_anything_moves(bench: Bench) -> None:
    """A joint beyond its range, a tool beyond the arm's reach, an output that is not there."""

    async def story(bench: Bench) -> None:
        before = _joints(await _here(bench))
        for verb, args in (
            ("move_joints", {"joints_deg": [1000.0, *before[1:]]}),
            ("move_tool", {"at_mm": [5000.0, 0.0, 300.0], "rotation_deg": [0.0, 180.0, 0.0]}),
            ("set_output", {"output": 99, "high": True}),
        ):
            with pytest.raises(DeviceError) as caught:
                await bench.do(verb, **args)
            assert caught.value.outcome == "not_started"
        assert _joints(await _here(bench)) == pytest.approx(before, abs=0.01)

    bench.run(story)


def test_stop_ends_a_running_move(bench: Bench) -> None:
    """The arm comes to rest on the way, and works again."""

    async def story(bench: Bench) -> None:
        start = _joints(await _here(bench))
        far = [start[0] + 30.0, *start[1:]]
        assert await bench.stopped(1.0, "move_joints", joints_deg=far, speed_deg_s=10.0) < 2
        stands = _joints(await _here(bench))
        await asyncio.sleep(1.0)
        assert _joints(await _here(bench)) == pytest.approx(stands, abs=0.01)
        assert start[0] < stands[0] < far[0]
        await bench.make_safe()
        await bench.do("move_joints", joints_deg=start, speed_deg_s=10.0)

    bench.run(story)


def test_another_process_learns_what_became_of_a_move(bench: Bench) -> None:
    """A new driver moves nothing when it connects, and does not say that a move that was done was not."""

    async def story(bench: Bench) -> None:
        start = _joints(await _here(bench))
        aside = [start[0] + TURN_DEG, *start[1:]]
        await bench.do("move_joints", joints_deg=aside, speed_deg_s=10.0)
        await bench.restart()
        assert (await bench.recall()).state != "not_done"
        assert _joints(await _here(bench)) == pytest.approx(aside, abs=0.1)
        await bench.do("move_joints", joints_deg=start, speed_deg_s=10.0)

    bench.run(story)
