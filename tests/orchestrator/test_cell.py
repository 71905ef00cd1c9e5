"""Devices of a cell come up together, and go back together."""

import asyncio
from typing import Any

import pytest

from drivers.core.instrument import Instrument
from drivers.core.world import WorldSettings
from labfile import Lab
from orchestrator.cell import Cell


def test_a_connecting_that_is_cancelled_gives_every_device_back(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = Cell(lab, "twin", WorldSettings(seed=1))
    cell.load(["reader", "shaker"])
    made: list[Instrument[Any]] = []
    make = cell._make

    def never(entry: Any) -> Instrument[Any]:
        device = make(entry)
        made.append(device)
        if entry.name == "shaker":
            monkeypatch.setattr(device, "open", asyncio.Event().wait)
        return device

    monkeypatch.setattr(cell, "_make", never)

    async def main() -> None:
        dialling = asyncio.create_task(cell.connect(["reader", "shaker"]))
        await asyncio.sleep(30)
        assert [device.name for device in made if device._opened] == ["reader"]
        dialling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialling
        assert not cell.devices
        assert not any(device._opened for device in made)
        await cell.close()

    cell.world.run(main)
