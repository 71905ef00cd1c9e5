"""The shaker's twin at its wire, as a client sees it, and in the world, as it is."""

import asyncio

import pytest

from drivers.core.labware import kind
from drivers.shakers.qinstruments_bioshake import wire as words
from sim_lab import clock
from sim_lab.link import wire
from sim_lab.twins.qinstruments_bioshake import Shaken, Twin
from sim_lab.world.model import PhysicalError, World


def with_twin(body):
    async def main():
        world = World(1, {})
        world.now = asyncio.get_running_loop().time
        twin = Twin("shaker", None, world)
        world.place("plate", kind("plate_96_flat"), "shaker.nest")
        here, there = wire(twin.baud)
        serving = asyncio.create_task(twin.serve(there))
        replies, waiting = words.Replies(), []

        async def ask(*lines):
            for line in lines:
                await here.send(line.encode() + b"\r")
                while not waiting:
                    waiting.extend(replies.feed(await here.receive()))
                answer = waiting.pop(0)
            return answer

        await body(twin, ask)
        await here.close()
        await serving

    clock.run(main, epoch_s=0.0)


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("getShakeMinRpm", "200"),
        ("getShakeMaxRpm", "3000"),
        ("GETSHAKEMAXRPM", "3000"),
        ("getShakeState", "3"),
        ("gsst", "3"),
        ("getElmState", "3"),
        ("gesas", "ELMUnlocked"),
        ("getTempActual", "22.0"),
        ("getTempMax", "99.0"),
        ("getTempState", "0"),
        ("setShakeTargetSpeed199", "e"),
        ("setShakeTargetSpeed", "e"),
        ("setShakeTargetSpeed3000", "ok"),
        ("setShakeAcceleration31", "e"),
        ("setTempTarget991", "e"),
        ("setTempTarget-1", "e"),
        ("shakeOff", "ok"),
        ("shakeGoHome", "ok"),
        ("getErrorList", "{}"),
        ("getShakeRemainingTime", "0"),
        ("dance", "u -> dance"),
        ("shakeOn", "e"),
    ],
)
def test_replies(line, reply):
    async def body(twin, ask):
        assert await ask(line) == reply

    with_twin(body)


def test_it_shakes_only_a_locked_plate_and_unlocks_only_at_home():
    async def body(twin, ask):
        assert await ask("shakeOn") == "e"
        assert await ask("getErrorList") == "{300}"
        assert await ask("getErrorList") == "{}"  # told once
        assert await ask("setElmLockPos", "getElmStateAsString") == "ELMLocked"
        with pytest.raises(PhysicalError, match="holds plate fast"):
            twin.world.lift("shaker.nest")
        assert await ask("shakeOn", "setElmUnlockPos") == "e"
        assert await ask("shakeOff", "setElmUnlockPos") == "e"  # still slowing down
        await asyncio.sleep(5)
        assert await ask("setElmUnlockPos") == "ok"
        assert twin.world.lift("shaker.nest").name == "plate"

    with_twin(body)


def test_speed_goes_up_and_down_evenly():
    async def body(twin, ask):
        await ask("setElmLockPos", "setShakeTargetSpeed1000", "setShakeAcceleration10", "shakeOn")
        assert await ask("getShakeState") == "5"
        await asyncio.sleep(5)
        assert 490 < int(await ask("getShakeActualSpeed")) < 520
        await asyncio.sleep(5)
        assert (await ask("getShakeActualSpeed"), await ask("getShakeState")) == ("1000", "0")
        assert await ask("shakeOff", "getShakeState") == "8"
        await asyncio.sleep(5)
        assert 480 < int(await ask("getShakeActualSpeed")) < 510
        await asyncio.sleep(7)
        assert (await ask("getShakeActualSpeed"), await ask("getShakeState")) == ("0", "3")
        (shaken,) = twin.shaken
        assert (shaken.labware, shaken.speed_rpm) == ("plate", 1000)

    with_twin(body)


def test_a_run_time_ends_the_shaking():
    async def body(twin, ask):
        await ask("setElmLockPos", "setShakeTargetSpeed600", "setShakeAcceleration1", "shakeOnWithRuntime30")
        assert int(await ask("getShakeRemainingTime")) == 30
        await asyncio.sleep(40)
        assert await ask("getShakeState") == "3"
        assert twin.shaken == [Shaken("plate", 600, 30.0)]

    with_twin(body)


def test_an_emergency_stop_leaves_it_away_from_home():
    async def body(twin, ask):
        await ask("setElmLockPos", "shakeOn")
        await asyncio.sleep(10)
        assert await ask("shakeEmergencyOff", "getShakeActualSpeed") == "0"
        assert await ask("getShakeState") == "9"
        assert await ask("shakeOn") == "e"
        assert await ask("shakeGoHome") == "ok"
        await asyncio.sleep(2)
        assert await ask("getShakeState") == "3"

    with_twin(body)


def test_a_restart_ends_everything():
    async def body(twin, ask):
        await ask("setElmLockPos", "setTempTarget400", "tempOn", "shakeOn")
        await asyncio.sleep(10)
        lines = [await ask("resetDevice")]
        assert lines == ["BioShake 3000-T elm"]
        assert (twin.table.is_on, twin.is_heating, twin.elm, twin.world.clamped) == (False, False, 3, set())
        assert len(twin.shaken) == 1

    with_twin(body)


def test_the_block_warms_the_plate_as_long_as_it_stands_there():
    async def body(twin, ask):
        world, plate = twin.world, twin.world.labware["plate"]
        await ask("setTempTarget600", "tempOn")
        await asyncio.sleep(twin.block.tau_s)
        reached = float(await ask("getTempActual"))
        assert reached == pytest.approx(22 + 38 * (1 - 0.3679), abs=0.2)  # 1 - 1/e of the way after one time constant
        await asyncio.sleep(3600)
        assert plate.body.at(world.now()) == pytest.approx(60, abs=0.1)
        lifted = world.lift("shaker.nest")
        await asyncio.sleep(3600)
        assert plate.body.at(world.now()) == pytest.approx(22, abs=0.1)
        world.put(lifted, "shaker.nest")
        await asyncio.sleep(3600)
        assert plate.body.at(world.now()) == pytest.approx(60, abs=0.1)
        await ask("tempOff")
        await asyncio.sleep(3600)
        assert plate.body.at(world.now()) == pytest.approx(22, abs=0.1)

    with_twin(body)
