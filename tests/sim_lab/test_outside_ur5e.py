"""ur_rtde (SDU Robotics), as it comes from PyPI, drives the served twin: dashboard, receive, IO and control."""

import asyncio
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from sim_lab import clock
from sim_lab.serve import serve_tcp
from sim_lab.twins.universal_ur5e import Twin
from sim_lab.world.model import World

CLIENT = Path(__file__).with_name("ur_rtde_client.py")
#: The library has no option for ports: an address of loopback that nothing else here uses.
HOST = "127.0.30.4"
FAST = 4.0

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("rtde_control") is None, reason="ur_rtde has no wheel here"),
    pytest.mark.xdist_group("processes"),
]


@pytest.fixture(scope="module")
def seen():
    async def main():
        world = World(1, {})
        world.now = asyncio.get_running_loop().time
        twin = Twin("ur5e", None, world)
        served = await serve_tcp(twin, HOST, 40004)
        try:
            command = [sys.executable, str(CLIENT), HOST]
            with subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True) as process:  # noqa: ASYNC220 - see below
                while process.poll() is None:  # asyncio would wait for it in a thread, which the clock refuses
                    await asyncio.sleep(0.5)
                out, errors = process.communicate()
        finally:
            await served.stop()
        assert process.returncode == 0, errors
        return json.loads(out.splitlines()[-1]), twin

    return clock.run(main, epoch_s=0.0, speed=FAST)


def test_the_dashboard_switches_it_on_and_plays_a_program(seen):
    told, _ = seen
    power = told["power"]
    assert (power["version"], power["remote"], power["serial"]) == ("5.12.6.1102099", True, "20235500001")
    assert power["off"] == ["Robotmode: POWER_OFF", "Safetystatus: NORMAL", "Safetymode: NORMAL", "STOPPED <unnamed>"]
    assert power["no such program"] == "File not found: nothing.urp"
    assert power["loaded"] == "Loaded program: /programs/home.urp"
    assert power["nothing to stop"] == "Failed to execute: stop"


def test_its_state_is_received(seen):
    told, _ = seen
    assert told["state"] == [7, 1, 2, 3]  # running, normal; the control program plays; power and program
    assert told["joints"] == pytest.approx([0, -1.5707963, -1.5707963, -1.5707963, 1.5707963, 0])


def test_moves_arrive_and_stops_stop(seen):
    motion = seen[0]["motion"]
    assert motion["ready"] == [True, True, True]
    assert motion["moveJ"][0] is motion["moveL"][0] is True
    assert motion["fk"][0] == pytest.approx(motion["fk"][1], abs=1e-6)
    assert motion["after moveL"] == pytest.approx(motion["moveL"][1], abs=1e-6)
    assert len(motion["ik"]) == 6
    assert motion["can"] == [True, False, True]
    steady, progress, speed = motion["on the way"]
    assert (steady, speed > 0.1) == (False, True)
    assert motion["stopped"][:3] == [True, -1, True]
    assert progress >= 0
    assert motion["stopped"][3] > 0.5, "it had not arrived"
    assert motion["tool"] == [True, pytest.approx([0, 0, 0.1, 0, 0, 0]), True]
    assert motion["poseTrans"] == pytest.approx([0.1, 0.2, 0, 0, 0, 0])
    assert motion["moveJ_IK"] is motion["moveL_FK"] is True
    assert motion["beyond"] == [False, False, True]  # its program ends there, and is uploaded again


def test_outputs_and_the_slider_are_set(seen):
    told, twin = seen
    assert told["signals"] == {"set": [True] * 4, "bits": 1 << 3 | 1 << 10 | 1 << 17}
    assert twin.memory.digital_out == 1 << 10 | 1 << 17
    assert twin.body.slider == 1.0


def test_a_protective_stop_ends_all_until_a_person_takes_it_back(seen):
    stop = seen[0]["stop"]
    assert stop["asked"] is False
    assert stop["state"] == ["Safetystatus: PROTECTIVE_STOP", 3, 1 << 2 | 1 << 10, False]
    assert stop["moves"] is False
    assert "until 5s after" in stop["too soon"]
    assert stop["moves again"] is True
    assert stop["ended"] is False
