"""Real-Time Data Exchange (RTDE) of the controller, TCP 30004: packages and variables, roles CLIENT and DEVICE. Pure.

Universal Robots, "Real-Time Data Exchange (RTDE) Guide", protocol version 2: all numbers big-endian; a package is its
size (uint16, with the header), its type (uint8) and a payload. Variables are asked for by name, as a recipe; a data
package is a recipe's number and its values in order. There is no check sum: TCP has one.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

VERSION = 2
_HEADER = struct.Struct(">HB")
_FORMATS = {
    "BOOL": "?", "UINT8": "B", "UINT32": "I", "UINT64": "Q", "INT32": "i", "DOUBLE": "d", "VECTOR3D": "3d",
    "VECTOR6D": "6d", "VECTOR6INT32": "6i", "VECTOR6UINT32": "6I",
}  # fmt: skip
NOT_FOUND, IN_USE = "NOT_FOUND", "IN_USE"
Value = bool | int | float | tuple[float, ...]


class Kind(IntEnum):
    """The types of packages; each is a letter of ASCII."""

    REQUEST_PROTOCOL_VERSION = ord("V")
    GET_URCONTROL_VERSION = ord("v")
    TEXT_MESSAGE = ord("M")
    DATA_PACKAGE = ord("U")
    SETUP_OUTPUTS = ord("O")
    SETUP_INPUTS = ord("I")
    START = ord("S")
    PAUSE = ord("P")


class RobotMode(IntEnum):
    """`robot_mode`."""

    NO_CONTROLLER = -1
    DISCONNECTED = 0
    CONFIRM_SAFETY = 1
    BOOTING = 2
    POWER_OFF = 3
    POWER_ON = 4
    IDLE = 5  # under power, the brakes on
    BACKDRIVE = 6
    RUNNING = 7
    UPDATING_FIRMWARE = 8


class SafetyMode(IntEnum):
    """`safety_mode`; beyond `REDUCED` nothing may move."""

    NORMAL = 1
    REDUCED = 2
    PROTECTIVE_STOP = 3
    RECOVERY = 4
    SAFEGUARD_STOP = 5
    SYSTEM_EMERGENCY_STOP = 6
    ROBOT_EMERGENCY_STOP = 7
    VIOLATION = 8
    FAULT = 9
    VALIDATE_JOINT_ID = 10
    UNDEFINED_SAFETY_MODE = 11


class Runtime(IntEnum):
    """`runtime_state`: of the program."""

    STOPPING = 0
    STOPPED = 1
    PLAYING = 2
    PAUSING = 3
    PAUSED = 4
    RESUMING = 5


def _registers(way: str) -> dict[str, str]:
    """The 48 general-purpose registers of each type; clients from outside should use 24 to 47."""
    numbered = {f"{way}_int_register_{n}": "INT32" for n in range(48)}
    return numbered | {f"{way}_double_register_{n}": "DOUBLE" for n in range(48)}


#: What the controller tells: name -> type. The part of the guide's table that a UR5e's clients ask for.
OUTPUTS: Mapping[str, str] = {
    **dict.fromkeys(
        ("timestamp", "actual_execution_time", "speed_scaling", "target_speed_fraction", "actual_momentum",
         "actual_main_voltage", "actual_robot_voltage", "actual_robot_current", "standard_analog_input0",
         "standard_analog_input1", "standard_analog_output0", "standard_analog_output1", "payload"), "DOUBLE"),
    **dict.fromkeys(
        ("target_q", "target_qd", "target_qdd", "target_current", "target_moment", "actual_q", "actual_qd",
         "actual_current", "joint_control_output", "actual_TCP_pose", "actual_TCP_speed", "actual_TCP_force",
         "target_TCP_pose", "target_TCP_speed", "joint_temperatures", "actual_joint_voltage", "payload_inertia",
         "ft_raw_wrench", "tcp_offset"), "VECTOR6D"),
    **dict.fromkeys(("actual_tool_accelerometer", "payload_cog", "elbow_position", "elbow_velocity"), "VECTOR3D"),
    **dict.fromkeys(("robot_mode", "safety_mode", "safety_status"), "INT32"),
    **dict.fromkeys(("runtime_state", "robot_status_bits", "safety_status_bits", "analog_io_types"), "UINT32"),
    **dict.fromkeys(("actual_digital_input_bits", "actual_digital_output_bits"), "UINT64"),
    "joint_mode": "VECTOR6INT32",
    **_registers("output"),
}  # fmt: skip
#: What a client may set: name -> type.
INPUTS: Mapping[str, str] = {
    "speed_slider_mask": "UINT32", "speed_slider_fraction": "DOUBLE",
    **dict.fromkeys(
        ("standard_digital_output_mask", "configurable_digital_output_mask", "tool_digital_output_mask",
         "standard_digital_output", "configurable_digital_output", "tool_digital_output",
         "standard_analog_output_mask", "standard_analog_output_type"), "UINT8"),
    "standard_analog_output_0": "DOUBLE", "standard_analog_output_1": "DOUBLE", "external_force_torque": "VECTOR6D",
    **_registers("input"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Package:
    """One package, its payload not yet read."""

    kind: Kind
    payload: bytes = b""

    def encode(self) -> bytes:
        """Its bytes.

        >>> Package(Kind.REQUEST_PROTOCOL_VERSION, b"\\x00\\x02").encode()
        b'\\x00\\x05V\\x00\\x02'
        """
        return _HEADER.pack(_HEADER.size + len(self.payload), self.kind) + self.payload


class Packages:
    """Packages out of a stream of bytes; `feed` raises `ValueError` for what is none."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Package]:
        """The packages that `data` completes."""
        self._rest += data
        found = []
        while len(self._rest) >= _HEADER.size:
            size, letter = _HEADER.unpack_from(self._rest)
            if size < _HEADER.size or letter not in tuple(Kind):
                raise ValueError(f"{self._rest[:8]!r} begins no RTDE package")
            if len(self._rest) < size:
                break
            found.append(Package(Kind(letter), self._rest[_HEADER.size : size]))
            self._rest = self._rest[size:]
        return found


@dataclass(frozen=True, slots=True)
class Recipe:
    """Variables of one data package: its number, their names and types."""

    number: int
    names: tuple[str, ...]
    types: tuple[str, ...]

    @property
    def _struct(self) -> struct.Struct:
        return struct.Struct(">B" + "".join(_FORMATS[each] for each in self.types))

    def pack(self, values: Iterable[Value]) -> Package:
        """A data package."""
        flat: list[float] = []
        for value in values:
            flat.extend(value if isinstance(value, tuple) else (value,))
        return Package(Kind.DATA_PACKAGE, self._struct.pack(self.number, *flat))

    def unpack(self, payload: bytes) -> dict[str, Value]:
        """The values of a data package; raises `ValueError` for one of another recipe, or of another length."""
        if len(payload) != self._struct.size or payload[0] != self.number:
            raise ValueError(f"a data package of {len(payload)} bytes is not one of recipe {self.number}")
        flat = iter(self._struct.unpack(payload)[1:])
        sizes = [int(_FORMATS[each][0]) if _FORMATS[each][0].isdigit() else 0 for each in self.types]
        return {
            name: tuple(next(flat) for _ in range(size)) if size else next(flat)
            for name, size in zip(self.names, sizes, strict=True)
        }


# CLIENT role: what is asked, and what its answer says


def ask_version() -> Package:
    """May we speak version 2?"""
    return Package(Kind.REQUEST_PROTOCOL_VERSION, struct.pack(">H", VERSION))


def ask_outputs(names: Sequence[str], frequency_hz: float) -> Package:
    """Tell these, so often."""
    return Package(Kind.SETUP_OUTPUTS, struct.pack(">d", frequency_hz) + ",".join(names).encode())


def accepted(payload: bytes) -> bool:
    """The answer to a version, a start or a pause; raises `ValueError`."""
    if payload not in (b"\x00", b"\x01"):
        raise ValueError(f"{payload!r} is neither yes nor no")
    return payload == b"\x01"


def controller_version(payload: bytes) -> tuple[int, ...]:
    """Major, minor, bugfix and build; raises `ValueError`."""
    if len(payload) != 16:
        raise ValueError(f"{payload!r} is no version of a controller")
    return struct.unpack(">4I", payload)


def outputs_told(payload: bytes, names: Sequence[str]) -> Recipe:
    """The recipe of an answer to `ask_outputs`; raises `ValueError` where a variable is not what it should be."""
    types = payload[1:].decode("ascii", "replace").split(",")
    wrong = [name for name, told in zip(names, types, strict=False) if told != OUTPUTS[name]]
    if not payload or len(types) != len(names) or wrong:
        raise ValueError(f"the controller does not tell {', '.join(wrong) or 'what it was asked for'}: {types}")
    return Recipe(payload[0], tuple(names), tuple(types))


# DEVICE role


def told_version(yes: bool) -> Package:
    """The answer to `ask_version`."""
    return Package(Kind.REQUEST_PROTOCOL_VERSION, bytes([yes]))


def told_names(payload: bytes) -> list[str]:
    """The names of a set-up; one client ends its list with a comma, and no name follows it."""
    return [name for name in payload.decode("ascii", "replace").split(",") if name]


def told_message(text: str, source: str = "controller", level: int = 1) -> Package:
    """A message for people; level 0 exception, 1 error, 2 warning, 3 information."""
    message, origin = text.encode()[:255], source.encode()
    return Package(Kind.TEXT_MESSAGE, bytes([len(message)]) + message + bytes([len(origin)]) + origin + bytes([level]))
