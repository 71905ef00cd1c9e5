"""A diffractometer by ophyd: its motors are those of `epics.motor`, its scaler is asked signal by signal."""

import asyncio

from drivers.beamline.epics_diffractometer.options import Options
from drivers.beamline.epics_diffractometer.wire import Count, angles, doubt
from drivers.beamline.epics_motor import options as motor
from drivers.beamline.epics_motor.device import EpicsAxis
from drivers.beamline.epics_motor.signals import Signals
from drivers.beamline.epics_motor.wire import where
from drivers.core.beamline import Diffractometer
from drivers.core.errors import CommandFailed, CommandRefused, CommandStopped
from drivers.core.instrument import Command, Reading, Readings, Recall
from drivers.core.limits import Limits, between
from drivers.core.transport import Port, port_at

LATE_S = 10.0  # over its time, after which a count is given up
MAX_POINTS = 2000
_ALL_ROUND = Limits({"position": between("-360 deg", "360 deg", "angle")})


class _Circle(EpicsAxis):
    """One circle of the goniometer: a motor record in degrees."""

    unit, dimension = "deg", "angle"


class EpicsDiffractometer(Diffractometer[Options]):
    """Two circles and a scaler behind one prefix."""

    real_time_only = True
    verbs = Diffractometer.verbs | {"pattern"}

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        place = where(port.address)
        base = f"ca://{place.address}/{place.prefix}" if place.server else f"ca:{place.prefix}"
        self._where = place
        keys = motor.Options(
            connect_timeout_s=options.connect_timeout_s, move_timeout_s=options.move_timeout_s,
            tolerance_mm=options.tolerance_deg, reply_timeout_s=options.reply_timeout_s,
        )  # fmt: skip
        self._arm, self._sample = (
            _Circle(f"{name}_{kind}", port_at(base + suffix), keys, _ALL_ROUND)
            for kind, suffix in (("two_theta", options.two_theta), ("theta", options.theta))
        )
        self._signals = Signals(name, place.address, options.reply_timeout_s)
        self._halted = False

    async def open(self) -> None:
        """Find both motors, the scaler and the wavelength; raises `ConnectionFailed`."""
        await self.close()
        prefix, scaler = self._where.prefix, self._where.prefix + self.options.scaler
        names = {
            "count": f"{scaler}.CNT", "preset": f"{scaler}.TP", "clock": f"{scaler}.S1", "hz": f"{scaler}.FREQ",
            "counts": f"{scaler}.S{self.options.channel}", "wavelength": prefix + self.options.wavelength,
        }  # fmt: skip
        try:
            circles = (circle.connect(force_reconnect=True) for circle in (self._arm, self._sample))
            for error in await asyncio.gather(*circles, return_exceptions=True):  # none goes on by itself
                if error is not None:
                    raise error
            await self._signals.open(names, self.options.connect_timeout_s)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of all records; what moves or counts goes on."""
        await self._signals.close()
        await asyncio.gather(self._arm.disconnect(), self._sample.disconnect())

    async def stop(self, success: bool = True) -> None:
        """Stop both circles and the count; what runs ends with `CommandStopped`."""
        self._halted = True
        await asyncio.gather(self._arm.stop(), self._sample.stop(), self._signals.put("count", 0))

    async def make_safe(self) -> None:
        """Not counting, and both circles at rest."""
        if not self._opened:
            await self.connect()
        await self.stop()
        await asyncio.gather(self._arm.make_safe(), self._sample.make_safe())

    async def recall(self, command: Command) -> Recall:
        """By the records: of a `drive`, where both circles are at rest; a count is not kept."""
        if command.verb != "drive" or "two_theta_deg" not in command.args:
            return Recall("unknown", "its scaler does not say for whom it counted")
        to_deg = command.args["two_theta_deg"]
        halves = [
            await circle.recall(Command(command.action, "move", {"position_mm": place}))
            for circle, place in ((self._arm, to_deg), (self._sample, to_deg / 2))
        ]
        done = all(half.state == "done" for half in halves)
        return Recall("done" if done else "unknown", "; ".join(half.evidence for half in halves))

    async def drive(self, two_theta_deg: float) -> None:
        """Detector to 2 theta, sample to theta, together; raises as a motor's move does."""
        self.check("two_theta", two_theta_deg)
        self._halted = False
        await self._drive(two_theta_deg)

    async def _drive(self, two_theta_deg: float) -> None:
        ways = (self._sample, round(two_theta_deg / 2, 6)), (self._arm, round(two_theta_deg, 6))
        for circle, place in ways:  # before either moves
            await circle.allows(place)
        self._stopped()
        moves = [asyncio.ensure_future(circle.move(place)) for circle, place in ways]
        try:
            await asyncio.gather(*moves)
        except BaseException:  # one circle must not go on without the other
            await asyncio.gather(self._arm.stop(), self._sample.stop(), return_exceptions=True)
            await asyncio.gather(*moves, return_exceptions=True)
            raise

    async def measure(self, exposure_s: float | None = None) -> Readings:
        """Count here; raises `CommandFailed` for a count that is not to be believed."""
        exposure_s = self.options.exposure_s if exposure_s is None else exposure_s
        self.check("exposure", exposure_s)
        self._halted = False
        count = await self._counted(exposure_s)
        (there,) = await self._arm.position()
        return (
            Reading("two_theta", "deg", value=there.value), Reading("intensity", "counts/s", value=count.rate_hz),
            Reading("wavelength", "nm", value=float(await self._signals.get("wavelength")) / 10),
        )  # fmt: skip

    async def pattern(self, first_deg: float, last_deg: float, step_deg: float, exposure_s: float = 1.0) -> Readings:
        """Drive and count at each angle; gives one intensity (counts/s) an angle, and the `wavelength` in nm."""
        places = angles(first_deg, last_deg, step_deg)
        if last_deg < first_deg or len(places) > MAX_POINTS:
            hint = f"Give the lower angle first, and at most {MAX_POINTS} points."
            raise CommandRefused(
                f"{len(places)} points from {first_deg:g} to {last_deg:g}", device=self.name, hint=hint
            )
        for name, value in (("two_theta", first_deg), ("two_theta", last_deg), ("exposure", exposure_s)):
            self.check(name, value)
        self._halted = False
        found = []
        for place in places:
            await self._drive(place)
            count = await self._counted(exposure_s)
            found.append(Reading(f"intensity_{place:g}deg", "counts/s", value=count.rate_hz))
        return (*found, Reading("wavelength", "nm", value=float(await self._signals.get("wavelength")) / 10))

    async def _counted(self, exposure_s: float) -> Count:
        """One count of the scaler, as it ended."""
        self._stopped()
        await self._signals.put("preset", exposure_s)
        await self._signals.run("count", exposure_s, LATE_S)
        self._stopped()
        count = Count(*[float(await self._signals.get(name)) for name in ("counts", "clock", "hz")])
        wrong = doubt(count, exposure_s, self.options.background_hz, self.options.ceiling_hz)
        if wrong:
            hint = "See detector and beam; `background_hz` and `ceiling_hz` of lab.toml say what is believed."
            raise CommandFailed(f"{wrong}.", device=self.name, hint=hint)
        return count

    def _stopped(self) -> None:
        if self._halted:
            raise CommandStopped("it was stopped.", device=self.name)
