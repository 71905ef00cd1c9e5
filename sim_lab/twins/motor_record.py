"""An EPICS motor record on caproto, with a stage behind it: limits, speed ramps, STOP in mid-move.

Fields and their meaning: the EPICS motor module's motorRecord documentation. User and dial coordinates differ by OFF
alone (DIR is Pos). A put to VAL is answered when the motion has ended, as a real record answers `ca_put_callback`;
DMOV falls before that, and before anything moves.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from caproto import AlarmSeverity, AlarmStatus, SkipWrite
from caproto._data import CannotExceedLimits
from caproto.server import PVGroup, pvproperty

from drivers.beamline.epics_motor.timing import RAMP_S, SPEED_MM_S
from drivers.core.ramp import Ramp

TICK_S = 0.05
ROUNDING_S = 1e-6  # less than this is no time: a clock that is asked to pass it may not move at all
LOW_MM, HIGH_MM = -50.0, 50.0  # the soft limits at first, of a stage of 100 mm of travel
LOW_SWITCH_MM, HIGH_SWITCH_MM = LOW_MM - 1, HIGH_MM + 1  # here the stage stops, whatever it was told
STEP_MM = 0.001
DECIMALS = 4
TWEAK_MM = 1.0
# MSTA, motorRecord documentation: bit 0 direction, 1 done, 2 high limit, 6 slip or stall, 9 problem, 10 moving, 13 low
# limit, 14 homed.
POSITIVE, DONE, AT_HIGH, MOVING, AT_LOW, HOMED = 1, 1 << 1, 1 << 2, 1 << 10, 1 << 13, 1 << 14
STALLED, PROBLEM = 1 << 6, 1 << 9
LOST_STEPS = 0.02  # of the way, where steps are lost


@dataclass(frozen=True, slots=True)
class Stage:
    """What a record drives: its unit, soft limits at first, how far behind them the switches are, speed and ramp."""

    unit: str = "mm"
    low: float = LOW_MM
    high: float = HIGH_MM
    overtravel: float = 1.0
    speed: float = SPEED_MM_S
    ramp_s: float = RAMP_S


class MotorRecord(PVGroup):
    """One record; `place_mm` is where the stage really is, in dial coordinates."""

    motor = pvproperty(value=0.0, name="", record="motor", precision=DECIMALS, units="mm")

    def __init__(
        self, prefix: str, place_mm: float, stage: Stage | None = None,
        fails: Callable[[str], float | None] = lambda _: None,
    ) -> None:  # fmt: skip
        super().__init__(prefix=prefix)
        self.place_mm = place_mm
        self.stage = stage or Stage()
        self._low_switch, self._high_switch = (
            self.stage.low - self.stage.overtravel,
            self.stage.high + self.stage.overtravel,
        )
        self._fails = fails
        self._stalled = False  # the controller gave up: the motor did not follow
        self._switched = 0  # a switch that is closed where none should be: +1 the high one, -1 the low one
        self._homed = False
        self.halt = asyncio.Event()
        self._motion = asyncio.Lock()
        self._newest = object()

    @property
    def _fields(self) -> Any:
        return self.motor.field_inst

    async def begin(self) -> None:
        """Give the fields their first values; call it before the record is served."""
        fields = self._fields
        for field, value in (
            (fields.engineering_units, self.stage.unit), (fields.display_precision, DECIMALS),
            (fields.velocity, self.stage.speed),
            (fields.max_velocity, 2 * self.stage.speed), (fields.seconds_to_velocity, self.stage.ramp_s),
            (fields.motor_step_size, STEP_MM), (fields.tweak_step_size, TWEAK_MM), (fields.retry_deadband, STEP_MM),
            (fields.limit_violation, 0),
        ):  # fmt: skip
            await field.write(value, verify_value=False)
        for name in ("user_readback_value", "dial_readback_value", "user_high_limit", "user_low_limit"):
            await getattr(fields, name).write_metadata(precision=DECIMALS, units=self.stage.unit)
        await self.motor.write_metadata(units=self.stage.unit)
        await self._set_limits(self.stage.low, self.stage.high)
        self._let_through()
        await self._show(moving=False)
        await self._aim(self._user(self.place_mm))

    def _let_through(self) -> None:
        """A put outside the limits is no error of the wire: the record takes it, goes nowhere and says so in LVIO."""
        within = self.motor.verify_value

        async def verify(data: Any) -> Any:
            try:
                return await within(data)
            except CannotExceedLimits:
                await self._fields.limit_violation.write(1, verify_value=False)
                raise SkipWrite from None

        self.motor.verify_value = verify

    # What clients write

    @motor.putter  # type: ignore[no-redef]
    async def motor(self, instance: Any, value: float) -> None:
        """VAL: go there; with SET in Set, call the present place so. Limits were checked before."""
        fields = self._fields
        if _choice(fields.set_use_switch) == "Set":
            low, high = fields.user_low_limit.value, fields.user_high_limit.value
            shift = value - self._user(self.place_mm)
            await fields.user_offset.write(value - self.place_mm, verify_value=False)
            await self._set_limits(low + shift, high + shift)  # the stage's own limits stay
            await self._show(moving=False)
        else:
            await self.go(value)
            raise SkipWrite

    @motor.fields.stop.putter  # type: ignore[no-redef]
    async def motor(fields: Any, instance: Any, value: int) -> int:
        """STOP: slow down and rest; the field falls back to 0."""
        if value:
            fields.parent.group.halt.set()
        return 0

    @motor.fields.stop_pause_move_go.putter  # type: ignore[no-redef]
    async def motor(fields: Any, instance: Any, value: Any) -> str:
        """SPMG: Stop and Pause end a motion; while they stand none begins. Move is as Go."""
        choice = _choice(instance, value)
        if choice in ("Stop", "Pause"):
            fields.parent.group.halt.set()
        return choice

    @motor.fields.user_high_limit.putter  # type: ignore[no-redef]
    async def motor(fields: Any, instance: Any, value: float) -> None:
        """HLM."""
        await fields.parent.group.limit_val(fields.user_low_limit.value, value)

    @motor.fields.user_low_limit.putter  # type: ignore[no-redef]
    async def motor(fields: Any, instance: Any, value: float) -> None:
        """LLM."""
        await fields.parent.group.limit_val(value, fields.user_high_limit.value)

    @motor.fields.tweak_motor_forward.putter  # type: ignore[no-redef]
    async def motor(fields: Any, instance: Any, value: int) -> int:
        """TWF: a step of TWV upwards."""
        if value:
            await fields.parent.group.go(fields.parent.value + fields.tweak_step_size.value)
        return 0

    @motor.fields.tweak_motor_reverse.putter  # type: ignore[no-redef]
    async def motor(fields: Any, instance: Any, value: int) -> int:
        """TWR: a step of TWV downwards."""
        if value:
            await fields.parent.group.go(fields.parent.value - fields.tweak_step_size.value)
        return 0

    @motor.fields.home_forward.putter  # type: ignore[no-redef]
    async def motor(fields: Any, instance: Any, value: int) -> int:
        """HOMF."""
        if value:
            await fields.parent.group.home()
        return 0

    @motor.fields.home_reverse.putter  # type: ignore[no-redef]
    async def motor(fields: Any, instance: Any, value: int) -> int:
        """HOMR."""
        if value:
            await fields.parent.group.home()
        return 0

    # What the stage does

    async def home(self) -> None:
        """Go to the home switch, at dial 0."""
        await self.go(self._user(0.0))
        self._homed = self.place_mm == 0.0
        await self._show(moving=False)

    async def go(self, position: float) -> None:
        """Move to a user position and come to rest; a newer call takes over from the one that moves."""
        fields = self._fields
        inside = fields.user_low_limit.value <= position <= fields.user_high_limit.value
        await fields.limit_violation.write(0 if inside else 1, verify_value=False)
        if not inside or _choice(fields.stop_pause_move_go) in ("Stop", "Pause"):
            return
        mine = self._newest = object()
        await self._aim(position)
        await fields.done_moving_to_value.write(0, verify_value=False)
        self.halt.set()  # what moves already slows down first
        async with self._motion:
            if self._newest is not mine:
                return
            self.halt.clear()
            self._stalled, self._switched = False, 0
            reached = await self._go_wrong(position - fields.user_offset.value)
            if self._newest is mine:
                if not reached:
                    await self._aim(self._user(self.place_mm))
                await self._show(moving=False)

    async def _go_wrong(self, target: float) -> bool:
        """Travel, with what the plan of faults has for it; False when it did not arrive."""
        if (late_s := self._fails("move_late")) is not None:
            await asyncio.sleep(late_s)
        start = self.place_mm
        if self._fails("axis_stalled") is not None:
            await self._travel((start + target) / 2)
            await self.halt.wait()  # it neither arrives nor gives up
            return False
        if self._fails("following_error") is not None:
            await self._travel((start + target) / 2)
            self._stalled = True
            return False
        if self._fails("limit_switch") is not None:
            await self._travel((start + target) / 2)
            self._switched = 1 if target > start else -1
            return False
        if self._fails("step_loss") is not None:
            reached = await self._travel(target - LOST_STEPS * (target - start))
            return reached
        return await self._travel(target)

    async def _travel(self, target_mm: float) -> bool:
        """Follow a speed ramp to a dial position; False when a halt or a switch ended it."""
        fields, loop = self._fields, asyncio.get_running_loop()
        end_mm = min(max(target_mm, self._low_switch), self._high_switch)
        start, way = self.place_mm, end_mm - self.place_mm
        speed, ramp_s = max(fields.velocity.value, STEP_MM), max(fields.seconds_to_velocity.value, 1e-3)
        await fields.direction_of_travel.write(int(way > 0), verify_value=False)
        if way:
            ramp = Ramp(abs(way), speed, speed / ramp_s)
            began, passed = loop.time(), 0.0
            while (left := ramp.duration_s - passed) > ROUNDING_S and not self.halt.is_set():
                self.place_mm = start + way * ramp.share(passed)
                await self._show(moving=True)
                await asyncio.sleep(min(TICK_S, left))
                passed = loop.time() - began
            if left > ROUNDING_S:
                await asyncio.sleep(ramp_s)
                share = ramp.share(passed)
                braking = min(speed * ramp_s / 2, abs(way) * (1 - share))
                self.place_mm = _stepped(start + way * share + (braking if way > 0 else -braking))
                return False
        self.place_mm = _stepped(end_mm)
        return end_mm == target_mm

    # What clients see

    def _user(self, dial_mm: float) -> float:
        return dial_mm + float(self._fields.user_offset.value)

    async def _aim(self, position: float) -> None:
        """Post where it shall be: VAL, and DVAL of the dial."""
        await self.motor.write(position, verify_value=False)
        await self._fields.dial_desired_value.write(position - self._fields.user_offset.value, verify_value=False)

    async def _show(self, moving: bool) -> None:
        """Post the readback, and then, as the last, whether it moves."""
        fields = self._fields
        up = bool(fields.direction_of_travel.value)
        at_low = self.place_mm <= self._low_switch or self._switched < 0
        at_high = self.place_mm >= self._high_switch or self._switched > 0
        status = (
            up * POSITIVE + (not moving) * DONE + at_high * AT_HIGH + moving * MOVING + at_low * AT_LOW
            + self._homed * HOMED + self._stalled * (STALLED + PROBLEM)
        )  # fmt: skip
        await self._alarm(at_low or at_high)
        for field, value in (
            (fields.raw_readback_value, round(self.place_mm / STEP_MM)), (fields.dial_readback_value, self.place_mm),
            (fields.user_readback_value, self._user(self.place_mm)), (fields.user_high_limit_switch, int(at_high)),
            (fields.user_low_limit_switch, int(at_low)), (fields.motor_status, status),
            (fields.motor_is_moving, int(moving)), (fields.done_moving_to_value, int(not moving)),
        ):  # fmt: skip
            if field.value != value:
                await field.write(value, verify_value=False)

    async def _alarm(self, at_limit: bool) -> None:
        """SEVR and STAT, which go with VAL and RBV: a problem of the drive is major, a switch (HLSV) minor."""
        fields = self._fields
        status, severity = AlarmStatus.NO_ALARM, AlarmSeverity.NO_ALARM
        if self._stalled:
            status, severity = AlarmStatus.STATE, AlarmSeverity.MAJOR_ALARM
        elif at_limit:
            status = AlarmStatus.HIGH if fields.direction_of_travel.value else AlarmStatus.LOW
            severity = AlarmSeverity.MINOR_ALARM
        alarm = self.motor.alarm
        if (alarm.severity, alarm.status) == (severity, status):
            return
        await alarm.write(status=status, severity=severity)
        if fields.user_readback_value.alarm is not alarm:
            await fields.user_readback_value.alarm.write(status=status, severity=severity)

    async def _set_limits(self, low: float, high: float) -> None:
        fields = self._fields
        await fields.user_low_limit.write(low, verify_value=False)
        await fields.user_high_limit.write(high, verify_value=False)
        await self.limit_val(low, high)

    async def limit_val(self, low: float, high: float) -> None:
        """VAL takes nothing outside; the dial's limits follow."""
        fields = self._fields
        await fields.dial_low_limit.write(low - fields.user_offset.value, verify_value=False)
        await fields.dial_high_limit.write(high - fields.user_offset.value, verify_value=False)
        await self.motor.write_metadata(
            lower_ctrl_limit=low,
            upper_ctrl_limit=high,
            lower_disp_limit=low,
            upper_disp_limit=high,
            units=self.stage.unit,
        )


def _choice(field: Any, value: Any = None) -> str:
    """The text of an enumeration's value (the present one by default), which caproto keeps as its client wrote it: as
    text, bytes or number. Raises ValueError for what is none of its choices."""
    value = field.value if value is None else value
    value = value[0] if isinstance(value, list | tuple) else value
    text = value.decode() if isinstance(value, bytes) else value
    choices: tuple[str, ...] = field.enum_strings
    if isinstance(text, str) and text in choices:
        return text
    if not isinstance(text, str) and 0 <= int(text) < len(choices):
        return choices[int(text)]
    raise ValueError(f"{value!r} is none of {', '.join(choices)}")


def _stepped(place_mm: float) -> float:
    """The nearest whole motor step."""
    return round(round(place_mm / STEP_MM) * STEP_MM, DECIMALS)
