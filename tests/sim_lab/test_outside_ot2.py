"""PyLabRobot's own OT-2 backend, unmodified, drives the served twin: `lab twin serve` in a process of its own."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from drivers.people.operator import wire
from labfile import Lab

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def endpoints(small_lab: Lab) -> Iterator[dict[str, str]]:
    """The liquid handler and the operator, served until the test is over."""
    command = [
        sys.executable,
        "-m",
        "cli.main",
        "--json",
        "--lab",
        str(small_lab.path),
        "twin",
        "serve",
        "--speed",
        "30",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield {row["device"]: row["address"] for row in told["endpoints"]}
        process.terminate()
        assert process.wait(10) == 0


class Hands:
    """The operator over its wire: puts labware down and fills it."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 0))
        self._file = self._socket.makefile("rb")
        self._number = 0

    def do(self, verb: str, **args: object) -> None:
        self._number += 1
        self._socket.sendall(wire.task(f"hands/{self._number}", verb, args))
        answer = json.loads(self._file.readline())
        assert answer["done"], answer

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_pylabrobot_transfers_liquid(endpoints: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ot_api")
    from pylabrobot.liquid_handling import LiquidHandler
    from pylabrobot.liquid_handling.backends import OpentronsOT2Backend
    from pylabrobot.resources import Cor_96_wellplate_360ul_Fb, TipRack, TipSpot, create_ordered_items_2d
    from pylabrobot.resources.opentrons import OTDeck
    from pylabrobot.resources.tip import Tip

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    hands = Hands(endpoints["operator"])
    hands.do(
        "place", labware="plate", kind="corning_96_wellplate_360ul_flat", site="ot2.2", definition=None, sealed=False
    )
    hands.do("place", labware="rack", kind="opentrons_96_tiprack_300ul", site="ot2.1", definition=None, sealed=False)

    def tip(name: str) -> Tip:
        return Tip(has_filter=False, total_tip_length=59.3, maximal_volume=300, fitting_depth=7.47, name=name)

    spots = create_ordered_items_2d(
        TipSpot, num_items_x=12, num_items_y=8, dx=11.77, dy=8.62, dz=5.39, item_dx=9, item_dy=9,
        size_x=5.23, size_y=5.23, make_tip=tip,
    )  # fmt: skip
    address = urlsplit(endpoints["ot2"])
    handler = LiquidHandler(OpentronsOT2Backend(host=address.hostname or "", port=address.port or 0), OTDeck())
    rack = TipRack("rack", size_x=127.76, size_y=85.48, size_z=64.49, ordered_items=spots)
    plate = Cor_96_wellplate_360ul_Fb("plate")

    async def transfer() -> None:
        await handler.setup()
        handler.deck.assign_child_at_slot(rack, 1)
        handler.deck.assign_child_at_slot(plate, 2)
        await handler.pick_up_tips(rack["A1"])
        await handler.aspirate(plate["A1"], vols=[50])
        await handler.dispense(plate["C2"], vols=[50])
        await handler.return_tips()
        await handler.stop()

    asyncio.run(transfer())
    hands.close()
