"""Opentrons' HTTP client as others wrote it (`opentrons-http-api-client`) on the served Flex, in real time."""

import asyncio
import threading
import urllib.request  # noqa: F401  (the client uses it without importing it)
from collections.abc import Iterator
from typing import Any

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
    from ot_api.decorators import command

    world, port = flex
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    ot_api.set_host("127.0.0.1")
    ot_api.set_port(port)
    assert ot_api.health.get()["robot_model"] == "OT-3 Standard"
    run = ot_api.runs.create()
    pipette = ot_api.lh.load_pipette("p1000_single_flex", "left", run_id=run)["pipetteId"]
    ot_api.labware.add(RACK, "opentrons", 1, 1, run_id=run, labware_id="rack", display_name="rack")  # slot 1 is D1
    ot_api.labware.add(PLATE, "opentrons", 2, 2, run_id=run, labware_id="plate", display_name="plate")
    at = {"pipette_id": pipette, "run_id": run}
    ot_api.lh.pick_up_tip("rack", "A1", **at)
    ot_api.lh.aspirate("plate", "A1", volume=100, flow_rate=900, **at)
    ot_api.lh.dispense("plate", "B1", volume=100, flow_rate=900, **at)
    assert world.labware["plate"].vessels["B1"].volume_ul == pytest.approx(100, rel=0.1)

    @command  # the client's own way to wait; it has no function for a Flex's bin and gripper
    def do(kind_: str, params: dict[str, Any], run_id: str) -> Any:
        return ot_api.runs.enqueue_command(kind_, params, intent="setup", run_id=run_id)

    area = {"pipetteId": pipette, "addressableAreaName": "movableTrashA3"}
    do("moveToAddressableAreaForDropTip", area, run_id=run)
    ot_api.lh.drop_tip_in_place(pipette, run_id=run)
    assert "A1" not in world.labware["rack"].tips
    gripped = {"labwareId": "plate", "newLocation": {"slotName": "C2"}, "strategy": "usingGripper"}
    do("moveLabware", gripped, run_id=run)
    assert world.at["flex.C2"] == "plate"
    with pytest.raises(Exception, match="AddressableAreaDoesNotExistError"):
        ot_api.lh.move_to_addressable_area_for_drop_tip(pipette, run_id=run)  # it goes to an OT-2's trash
