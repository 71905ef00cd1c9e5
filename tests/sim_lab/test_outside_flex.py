"""Opentrons' HTTP client as others wrote it (`opentrons-http-api-client`) on the served Flex, in real time."""

import asyncio
import threading
import urllib.request  # noqa: F401  (the client uses it without importing it)
from collections.abc import Iterator

import pytest

from drivers.core.labware import kind
from drivers.liquid_handlers.opentrons_flex.options import Options
from drivers.liquid_handlers.opentrons_ot2 import timing
from sim_lab.serve import serve_tcp
from sim_lab.twins import opentrons_flex
from sim_lab.world.model import World

RACK, PLATE = "opentrons_flex_96_tiprack_200ul", "corning_96_wellplate_360ul_flat"


@pytest.fixture
def flex(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[World, int]]:
    """A Flex on a port of its own, in a thread of its own: the client blocks. Its gantry is as quick as light."""
    for name, value in (("PLANE_MM_S", 1e6), ("LIFT_MM_S", 1e6), ("HOME_S", 0.01)):
        monkeypatch.setattr(timing, name, value)
    monkeypatch.setattr(opentrons_flex, "GRIPPER_S", 0.1)
    for verb in timing.SETTLE_S:
        monkeypatch.setitem(timing.SETTLE_S, verb, 0.01)
    world, ready, told = World(1, {}), threading.Event(), []

    async def main() -> None:
        twin = opentrons_flex.Twin("flex", Options(left="p1000_single_flex", right="p50_multi_flex"), world)
        world.place("rack", kind(RACK), "flex.D1")
        world.place("plate", kind(PLATE), "flex.D2")
        world.fill("plate", "A1", 200.0, {"7732-18-5": 55.4})
        served, over = await serve_tcp(twin, "127.0.0.1", 0), asyncio.Event()
        told.extend([int(served.address.rpartition(":")[2]), asyncio.get_running_loop(), over])
        ready.set()
        await asyncio.wait_for(over.wait(), 60)
        await served.stop()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    assert ready.wait(10)
    port, loop, over = told
    yield world, port
    loop.call_soon_threadsafe(over.set)
    thread.join(10)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_http_client_transfers_and_moves(flex: tuple[World, int], monkeypatch: pytest.MonkeyPatch) -> None:
    ot_api = pytest.importorskip("ot_api")
    world, port = flex
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    ot_api.set_host("127.0.0.1")
    ot_api.set_port(port)
    assert ot_api.health.get()["robot_model"] == "OT-3 Standard"
    ot_api.set_run(ot_api.runs.create())
    pipette = ot_api.lh.load_pipette("p1000_single_flex", "left")["pipetteId"]
    ot_api.labware.add(RACK, "opentrons", 1, "D1", labware_id="rack", display_name="rack")
    ot_api.labware.add(PLATE, "opentrons", 2, "D2", labware_id="plate", display_name="plate")
    ot_api.lh.pick_up_tip("rack", "A1", pipette)
    ot_api.lh.aspirate("plate", "A1", pipette_id=pipette, volume=100, flow_rate=900)
    ot_api.lh.dispense("plate", "B1", pipette_id=pipette, volume=100, flow_rate=900)
    assert world.labware["plate"].vessels["B1"].volume_ul == pytest.approx(100, rel=0.1)
    area = {"pipetteId": pipette, "addressableAreaName": "movableTrashA3"}
    ot_api.runs.enqueue_command("moveToAddressableAreaForDropTip", area, intent="setup", run_id=None)
    ot_api.lh.drop_tip_in_place(pipette)
    assert "A1" not in world.labware["rack"].tips
    gripped = {"labwareId": "plate", "newLocation": {"slotName": "C2"}, "strategy": "usingGripper"}
    ot_api.runs.enqueue_command("moveLabware", gripped, intent="setup", run_id=None)
    assert world.at["flex.C2"] == "plate"
