"""A BioShake through PyLabRobot's backend; a stop goes to the line past it, at once.

The device goes on when its client is gone: so it is told how long to shake, and a new connection leaves alone what
shakes. It keeps no record of commands; only what still shakes can be told from what was never begun.
"""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Iterator
from typing import TypeVar

from pylabrobot.heating_shaking.bioshake_backend import BioShake

from drivers.core.errors import CommandFailed, CommandStopped, DeviceError, ReplyTimeout
from drivers.core.instrument import Command, Identity, Recall
from drivers.core.limits import Limits
from drivers.core.plr import TransportSerial, fenced
from drivers.core.roles import HeaterShaker
from drivers.core.transport import Port
from drivers.shakers.qinstruments_bioshake import wire
from drivers.shakers.qinstruments_bioshake.options import Options
from drivers.shakers.qinstruments_bioshake.timing import POLL_S
from drivers.shakers.qinstruments_bioshake.wire import ElmState, ShakeState

T = TypeVar("T")
REPLY_S = 2.0
LOOK_S = 20.0
#: Beyond the ramp: how long the table may take to find its home position.
HOMING_S = 5.0
#: By how much the speed at the end of shaking may miss the one that was asked for.
SPEED_TOLERANCE = 0.1
#: By how much the device's own end of shaking comes after ours: it counts only when nobody is there to stop it.
GRACE_S = 10
#: How long an answer may take that an earlier client has asked for: a restart takes longest.
SYNC_S = 15.0
#: How long PyLabRobot lets the device rest after a restart.
RESTED_S = 4.0
UNDER_WAY = (ShakeState.RUNNING, ShakeState.ACCELERATING)
SHAKING = (*UNDER_WAY, ShakeState.DECELERATING)
ENDING = (
    ShakeState.DECELERATING, ShakeState.STOP_SEEN, ShakeState.BRAKING, ShakeState.STOPPING, ShakeState.GOING_HOME,
)  # fmt: skip


class _Line(TransportSerial):
    """Gives PyLabRobot's `shakeOn`, which knows no end, the time after which the device stops by itself."""

    runtime_s = 0

    async def write(self, data: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - PyLabRobot's name
        """Send all of `data`."""
        if data == wire.encode_request("shakeOn"):
            data = wire.encode_request("shakeOnWithRuntime", self.runtime_s)
        await super().write(data, timeout)


class BioShaker(HeaterShaker[Options]):
    """Shakes and tempers the plate in its nest; the plate is locked only while it shakes."""

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._backend = BioShake(port=port.address)
        self._backend.io = self._line = _Line(port.transport, timeout=REPLY_S)
        self._stopped = asyncio.Event()

    async def open(self) -> None:
        """Open the line. What shakes, goes on; else the table comes home and is unlocked, after a restart if it must.

        A command of this driver that still runs is ended first, without a word to the device.
        """
        self._forbid()
        await self._line.stop()
        async with self._lock:
            await self._attach()

    async def _attach(self) -> None:
        self._begin()
        try:
            await self._do(self._backend.setup(skip_home=True))
            await self._do(self._synchronise())
            state = await self._do(self._number("getShakeState"))
            if state in UNDER_WAY:
                return
            if state in ENDING:
                await self._come_home()
            elif state != ShakeState.HOME or await self._lock_state() not in (ElmState.LOCKED, ElmState.UNLOCKED):
                await self._do(self._backend.reset())
                await asyncio.sleep(RESTED_S)
                await self._do(self._backend.home())
            await self._do(self._backend.unlock_plate())
        except BaseException:
            await self._line.stop()
            raise

    async def close(self) -> None:
        """Give the line back; what the device does, it goes on doing."""
        await self._line.stop()

    async def stop(self, success: bool = True) -> None:
        """Shaking and heating off, now; what is locked stays locked. A `shake` ends with `CommandStopped`."""
        self._forbid()
        with fenced(self.name, _explain):
            stop = wire.encode_request("shakeOff") + wire.encode_request("tempOff")
            if not self._line.connected:
                await self._line.setup()
                stop = wire.SYNC + stop
            # Written past the backend, which may be waiting for an answer; it flushes these unread.
            await self._line.write_past(stop)

    async def identify(self) -> Identity:
        """Its firmware; PyLabRobot's driver has no word for its serial number."""
        async with self._lock:
            told = await self._do(self._backend._send_command("getVersion"))  # noqa: SLF001 - it has no other
        return Identity(firmware=str(told).strip())

    async def recall(self, command: Command) -> Recall:
        """By what it does: shaking that is under way is waited for, and its plate unlocked, as `shake` ends."""
        async with self._lock:
            match command.verb:
                case "shake":
                    return await self._recall_shaking(round(command.args["speed_rpm"]), command.args["duration_s"])
                case "set_temperature":
                    return await self._recall_heating(round(command.args["temperature_c"], 1))
        return Recall("unknown", "it keeps no record of commands")

    async def _recall_shaking(self, rpm: int, duration_s: float) -> Recall:
        state = ShakeState(int(await self._do(self._number("getShakeState"))))
        target = await self._do(self._number("getShakeTargetSpeed"))
        if state not in UNDER_WAY or target != rpm:
            return Recall("unknown", f"its table was found in state {state.name}, with {target:g} rpm set")
        left_s = await self._do(self._number("getShakeRemainingTime"))
        if not 0 < left_s <= duration_s + GRACE_S:
            return Recall(
                "unknown", f"it shakes at {target:g} rpm for {left_s:g} s more, which is no end of this command"
            )
        await self._wait(left_s)
        await self._come_home()
        await self._do(self._backend.unlock_plate())
        return Recall("done", f"it was found shaking at {target:g} rpm, and ended {left_s:g} s later by itself")

    async def _recall_heating(self, temperature_c: float) -> Recall:
        target = await self._do(self._number("getTempTarget"))
        is_on = await self._do(self._number("getTempState")) == 1
        told = f"its target is {target:g} degC, and its heating is {'on' if is_on else 'off'}"
        return Recall("done" if is_on and target == temperature_c else "not_done", told)

    async def make_safe(self) -> None:
        """Heating and shaking off; the plate is unlocked once the table is at rest at home."""
        async with self._lock:
            if not self._line.connected:
                await self._attach()
            await self.deactivate()

    async def shake(self, speed_rpm: float, duration_s: float) -> None:
        """Lock, shake for `duration_s` (from the command to shake on), come to rest at home, unlock."""
        self.check("speed", speed_rpm)
        self.check("duration", duration_s)
        rpm, ramp_s = round(speed_rpm), self.options.ramp_s
        self._line.runtime_s = math.ceil(duration_s) + GRACE_S
        self._begin()
        with self._stop_counts():
            await self._do(self._backend.lock_plate())
            await self._do(self._backend.start_shaking(rpm, acceleration=ramp_s))
            await self._watch(duration_s)
            reached_rpm = await self._do(self._number("getShakeActualSpeed")) if duration_s > ramp_s + 1 else rpm
            await self._do(self._backend.stop_shaking(deceleration=ramp_s))
            await self._come_home()
            await self._do(self._backend.unlock_plate())
        if abs(reached_rpm - rpm) > SPEED_TOLERANCE * rpm:
            raise CommandFailed(
                f"it shook at {reached_rpm:g} rpm, not at {rpm}.", device=self.name, hint="Is the load too heavy?"
            )

    async def set_temperature(self, temperature_c: float) -> None:
        """Set the block's target, to 0.1 degC; returns when the device has taken it."""
        self.check("temperature", temperature_c)
        self._begin()
        with self._stop_counts():
            await self._do(self._backend.set_temperature(round(temperature_c, 1)))

    async def deactivate(self) -> None:
        """Heating off, shaking off, and the plate unlocked."""
        self._begin()
        with self._stop_counts():
            await self._do(self._backend.deactivate())
            if await self._do(self._number("getShakeState")) != ShakeState.HOME:
                await self._do(self._backend.stop_shaking(deceleration=self.options.ramp_s))
                await self._come_home()
            await self._do(self._backend.unlock_plate())

    def _forbid(self) -> None:
        """What runs shall send nothing more."""
        self._stopped.set()
        self._line.barred = True

    def _begin(self) -> None:
        """A new command: what an earlier stop forbade is allowed again."""
        self._stopped.clear()
        self._line.barred = False

    async def _watch(self, duration_s: float) -> None:
        """Let it shake, and see now and then that it does."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + duration_s
        while (left_s := until_s - loop.time()) > LOOK_S:
            await self._wait(LOOK_S)
            if await self._do(self._number("getShakeState")) not in SHAKING:
                raise CommandFailed(f"it stopped {left_s - LOOK_S:.0f} s too early.", device=self.name)
        await self._wait(max(0.0, left_s))

    async def _wait(self, duration_s: float) -> None:
        """Let time pass, or raise `CommandStopped` as soon as a stop comes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(duration_s):
                await self._stopped.wait()
                raise CommandStopped("it was stopped.", device=self.name)

    async def _come_home(self) -> None:
        """Until the table is at home: the lock opens nowhere else."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self.options.ramp_s + HOMING_S
        while (state := await self._do(self._number("getShakeState"))) != ShakeState.HOME:
            if loop.time() > until_s:
                raise CommandFailed(
                    f"its table did not come home; it is in state {state:g}.",
                    device=self.name,
                    hint="Look whether something blocks it, then connect it again.",
                )
            await self._wait(POLL_S)

    async def _synchronise(self) -> None:
        """Until the device has answered what an earlier client has asked, and forgotten half a word of it."""
        await self._line.write(wire.SYNC)
        try:
            async with asyncio.timeout(SYNC_S):
                while not wire.is_sync((await self._line.readline()).decode("ascii", "replace").strip()):
                    pass
        except TimeoutError:
            raise ReplyTimeout(f"no answer within {SYNC_S:g} s.", hint="Is it on, and is the line right?") from None

    async def _lock_state(self) -> float:
        """The state of the lock, when it has come to rest."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + HOMING_S
        while (state := await self._do(self._number("getElmState"))) == ElmState.MOVING and loop.time() < until_s:
            await self._wait(POLL_S)
        return state

    async def _number(self, word: str) -> float:
        """The answer to a question that PyLabRobot has no verb for."""
        return float(await self._ask(word))

    async def _ask(self, word: str) -> str:
        await self._line.reset_input_buffer()
        await self._line.write(wire.encode_request(word))
        answer = (await self._line.readline()).decode("ascii").strip()
        if not answer:
            raise ReplyTimeout(f"no answer to '{word}' within {REPLY_S:g} s.")
        return answer

    @contextlib.contextmanager
    def _stop_counts(self) -> Iterator[None]:
        """While a stop is under way every failure is its consequence, and so is every success doubtful."""
        try:
            yield
        except DeviceError as error:
            if not self._stopped.is_set() or isinstance(error, CommandStopped):
                raise
            raise CommandStopped("it was stopped.", device=self.name) from error
        if self._stopped.is_set():
            raise CommandStopped("it was stopped.", device=self.name)

    async def _do(self, call: Awaitable[T]) -> T:
        try:
            with fenced(self.name, _explain):
                return await call
        except CommandFailed as error:
            error.hint = error.hint or await self._device_errors()
            raise

    async def _device_errors(self) -> str:
        """The device's own list of errors, as far as it can still tell."""
        try:
            with fenced(self.name, _explain):
                told = wire.errors(await self._ask("getErrorList"))
        except DeviceError:
            return "It does not tell why."
        return f"It says: {'; '.join(told)}." if told else "Its list of errors is empty."


def _explain(error: BaseException) -> DeviceError | None:
    """What PyLabRobot's RuntimeErrors mean; their texts are all that tells them apart."""
    if not isinstance(error, RuntimeError) or isinstance(error, NotImplementedError):
        return None
    text = str(error)
    if text.startswith(("Timed out", "No response")):
        return ReplyTimeout(f"{text}.", hint="Is it on, and is the line right?")
    return CommandFailed(f"{text}.")
