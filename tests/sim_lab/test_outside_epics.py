"""Clients that others wrote, as they are and each in a process of its own, against the served twins of the beamline."""

import ast
import asyncio
import os
import sys
from typing import Any

import pytest

from drivers.beamline.epics_diffractometer.options import Options as XrdOptions
from drivers.beamline.epics_motor import wire
from drivers.beamline.epics_motor.options import Options
from sim_lab.clock import run
from sim_lab.faults.inject import Faults, Injection
from sim_lab.twins.channel_access import ChannelAccessTwin
from sim_lab.twins.epics_diffractometer import Twin as Diffractometer
from sim_lab.twins.epics_motor import Twin as Motor
from sim_lab.world.model import World


def told_by(script: str, twin: ChannelAccessTwin, **environment: str) -> Any:
    """What a script prints as its last line, with EPICS's own settings that find the twin and nothing else."""

    async def main() -> str:
        address = await twin.start("127.0.0.1", 0)
        server = wire.where(address).server
        assert server is not None
        settings = {
            "EPICS_CA_ADDR_LIST": "127.0.0.1", "EPICS_CA_AUTO_ADDR_LIST": "NO", "EPICS_CA_SERVER_PORT": str(server[1]),
        }  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, env=os.environ | settings | environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            output, errors = await asyncio.wait_for(process.communicate(), 60)
        finally:
            if process.returncode is None:
                process.kill()
            await twin.stop()
        assert process.returncode == 0, errors.decode()
        return output.decode().splitlines()[-1]

    return ast.literal_eval(run(main, speed=1))


LIBCA = """
import asyncio
from aioca import FORMAT_CTRL, FORMAT_TIME, caget, camonitor, caput, run

async def main():
    value = await caget("axis", format=FORMAT_CTRL)
    told = {"ctrl": (value.lower_ctrl_limit, value.upper_ctrl_limit, value.units)}
    seen = []
    watch = [camonitor("axis.DMOV", lambda v: seen.append(("DMOV", int(v)))),
             camonitor("axis.MOVN", lambda v: seen.append(("MOVN", int(v))))]
    await asyncio.sleep(0.2)
    seen.clear()
    await caput("axis", 2.0, wait=True)
    seen.append("answered")
    told["order"] = seen.index(("DMOV", 0)) < seen.index(("MOVN", 1)) < seen.index("answered"), int(await caget("axis.DMOV"))
    told["there"] = float(await caget("axis.RBV"))
    moving = asyncio.ensure_future(caput("axis", 40.0, wait=True, timeout=20))
    await asyncio.sleep(0.6)
    told["moving"] = int(await caget("axis.MSTA")) & 1 << 10 != 0
    await caput("axis.STOP", 1)
    await moving
    told["stopped"] = 2.0 < float(await caget("axis.RBV")) < 20.0
    told["follows"] = float(await caget("axis.VAL")) == float(await caget("axis.RBV"))
    await caput("axis.HOMF", 1, wait=True, timeout=20)
    told["homed"] = int(await caget("axis.MSTA")) & 1 << 14 != 0, float(await caget("axis.RBV"))
    await caput("axis", 99.0, wait=True)
    told["outside"] = float(await caget("axis")), int(await caget("axis.LVIO")), float(await caget("axis.RBV"))
    told["severity"] = [(await caget("axis.RBV", format=FORMAT_TIME)).severity, str(await caget("axis.SEVR", datatype=str))]
    await caput("axis", 1.0, wait=True)
    told["violated"] = int(await caget("axis.LVIO"))
    await caput("axis", 3.0, wait=True)  # the third move of the plan: the drive does not follow
    alarm = await caget("axis.RBV", format=FORMAT_TIME)
    told["alarm"] = [alarm.severity, str(await caget("axis.SEVR", datatype=str)), str(await caget("axis.STAT", datatype=str))]
    told["stall"] = int(await caget("axis.MSTA")) & (1 << 6 | 1 << 9) == 1 << 6 | 1 << 9
    print(told)

run(main())
"""


def test_libca_finds_the_whole_surface_of_a_motor_record() -> None:
    pytest.importorskip("aioca")
    world = World(1, {})
    world.faults = Faults([Injection("axis", "following_error", 0.0, action=5)])
    twin = Motor("axis", Options(), world)
    twin.record.place_mm = 0.5
    assert told_by(LIBCA, twin) == {
        "ctrl": (-50.0, 50.0, "mm"), "order": (True, 1), "there": 2.0, "moving": True,
        "stopped": True, "follows": True, "homed": (True, 0.0), "outside": (0.0, 1, 0.0), "violated": 0,
        "severity": [0, "NO_ALARM"], "alarm": [2, "MAJOR", "STATE"], "stall": True,
    }  # fmt: skip


OPHYD_ASYNC = """
from bluesky import RunEngine
from bluesky.plans import scan
from ophyd_async.core import init_devices
from ophyd_async.epics.motor import Motor

RE = RunEngine()
with init_devices(timeout=20):
    motor = Motor("ca://xrd:tth", name="motor")
places = []
RE(scan([motor], motor, 11, 13, 3), {"event": [lambda _, doc: places.append(round(doc["data"]["motor"], 4))]})
print(places)
"""


def test_ophyd_asyncs_motor_scans_the_diffractometer() -> None:
    """Over libca, which takes the answer to the put for the end of the motion; what it reads then is a monitor's value,
    on a busy machine that of the last tenth of a second."""
    pytest.importorskip("aioca")
    twin = Diffractometer("xrd", XrdOptions(), World(1, {}))
    assert told_by(OPHYD_ASYNC, twin) == pytest.approx([11.0, 12.0, 13.0], abs=0.2)
    assert twin.two_theta.place_mm == 13.0


OPHYD = """
from bluesky import RunEngine
from bluesky.plans import scan
from ophyd import EpicsMotor, EpicsScaler

motor, scaler = EpicsMotor("xrd:tth", name="motor"), EpicsScaler("xrd:scaler1", name="scaler")
for device in (motor, scaler):
    device.wait_for_connection(timeout=20)
scaler.preset_time.put(0.1, wait=True)
rows = []
RE = RunEngine()
RE(scan([scaler], motor, 21.3, 21.4, 3), {"event": [
    lambda _, doc: rows.append((round(doc["data"]["motor"], 3), doc["data"]["scaler_channels_chan2"]))]})
print((rows, motor.limits, motor.egu))
"""


def test_ophyds_motor_and_scaler_scan_a_peak() -> None:
    twin = Diffractometer("xrd", XrdOptions(), World(1, {}))
    twin.theta.place_mm = 10.68
    rows, limits, unit = told_by(OPHYD, twin, OPHYD_CONTROL_LAYER="caproto")
    assert [angle for angle, _ in rows] == [21.3, 21.35, 21.4]
    assert rows[1][1] > 1.3 * max(rows[0][1], rows[2][1]), "LaB6 100 is at 21.358 deg"
    assert (limits, unit) == ((-5.0, 160.0), "degrees")


PLAIN = """
from bluesky import RunEngine
from bluesky.plans import scan
from ophyd import EpicsMotor

motor = EpicsMotor("axis", name="motor")
motor.wait_for_connection(timeout=10)
places = []
RE = RunEngine()
RE(scan([motor], motor, -0.5, 0.5, 3), {"event": [lambda _, doc: places.append(round(doc["data"]["motor"], 3))]})
print((places, motor.limits, motor.egu))
"""


def test_a_bluesky_scan_with_plain_ophyd() -> None:
    """Nothing of ours drives it: the settings are EPICS's own, the process is another."""
    twin = Motor("axis", Options(), World(1, {}))
    twin.record.place_mm = 0.0
    assert told_by(PLAIN, twin, OPHYD_CONTROL_LAYER="caproto") == ([-0.5, 0.0, 0.5], (-50.0, 50.0), "mm")
