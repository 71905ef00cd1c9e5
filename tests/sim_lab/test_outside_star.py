"""PyLabRobot's own STAR backend, unmodified, drives the served twin over TCP; only its USB object is exchanged.

Its answers are read in a thread of its own, so this is real time, with all that takes time 500 times as fast.
"""

import asyncio
import gc
import socket
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pylabrobot.liquid_handling import LiquidHandler
from pylabrobot.liquid_handling.backends.hamilton.STAR_backend import STARBackend, STARFirmwareError
from pylabrobot.liquid_handling.errors import ChannelizedError
from pylabrobot.resources import cor_96_wellplate_360uL_Fb, set_tip_tracking, set_volume_tracking
from pylabrobot.resources.errors import HasTipError, NoTipError, TooLittleLiquidError, TooLittleVolumeError
from pylabrobot.resources.hamilton import (
    PLT_CAR_L5AC_A00,
    TIP_CAR_480_A00,
    STARLetDeck,
    hamilton_96_tiprack_300uL_filter,
)

from drivers.core.labware import kind
from drivers.liquid_handlers.hamilton_star.labware import rack
from drivers.liquid_handlers.hamilton_star.options import Options
from sim_lab.serve import serve_tcp
from sim_lab.twins import star_body
from sim_lab.twins.hamilton_star import Twin
from sim_lab.world.model import World

#: The loop in the thread of PyLabRobot's backend is never closed, and is garbage whenever that is collected.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
WATER = {"7732-18-5": 55.4}
GAMMA = STARBackend.LLDMode.GAMMA


class Lines:
    """In place of PyLabRobot's USB object: one message a line, on a socket."""

    def __init__(self, host: str, port: int) -> None:
        self._where = (host, port)

    async def setup(self) -> None:
        self._socket = socket.create_connection(self._where)
        self._socket.settimeout(0.2)
        self._rest = b""

    async def write(self, data: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        self._socket.sendall(data + b"\n")

    async def read(self, timeout: float | None = None, size: int | None = None) -> bytes:  # noqa: ASYNC109
        while b"\n" not in self._rest:
            data = self._socket.recv(65536)  # in the thread of the backend
            if not data:
                raise TimeoutError
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    async def stop(self) -> None:
        self._socket.close()


Story = Callable[[LiquidHandler, Twin, Any], Awaitable[None]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Story], None]:
    """A story with a STARlet that was just switched on: a full rack of 300 uL tips, and two plates, one with water."""

    async def lapse(seconds: float) -> None:
        await asyncio.sleep(seconds / 500)

    monkeypatch.setattr(star_body, "lapse", lapse)

    async def main(story: Story) -> None:
        world = World(1, {})
        world.now = asyncio.get_running_loop().time
        twin = Twin("star", Options(), world)
        world.place("rack", rack("hamilton_96_tiprack_300ul_filter"), "star.tips1")
        for name, site in (("one", "plates1"), ("two", "plates2")):
            world.place(name, kind("plate_96_flat"), f"star.{site}")
        for well in kind("plate_96_flat").wells:
            world.fill("one", well, 200.0, WATER)
        served = await serve_tcp(twin, "127.0.0.1", 0)

        deck = STARLetDeck()
        tips, plates = TIP_CAR_480_A00("tips"), PLT_CAR_L5AC_A00("plates")
        tips[0] = hamilton_96_tiprack_300uL_filter("rack")
        plates[0], plates[1] = cor_96_wellplate_360uL_Fb("one"), cor_96_wellplate_360uL_Fb("two")
        deck.assign_child_resource(tips, rails=3)
        deck.assign_child_resource(plates, rails=15)
        backend = STARBackend()
        backend.io = Lines("127.0.0.1", int(served.address.rpartition(":")[2]))
        handler = LiquidHandler(backend, deck)
        await handler.setup()
        try:
            await story(handler, twin, plates)
        finally:
            await handler.stop()
            await served.stop()

    set_tip_tracking(False)
    set_volume_tracking(False)

    def run(story: Story) -> None:
        asyncio.run(asyncio.wait_for(main(story), 30))
        with warnings.catch_warnings():  # the loop in the backend's thread is never closed
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()

    return run


def volumes(twin: Twin, plate: str, wells: str) -> list[float]:
    return [twin.world.labware[plate].vessels[well].volume_ul for well in wells.split()]


COLUMN_1 = "A1 B1 C1 D1 E1 F1 G1 H1"


def test_eight_channels(play: Callable[[Story], None]) -> None:
    async def story(handler: LiquidHandler, twin: Twin, _: Any) -> None:
        deck = handler.deck
        rack_, one, two = (deck.get_resource(name) for name in ("rack", "one", "two"))
        assert handler.backend.extended_conf.left_x_drive.core_96_head_installed
        assert twin.channels.ready
        assert twin.head96.ready
        assert twin.iswap.ready
        await handler.pick_up_tips(rack_["A1:H1"])
        assert await handler.backend.request_tip_presence() == [True] * 8
        assert len(twin.world.labware["rack"].tips) == 88
        await handler.aspirate(one["A1:H1"], vols=[100.0] * 8)
        assert volumes(twin, "one", COLUMN_1) == pytest.approx([100.0] * 8, rel=0.03)
        await handler.dispense(two["A3:H3"], vols=[100.0] * 8)
        assert volumes(twin, "two", "A3 D3 H3") == pytest.approx([100.0] * 3, rel=0.03)
        await handler.return_tips()
        assert len(twin.world.labware["rack"].tips) == 96
        await handler.pick_up_tips(rack_["A2:D2"], use_channels=[1, 2, 4, 5])  # 2 and 4 cannot come so near: two passes
        await handler.discard_tips()
        assert len(twin.world.labware["rack"].tips) == 92
        assert twin.floor.fallen == []
        assert all(abs(off) < 1e-9 for off in twin.world.imbalance(twin.tips).values())

    play(story)


def test_96_head(play: Callable[[Story], None]) -> None:
    async def story(handler: LiquidHandler, twin: Twin, _: Any) -> None:
        rack_, one, two = (handler.deck.get_resource(name) for name in ("rack", "one", "two"))
        await handler.pick_up_tips96(rack_)
        assert await handler.backend.head96_request_tip_presence() == 1
        assert twin.world.labware["rack"].tips == set()
        await handler.aspirate96(one, volume=50.0)
        await handler.dispense96(two, volume=50.0)
        given = [vessel.volume_ul for vessel in twin.world.labware["two"].vessels.values()]
        assert given == pytest.approx([50.0] * 96, rel=0.06)
        await handler.drop_tips96(handler.deck.get_trash_area96())
        assert not twin.head96.has_tips
        assert twin.floor.fallen == []

    play(story)


def test_iswap_carries_a_plate(play: Callable[[Story], None]) -> None:
    async def story(handler: LiquidHandler, twin: Twin, plates: Any) -> None:
        one = handler.deck.get_resource("one")
        await handler.move_plate(one, plates[3])
        assert twin.world.at["star.plates4"] == "one"
        assert "star.plates1" not in twin.world.at
        assert not await handler.backend.request_plate_in_iswap()
        twin.world.take_away("star.plates4")
        with pytest.raises(STARFirmwareError, match="NoElementError.*Plate not found"):
            await handler.move_plate(one, plates[4])

    play(story)


def channel_errors(caught: pytest.ExceptionInfo[ChannelizedError]) -> dict[int, type]:
    return {channel: type(error) for channel, error in caught.value.errors.items()}


@pytest.mark.filterwarnings("ignore")
def test_its_errors_are_typed(play: Callable[[Story], None]) -> None:
    async def story(handler: LiquidHandler, twin: Twin, _: Any) -> None:
        backend: STARBackend = handler.backend
        rack_, one, two = (handler.deck.get_resource(name) for name in ("rack", "one", "two"))
        twin.world.labware["rack"].tips.discard("B1")
        with pytest.raises(ChannelizedError) as caught:  # no tip at one of two places
            await handler.pick_up_tips(rack_["A1:B1"])
        assert channel_errors(caught) == {1: NoTipError}
        assert await backend.request_tip_presence() == [True] + [False] * 7
        handler.clear_head_state()
        with pytest.raises(ChannelizedError) as caught:  # one fitted already
            await handler.pick_up_tips(rack_["C1:C1"], use_channels=[0])
        assert channel_errors(caught) == {0: HasTipError}
        handler.update_head_state({0: rack_.get_item("A1").get_tip()})
        with pytest.raises(ChannelizedError) as caught:  # a dry well
            await handler.aspirate(two["A1"], vols=[50.0], lld_mode=[GAMMA])
        assert channel_errors(caught) == {0: TooLittleLiquidError}
        with pytest.raises(ChannelizedError) as caught:  # a well with too little
            await handler.aspirate(
                one["A1"], vols=[250.0], lld_mode=[GAMMA], surface_following_distance=[8.0], liquid_height=[10.0]
            )
        assert channel_errors(caught) == {0: TooLittleLiquidError}
        await handler.aspirate(one["A1"], vols=[20.0])
        with pytest.raises(ChannelizedError) as caught:  # more than is in the tip
            await handler.dispense(two["A1"], vols=[200.0])
        assert channel_errors(caught) == {0: TooLittleVolumeError}
        with pytest.raises(STARFirmwareError, match="Unknown command"):
            await backend.send_command("C0", "ZZ")
        with pytest.raises(STARFirmwareError, match="Parameter out of range"):
            await backend.send_command("C0", "TT", tt="01", tl="9999", tv="03600", tg=2, tu=0)
        assert (await backend.send_command("C0", "VP")).endswith("vptl 9999 00001 01999")
        with pytest.raises(STARFirmwareError, match="not all parameters were sent"):
            await backend.send_command("C0", "AS", tm="1", xp="04333")

    play(story)
