"""The twin of a BioShake: a table that speeds up and slows down, a lock that holds the plate, a block with heat.

Its ranges are those of a BioShake 3000-T elm (200 to 3000 rpm; PyLabRobot's table of models); the times of
lock, homing and restart and the block's time constant are our estimates, inside what PyLabRobot's driver
waits for. The wells of the world are well mixed, so shaking changes no liquid: `shaken` tells that it was done.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from drivers.core.errors import ConnectionLost
from drivers.core.transport import Transport
from drivers.shakers.qinstruments_bioshake import wire
from drivers.shakers.qinstruments_bioshake.timing import BOOT_S, HOMING_S, LOCK_S, SHORTEST_RAMP_S
from drivers.shakers.qinstruments_bioshake.wire import ERROR, OK, ElmState, Request, ShakeState
from sim_lab.twin import StreamTwin
from sim_lab.world.heat import Body
from sim_lab.world.model import World

SPEED_RPM = (200, 3000)
RAMP_S = (0, 30)
TEMPERATURE_C = (0.0, 99.0)
BLOCK_TAU_S = 120.0
NOT_INITIALISED, LOCK_FAILED = 103, 300


@dataclass(frozen=True, slots=True)
class Shaken:
    """One time of shaking, as it really was: what stood in the nest, at which speed, for how long."""

    labware: str | None
    speed_rpm: float
    duration_s: float


@dataclass(slots=True)
class Table:
    """The shaking table. Speeds change evenly in time from `from_rpm` at `since_s`; times are the world's."""

    target_rpm: int = 500
    ramp_s: int = 1
    is_on: bool = False
    from_rpm: float = 0.0
    since_s: float = 0.0
    home_s: float = 0.0  # when it is, or was, at home again
    is_braked: bool = False  # stopped at once, away from home
    until_s: float | None = None  # when it will switch itself off

    def speed(self, now_s: float) -> float:
        """The speed at a time."""
        goal = self.target_rpm if self.is_on else 0.0
        share = min(1.0, (now_s - self.since_s) / max(self.ramp_s, SHORTEST_RAMP_S))
        return self.from_rpm + (goal - self.from_rpm) * share

    def state(self, now_s: float) -> ShakeState:
        """What it does at a time."""
        if self.is_on:
            return ShakeState.RUNNING if self.speed(now_s) == self.target_rpm else ShakeState.ACCELERATING
        if self.is_braked:
            return ShakeState.FREE
        return ShakeState.HOME if now_s >= self.home_s else ShakeState.GOING_HOME

    def begin(self, now_s: float) -> None:
        """Speed up."""
        self.from_rpm, self.since_s, self.is_on, self.is_braked = self.speed(now_s), now_s, True, False

    def end(self, now_s: float) -> None:
        """Slow down and go home."""
        self.from_rpm, self.since_s, self.is_on = self.speed(now_s), now_s, False
        self.until_s = None
        self.home_s = now_s + max(self.ramp_s, SHORTEST_RAMP_S) + HOMING_S

    def brake(self, now_s: float) -> None:
        """Stop at once, anywhere."""
        self.from_rpm, self.since_s, self.is_on, self.is_braked, self.until_s = 0.0, now_s, False, True, None


STALLED_RPM = 40  # what a table that is held up still does


class Twin(StreamTwin):
    """One shaker; its nest is the site `<name>.nest`."""

    baud = wire.BAUD

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.nest = self.site("nest")
        self.table = Table()
        self.elm = ElmState.UNLOCKED
        self.block = Body(world.air.temperature_c, world.air.temperature_c, BLOCK_TAU_S)
        self.target_c = 25.0
        self.is_heating = False
        self.failures: list[int] = []
        self.shaken: list[Shaken] = []
        self._began_s = 0.0

    async def serve(self, link: Transport) -> None:
        """Answer whoever holds the line, one request after the other."""
        requests = wire.Requests()
        with contextlib.suppress(ConnectionLost):
            while data := await link.receive():
                for request in requests.feed(data):
                    if self.fails("power_cycle") is not None:
                        for line in await self._boot():
                            await link.send(wire.encode_reply(line))
                        continue
                    for line in await self._answer(request):
                        await link.send(wire.encode_reply(line))

    async def _answer(self, request: Request) -> list[str]:
        if self.table.until_s is not None and self.world.now() >= self.table.until_s:
            self._end(self.table.until_s)
        if not request.is_known:
            return [f"u -> {request.word}"]
        if request.word == "resetDevice":
            return await self._boot()
        return [await COMMANDS[request.word](self, request)]

    async def _boot(self) -> list[str]:
        if self.table.is_on:
            self._end(self.world.now())
        await self.temp_off(Request("tempOff"))
        await asyncio.sleep(BOOT_S)
        self.table = Table(home_s=self.world.now())
        self._hold(ElmState.UNLOCKED)
        self.failures.clear()
        return ["BioShake 3000-T elm", "Initialization running", wire.BOOTED]

    # Shaking

    async def shake_on(self, request: Request) -> str:
        """`shakeOn`, and `shakeOnWithRuntime` for so many seconds: refused with the plate not locked."""
        now = self.world.now()
        if self.elm is not ElmState.LOCKED:
            return self._fail(LOCK_FAILED)
        if self.table.is_braked or (request.word == "shakeOnWithRuntime" and not request.value):
            return self._fail(NOT_INITIALISED)
        if not self.table.is_on:
            self._began_s = now
        if self.fails("shake_stalls") is not None:
            self.table.target_rpm = min(self.table.target_rpm, STALLED_RPM)
        self.table.begin(now)
        self.table.until_s = now + request.value if request.value else None
        if self.fails("shake_stops") is not None:
            self.table.until_s = now
        return OK

    async def shake_off(self, request: Request) -> str:
        """`shakeOff`: slow down and go home."""
        if self.table.is_on:
            self._end(self.world.now())
        return OK

    async def emergency_off(self, request: Request) -> str:
        """`shakeEmergencyOff`: stop at once, away from home."""
        now = self.world.now()
        if self.table.is_on:
            self._record(now)
            self.table.brake(now)
        return OK

    async def go_home(self, request: Request) -> str:
        """`shakeGoHome`."""
        if self.table.is_on:
            return self._fail(NOT_INITIALISED)
        if self.table.is_braked:
            self.table.is_braked = False
            self.table.home_s = self.world.now() + HOMING_S
        return OK

    async def set_speed(self, request: Request) -> str:
        """`setShakeTargetSpeed`, in rpm."""
        if request.value is None or not SPEED_RPM[0] <= request.value <= SPEED_RPM[1]:
            return ERROR
        if self.table.is_on:  # from the speed of now to the new one
            self.table.begin(self.world.now())
        self.table.target_rpm = request.value
        return OK

    async def set_ramp(self, request: Request) -> str:
        """`setShakeAcceleration`, in seconds from rest to speed and back."""
        if request.value is None or not RAMP_S[0] <= request.value <= RAMP_S[1]:
            return ERROR
        if self.table.is_on:
            self.table.begin(self.world.now())
        self.table.ramp_s = request.value
        return OK

    async def actual_speed(self, request: Request) -> str:
        """`getShakeActualSpeed`."""
        return f"{self.table.speed(self.world.now()):.0f}"

    async def shake_state(self, request: Request) -> str:
        """`getShakeState`."""
        return str(int(self.table.state(self.world.now())))

    async def remaining(self, request: Request) -> str:
        """`getShakeRemainingTime`."""
        return "0" if self.table.until_s is None else f"{self.table.until_s - self.world.now():.0f}"

    def _end(self, now_s: float) -> None:
        self._record(now_s)
        self.table.end(now_s)

    def _record(self, now_s: float) -> None:
        there = self.world.on(self.nest)
        speed = self.table.speed(now_s)
        self.shaken.append(Shaken(there.name if there else None, speed, now_s - self._began_s))

    # The lock

    async def lock(self, request: Request) -> str:
        """`setElmLockPos`: answered when the plate is held."""
        await asyncio.sleep(LOCK_S if self.elm is not ElmState.LOCKED else 0)
        if self.fails("lock_stuck") is not None:
            return self._fail(LOCK_FAILED)
        self._hold(ElmState.LOCKED)
        return OK

    async def unlock(self, request: Request) -> str:
        """`setElmUnlockPos`: only at home."""
        if self.table.state(self.world.now()) is not ShakeState.HOME:
            return self._fail(LOCK_FAILED)
        await asyncio.sleep(LOCK_S if self.elm is not ElmState.UNLOCKED else 0)
        self._hold(ElmState.UNLOCKED)
        return OK

    def _hold(self, state: ElmState) -> None:
        self.elm = state
        if state is ElmState.LOCKED:
            self.world.clamped.add(self.nest)
        else:
            self.world.clamped.discard(self.nest)

    # Heat

    async def temp_on(self, request: Request) -> str:
        """`tempOn`."""
        self.is_heating = True
        reached_c = self.target_c + (self.fails("heat_overshoot") or 0.0)
        if self.fails("heater_dead") is not None:
            reached_c = self.world.air.temperature_c
        self.block.aim(reached_c, self.world.now())
        self.world.warm(self.nest, reached_c)
        return OK

    async def temp_off(self, request: Request) -> str:
        """`tempOff`."""
        self.is_heating = False
        self.block.aim(self.world.air.temperature_c, self.world.now())
        self.world.warm(self.nest, None)
        return OK

    async def set_temperature(self, request: Request) -> str:
        """`setTempTarget`, in 0.1 degC."""
        if request.value is None or not TEMPERATURE_C[0] <= request.value / 10 <= TEMPERATURE_C[1]:
            return ERROR
        self.target_c = request.value / 10
        return await self.temp_on(request) if self.is_heating else OK

    async def temperature(self, request: Request) -> str:
        """`getTempActual`."""
        return f"{self.block.at(self.world.now()):.1f}"

    def _fail(self, code: int) -> str:
        self.failures.append(code)
        return ERROR

    async def errors(self, request: Request) -> str:
        """`getErrorList`: what failed since it was last asked."""
        told, self.failures = self.failures, []
        return "{" + "; ".join(map(str, told)) + "}"


Command = Callable[[Twin, Request], Awaitable[str]]
_ELM_TEXTS = {ElmState.LOCKED: "ELMLocked", ElmState.UNLOCKED: "ELMUnlocked"}


def _tells(value: Callable[[Twin], object]) -> Command:
    async def answer(twin: Twin, request: Request) -> str:
        return str(value(twin))

    return answer


COMMANDS: dict[str, Command] = {
    "getVersion": _tells(lambda twin: "v1.8.0"),
    "getDescription": _tells(lambda twin: "BioShake 3000-T elm"),
    "getErrorList": Twin.errors,
    "shakeOn": Twin.shake_on,
    "shakeOnWithRuntime": Twin.shake_on,
    "shakeOff": Twin.shake_off,
    "shakeEmergencyOff": Twin.emergency_off,
    "shakeGoHome": Twin.go_home,
    "getShakeState": Twin.shake_state,
    "getShakeTargetSpeed": _tells(lambda twin: twin.table.target_rpm),
    "setShakeTargetSpeed": Twin.set_speed,
    "getShakeActualSpeed": Twin.actual_speed,
    "getShakeMinRpm": _tells(lambda twin: SPEED_RPM[0]),
    "getShakeMaxRpm": _tells(lambda twin: SPEED_RPM[1]),
    "getShakeAcceleration": _tells(lambda twin: twin.table.ramp_s),
    "setShakeAcceleration": Twin.set_ramp,
    "getShakeAccelerationMin": _tells(lambda twin: RAMP_S[0]),
    "getShakeAccelerationMax": _tells(lambda twin: RAMP_S[1]),
    "getShakeRemainingTime": Twin.remaining,
    "tempOn": Twin.temp_on,
    "tempOff": Twin.temp_off,
    "getTempState": _tells(lambda twin: int(twin.is_heating)),
    "getTempTarget": _tells(lambda twin: f"{twin.target_c:.1f}"),
    "setTempTarget": Twin.set_temperature,
    "getTempActual": Twin.temperature,
    "getTempMin": _tells(lambda twin: f"{TEMPERATURE_C[0]:.1f}"),
    "getTempMax": _tells(lambda twin: f"{TEMPERATURE_C[1]:.1f}"),
    "setElmLockPos": Twin.lock,
    "setElmUnlockPos": Twin.unlock,
    "getElmState": _tells(lambda twin: int(twin.elm)),
    "getElmStateAsString": _tells(lambda twin: _ELM_TEXTS.get(twin.elm, "ELMUndefined")),
}
