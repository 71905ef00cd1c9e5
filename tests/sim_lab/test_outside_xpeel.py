"""PyLabRobot's XPeel backend, as it is, drives the served twin over a pseudo-terminal, in real time."""

import asyncio

import pytest
from pylabrobot.peeling.xpeel_backend import XPeelBackend

from drivers.core.labware import kind
from sim_lab.serve import serve_pty
from sim_lab.twins import azenta_xpeel
from sim_lab.twins.azenta_xpeel import Twin
from sim_lab.world.model import World


@pytest.mark.slow
def test_motions_and_a_defect(monkeypatch):
    monkeypatch.setattr(azenta_xpeel, "SECONDS", {"peel": 0.2, "motion": 0.1, "reset": 0.1})

    async def main():
        world = World(1, {})
        world.now = asyncio.get_running_loop().time
        world.place("plate", kind("plate_96_pcr"), "peeler.tray")
        world.labware["plate"].sealed = True
        twin = Twin("peeler", None, world)
        served = await serve_pty(twin)
        peeler = XPeelBackend(port=served.address.removeprefix("serial://"))
        await peeler.setup()
        assert await peeler.reset() == ["*ack", "*ready:00,00,00 [No error]"]
        assert await peeler.seal_check() == "seal_detected"
        await peeler.move_conveyor_in()
        assert "peeler.tray" in world.closed
        await peeler.move_conveyor_out()
        assert "peeler.tray" not in world.closed
        # 0.2.2 sends the adhere time in seconds; the manual, and later versions, have a digit.
        assert await peeler.peel() == ["*ready:05,00,00 [Illegal command]"]
        assert world.labware["plate"].sealed
        assert (await peeler._send_command("*xpeel:41", expect_ack=True, wait_for_ready=True))[-1].startswith(
            "*ready:00"
        )
        assert await peeler.seal_check() == "no_seal"
        with pytest.raises(ValueError, match="invalid literal"):  # another defect of 0.2.2
            await peeler.get_status()
        await peeler.stop()
        await served.stop()

    asyncio.run(main())
