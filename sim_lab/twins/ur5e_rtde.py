"""The RTDE server of a UR5e's controller: one client's recipes, what it sets, and the stream of what it asked for."""

import asyncio
import contextlib
import logging
import struct
from collections.abc import Callable
from typing import Any

from drivers.arms.universal_ur5e import kinematics, wire
from drivers.arms.universal_ur5e.wire import Kind, Package, Packages, Recipe, RobotMode, Runtime, SafetyMode, Value
from drivers.core.errors import ConnectionLost
from drivers.core.transport import Transport
from sim_lab.twins.ur5e_programs import Programs

VERSION = (5, 12, 6, 1102099)
FASTEST_HZ = 500.0
_ZERO: dict[str, Value] = {"VECTOR6D": (0.0,) * 6, "VECTOR3D": (0.0,) * 3, "VECTOR6INT32": (0,) * 6, "DOUBLE": 0.0}
_JOINT_RUNNING = 253
logger = logging.getLogger(__name__)
_EMERGENCIES = (SafetyMode.SYSTEM_EMERGENCY_STOP, SafetyMode.ROBOT_EMERGENCY_STOP)


class Variables:
    """What the controller tells, by name; `used` are inputs that a client has for itself."""

    def __init__(self, programs: Programs, now: Callable[[], float]) -> None:
        self._programs, self._body, self._memory, self._now = programs, programs.body, programs.memory, now
        self.used: set[str] = set()

    def write(self, values: dict[str, Any]) -> None:
        """A client sets inputs."""
        if values.get("speed_slider_mask", 0) & 1:
            self._body.slide(max(0.0, min(1.0, values["speed_slider_fraction"])))
        self._memory.write(values)

    def read(self, names: tuple[str, ...]) -> list[Value]:
        """The values of now, in this order."""
        joints: list[kinematics.Joints] = []  # reckoned once a package

        def here() -> kinematics.Joints:
            if not joints:
                joints.append(self._body.joints())
            return joints[0]

        return [self._one(name, here) for name in names]

    def _one(self, name: str, here: Callable[[], kinematics.Joints]) -> Value:
        body, kind, _, number = self._body, *name.rpartition("_register_")
        if kind == "output_int":
            return self._memory.ints[int(number)]
        if kind == "output_double":
            return self._memory.doubles[int(number)]
        match name:
            case "timestamp":
                return self._now()
            case "actual_q" | "target_q":
                return here()
            case "actual_qd" | "target_qd":
                return body.speeds()
            case "actual_TCP_pose" | "target_TCP_pose":
                return kinematics.pose(kinematics.forward(here(), body.tool))
            case "tcp_offset":
                return kinematics.pose(body.tool)
            case "robot_mode":
                return int(body.mode)
            case "safety_mode" | "safety_status":
                return int(body.safety)
            case "joint_mode":
                return (_JOINT_RUNNING,) * 6
            case "runtime_state":
                return int(self._programs.runtime)
            case "robot_status_bits":
                return (body.mode >= RobotMode.IDLE) | (self._programs.runtime is Runtime.PLAYING) << 1
            case "safety_status_bits":
                return self._safety_bits()
            case "speed_scaling" | "target_speed_fraction":
                return body.slider
            case "actual_digital_input_bits":
                return self._memory.digital_in
            case "actual_digital_output_bits":
                return self._memory.digital_out
            case "joint_temperatures":
                return (body.world.air.temperature_c,) * 6
            case "standard_analog_output0" | "standard_analog_output1":
                return float(self._memory.inputs[f"standard_analog_output_{name[-1]}"])
        return _ZERO.get(wire.OUTPUTS[name], 0)

    def _safety_bits(self) -> int:
        """Normal, reduced, protective stop, ... by the guide's bits; 7 is any emergency stop, 10 any stop."""
        safety = self._body.safety
        bits = 1 << (safety - 1)
        if safety in _EMERGENCIES:
            bits |= 1 << 7
        return bits | (safety > SafetyMode.REDUCED) << 10


class Session:
    """One client on port 30004."""

    def __init__(self, link: Transport, variables: Variables) -> None:
        self._link, self._variables = link, variables
        self._outputs = Recipe(0, (), ())
        self._frequency_hz = FASTEST_HZ
        self._inputs: dict[int, Recipe] = {}
        self._mine: set[str] = set()
        self._stream: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Until the client goes, or says what is no RTDE."""
        packages = Packages()
        try:
            with contextlib.suppress(ConnectionLost):
                while data := await self._link.receive():
                    for package in packages.feed(data):
                        await self._take(package)
        except (ValueError, struct.error) as error:
            logger.info("a client of RTDE was hung up on: %s", error)
            with contextlib.suppress(ConnectionLost):
                await self._link.send(wire.told_message(f"{error}", "RTDE").encode())
        finally:
            self._variables.used -= self._mine
            await self._pause()
            await self._link.close()

    async def _take(self, package: Package) -> None:
        answer = await self._answer(package)
        if answer is not None:
            await self._link.send(answer.encode())
        if package.kind is Kind.START and self._stream is None and self._outputs.names:
            self._stream = asyncio.get_running_loop().create_task(self._tell())

    async def _answer(self, package: Package) -> Package | None:
        payload = package.payload
        match package.kind:
            case Kind.REQUEST_PROTOCOL_VERSION:
                return wire.told_version(struct.unpack(">H", payload) == (wire.VERSION,))
            case Kind.GET_URCONTROL_VERSION:
                return Package(package.kind, struct.pack(">4I", *VERSION))
            case Kind.SETUP_OUTPUTS:
                return self._set_outputs(payload)
            case Kind.SETUP_INPUTS:
                return self._set_inputs(payload)
            case Kind.START:
                return Package(package.kind, bytes([bool(self._outputs.names)]))
            case Kind.PAUSE:
                await self._pause()
                return Package(package.kind, b"\x01")
            case Kind.DATA_PACKAGE:
                recipe = self._inputs[payload[0]] if payload[:1] and payload[0] in self._inputs else None
                if recipe is None:
                    raise ValueError("a data package of no recipe")
                self._variables.write(recipe.unpack(payload))
        return None

    def _set_outputs(self, payload: bytes) -> Package:
        (self._frequency_hz,) = struct.unpack_from(">d", payload)
        self._frequency_hz = max(1.0, min(FASTEST_HZ, self._frequency_hz))
        names = tuple(wire.told_names(payload[8:]))
        types = [wire.OUTPUTS.get(name, wire.NOT_FOUND) for name in names]
        if wire.NOT_FOUND not in types:
            self._outputs = Recipe(1, names, tuple(types))
        return Package(Kind.SETUP_OUTPUTS, b"\x01" + ",".join(types).encode())

    def _set_inputs(self, payload: bytes) -> Package:
        names = tuple(wire.told_names(payload))
        others = self._variables.used - self._mine
        types = [wire.IN_USE if name in others else wire.INPUTS.get(name, wire.NOT_FOUND) for name in names]
        good = not {wire.NOT_FOUND, wire.IN_USE} & set(types)
        number = len(self._inputs) + 1 if good else 0
        if good:
            self._inputs[number] = Recipe(number, names, tuple(types))
            self._mine |= set(names)
            self._variables.used |= set(names)
        return Package(Kind.SETUP_INPUTS, bytes([number]) + ",".join(types).encode())

    async def _tell(self) -> None:
        """The stream: what is so, as often as was asked for."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        with contextlib.suppress(ConnectionLost):
            while True:
                values = self._variables.read(self._outputs.names)
                await self._link.send(self._outputs.pack(values).encode())
                due_s = max(due_s + 1 / self._frequency_hz, loop.time())
                await asyncio.sleep(due_s - loop.time() or 1 / self._frequency_hz)

    async def _pause(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.cancel()
            await asyncio.gather(stream, return_exceptions=True)
