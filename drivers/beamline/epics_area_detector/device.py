"""An area detector by ophyd's signals: one image at a time; `image` keeps the newest for whoever has the device."""

import asyncio
from typing import Any

from drivers.beamline.epics_area_detector import wire
from drivers.beamline.epics_area_detector.options import Options
from drivers.beamline.epics_motor.signals import Signals
from drivers.beamline.epics_motor.wire import where
from drivers.core.beamline import AreaDetector
from drivers.core.errors import CommandFailed, CommandStopped, ReplyTimeout
from drivers.core.instrument import Command, Reading, Readings, Recall
from drivers.core.limits import Limits
from drivers.core.transport import Port

POLL_S = 0.05
PLUGIN_S = 1.0  # within which an image that was taken comes to its plug-in


class EpicsAreaDetector(AreaDetector[Options]):
    """One detector behind one prefix."""

    real_time_only = True

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._where = where(port.address)
        self._signals = Signals(name, self._where.address, options.reply_timeout_s)
        self._halted = False

    async def open(self) -> None:
        """Find its process variables; raises `ConnectionFailed`."""
        await self.close()
        names = wire.names(self._where.prefix, self.options.camera, self.options.image)
        await self._signals.open(names, self.options.connect_timeout_s)

    async def close(self) -> None:
        """Let go of it; an exposure goes on."""
        await self._signals.close()

    async def stop(self, success: bool = True) -> None:
        """End the exposure; a running `expose` ends with `CommandStopped`."""
        self._halted = True
        await self._signals.put("acquire", 0)

    async def make_safe(self) -> None:
        """Not exposing."""
        if not self._opened:
            await self.connect()
        await self.stop()

    async def recall(self, command: Command) -> Recall:
        """An image is not kept with the name of who wanted it; another one does no harm."""
        return Recall("unknown", "its images do not say for whom they were taken")

    async def expose(self, exposure_s: float | None = None) -> Readings:
        """One image; raises `CommandFailed` for one that is not to be believed, and where none came."""
        exposure_s = self.options.exposure_s if exposure_s is None else exposure_s
        self.check("exposure", exposure_s)
        self._halted, self.image = False, None
        for name, value in (("acquire", 0), ("images", 1), ("mode", wire.SINGLE), ("exposure", exposure_s)):
            await self._signals.put(name, value)
        before = await self._signals.get("counter")
        self._look()
        await self._signals.begin("acquire")
        await self._ended(exposure_s, before)
        if await self._signals.get("counter") == before:
            raise CommandFailed("it exposed, and no image came.", device=self.name, hint="Are its plug-ins on?")
        data, width, height = [await self._signals.get(name) for name in ("data", "width", "height")]
        try:
            image = wire.framed(data, int(width), int(height))
        except ValueError as error:
            raise CommandFailed(f"{error}.", device=self.name, hint="Is the image's plug-in fed by it?") from error
        if wrong := wire.doubt(image, self.options.full, self.options.full_share):
            hint = "See detector and beam; `full` and `full_share` of lab.toml say what is believed."
            raise CommandFailed(f"{wrong}.", device=self.name, hint=hint)
        self.image = image
        return (
            Reading("total", "counts", value=float(image.sum())),
            Reading("maximum", "counts", value=float(image.max())),
            Reading("exposure", "s", value=exposure_s),
        )

    async def _ended(self, exposure_s: float, before: Any) -> None:
        """Until it exposes no more, a new image or none."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            busy, counter = await self._signals.get("acquire"), await self._signals.get("counter")
            self._look()
            if not busy and (counter != before or loop.time() - began > exposure_s + PLUGIN_S):
                return
            if loop.time() - began > exposure_s + self.options.late_s:
                await self._signals.put("acquire", 0)
                late = f"its image did not come in {exposure_s + self.options.late_s:g} s."
                raise ReplyTimeout(late, device=self.name, hint="Does it wait for a trigger?")
            await asyncio.sleep(POLL_S)

    def _look(self) -> None:
        if self._halted:
            raise CommandStopped("it was stopped.", device=self.name)
