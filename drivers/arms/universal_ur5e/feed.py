"""The controller's state by RTDE: asked for when it is needed, paused when it is not, dialled anew when it is lost."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from drivers.arms.universal_ur5e import kinematics, script, wire
from drivers.arms.universal_ur5e.wire import Kind, Package, Packages, RobotMode, Runtime, SafetyMode
from drivers.core.errors import ConnectionFailed, ConnectionLost, DeviceError, ProtocolViolation, ReplyTimeout
from drivers.core.transport import Transport

_REGISTERS = (*script.KEY_REGISTERS, script.PHASE_REGISTER, script.TRY_REGISTER, script.STOP_REGISTER)
NAMES = (
    "timestamp", "actual_q", "actual_TCP_pose", "robot_mode", "safety_mode", "runtime_state", "target_speed_fraction",
    "actual_digital_input_bits", "actual_digital_output_bits", *(f"output_int_register_{n}" for n in _REGISTERS),
)  # fmt: skip
TRIES = 3  # so many lines may fail, one after the other, before it counts as lost
#: A turn to either side, and what a joint may be beyond it.
FURTHEST = 2 * math.pi + 0.1


@dataclass(frozen=True, slots=True)
class State:
    """What the controller told at one moment; `key`, `phase` and the numbers are what programs noted (`script`)."""

    at_s: float
    joints: kinematics.Joints
    pose: kinematics.Pose
    robot_mode: RobotMode
    safety: SafetyMode
    runtime: Runtime
    speed: float  # of the slider, 0 to 1
    inputs: int
    outputs: int
    key: tuple[int, int]
    phase: int
    number: int
    stop_number: int

    @property
    def is_safe(self) -> bool:
        """Whether the safety system allows to move."""
        return self.safety in (SafetyMode.NORMAL, SafetyMode.REDUCED)

    @property
    def is_ready(self) -> bool:
        """Whether it stands under power, its brakes released."""
        return self.is_safe and self.robot_mode is RobotMode.RUNNING

    def is_near(self, other: "State", tolerance: float = 1e-4) -> bool:
        """Whether both say that the arm is at one place (m and rad), its inputs and outputs the same."""
        here, there = (*self.joints, *self.pose[:3]), (*other.joints, *other.pose[:3])
        same = (self.inputs, self.outputs) == (other.inputs, other.outputs)
        return same and kinematics.largest(here, there) < tolerance


def read(values: dict[str, Any]) -> State:
    """The state of a data package; raises `ValueError` for what no arm can be like."""
    first, second, *rest = (values[f"output_int_register_{n}"] for n in _REGISTERS)
    state = State(
        values["timestamp"], values["actual_q"], values["actual_TCP_pose"], RobotMode(values["robot_mode"]),
        SafetyMode(values["safety_mode"]), Runtime(values["runtime_state"]), values["target_speed_fraction"],
        values["actual_digital_input_bits"], values["actual_digital_output_bits"], (first, second), *rest,
    )  # fmt: skip
    numbers = (state.at_s, state.speed, *state.joints, *state.pose)
    is_odd = not all(map(math.isfinite, numbers)) or max(map(abs, state.joints)) > FURTHEST
    if is_odd or not 0 <= state.speed <= 1 or max(map(abs, state.pose)) > 10:
        raise ValueError(f"no arm can be so: {state}")
    return state


class Feed:
    """One line of RTDE; `name` is the device in errors."""

    def __init__(self, name: str, dial: Callable[[], Transport], frequency_hz: float, reply_s: float) -> None:
        self._name, self._dial = name, dial
        self._frequency_hz, self._reply_s = frequency_hz, reply_s
        self._line: Transport | None = None
        self._packages = Packages()
        self._waiting: list[Package] = []
        self._recipe = wire.Recipe(0, (), ())
        self._runs = False
        self._seen_s = -math.inf
        #: What the controller said last.
        self.last: State | None = None

    async def look(self) -> State:
        """The next state, no older than this call where the line was at rest; raises `DeviceError`."""
        for attempt in range(TRIES):
            try:
                return await self._next()
            except (ConnectionFailed, ConnectionLost, ReplyTimeout, ProtocolViolation) as error:
                await self.close()
                if attempt == TRIES - 1:
                    error.device = self._name
                    raise
        raise AssertionError("unreachable")

    async def steady(self, looks: int = 20) -> State:
        """A state that two packages in a row tell: no check sum guards them. The last one, where it does not rest."""
        before = self.last if self._runs and self.last is not None else await self.look()
        for _ in range(looks):
            state = await self.look()
            if state.is_near(before):
                break
            before = state
        return state

    async def rest(self) -> None:
        """No more states until the next look."""
        if self._line is None or not self._runs:
            return
        try:
            self._runs = False
            if not await self._agrees(Package(Kind.PAUSE)):
                await self.close()
        except DeviceError:
            await self.close()

    async def close(self) -> None:
        """Give the line back; the next look dials again."""
        line, self._line, self._runs = self._line, None, False
        self._packages, self._waiting, self._seen_s = Packages(), [], -math.inf
        if line is not None:
            await line.close()

    async def _next(self) -> State:
        if self._line is None:
            await self._open()
        if not self._runs:
            self._waiting = []
            if not await self._agrees(Package(Kind.START)):
                raise ProtocolViolation("its controller does not begin to tell its state.")
            self._runs = True
        async with self._in_time("it tells no state"):
            while True:
                package = await self._take(Kind.DATA_PACKAGE)
                with self._readable():
                    state = read(self._recipe.unpack(package.payload))
                if state.at_s > self._seen_s:  # what came before comes no more; a package that is told twice is one
                    self._seen_s, self.last = state.at_s, state
                    return state

    async def _open(self) -> None:
        line = self._dial()
        await line.open()
        self._line = line
        if not await self._agrees(wire.ask_version()):
            raise ProtocolViolation("its controller does not speak version 2 of RTDE.", hint="Update PolyScope.")
        with self._readable():
            wire.controller_version(await self._ask(Package(Kind.GET_URCONTROL_VERSION)))
            self._recipe = wire.outputs_told(await self._ask(wire.ask_outputs(NAMES, self._frequency_hz)), NAMES)

    async def _agrees(self, package: Package) -> bool:
        answer = await self._ask(package)
        with self._readable():
            return wire.accepted(answer)

    async def _ask(self, package: Package) -> bytes:
        if self._line is None:
            raise ConnectionLost("the line of RTDE is closed.")
        await self._line.send(package.encode())
        async with self._in_time(f"no answer to {package.kind.name}"):
            return (await self._take(package.kind)).payload

    async def _take(self, kind: Kind) -> Package:
        """The next package of a kind; states and messages may come before an answer, nothing else may."""
        while True:
            while not self._waiting:
                data = await self._line.receive() if self._line is not None else b""
                if not data:
                    raise ConnectionLost("its controller closed the line of RTDE.")
                with self._readable():
                    self._waiting = self._packages.feed(data)
            package = self._waiting.pop(0)
            if package.kind is kind:
                return package
            if package.kind not in (Kind.DATA_PACKAGE, Kind.TEXT_MESSAGE):
                raise ProtocolViolation(f"its controller answered {package.kind.name} in place of {kind.name}.")

    @contextlib.asynccontextmanager
    async def _in_time(self, what: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._reply_s):
                yield
        except TimeoutError:
            raise ReplyTimeout(f"{what} within {self._reply_s:g} s.", hint="Is its controller up?") from None

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            raise ProtocolViolation(f"{error}.") from error
