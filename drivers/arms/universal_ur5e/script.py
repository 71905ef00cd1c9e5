"""The programs in URScript that the driver sends (TCP 30003), and what the twin reads of them. Pure; m, rad, s.

Universal Robots, "The URScript Programming Language"; and its article on remote control by TCP: a program that comes in
over a client interface replaces the one that runs. Nothing is answered there. So a program leaves its trace in
general-purpose registers, which RTDE tells: the key of the command, and how far it is. They stay until the controller
is switched off, so another process can read them too.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

#: Output registers (int): a command's key in two parts, its phase, the number of this try; and that of the last stop.
KEY_REGISTERS, PHASE_REGISTER, TRY_REGISTER, STOP_REGISTER = (40, 41), 42, 43, 44
Argument = bool | int | float | tuple[float, ...]
_CALL = re.compile(r"([a-z_]\w*)\((.*)\)", re.ASCII)
_ARGUMENT = re.compile(r"(?:([a-z_]\w*)\s*=\s*)?(p?\[[^\[\]]*\]|[^\[\],]+)(?:,|$)", re.ASCII)


class Phase(IntEnum):
    """How far a command's program is."""

    NONE = 0
    BEGUN = 1
    DONE = 2


@dataclass(frozen=True, slots=True)
class Call:
    """One line of a program: a function, and its arguments by place and by name."""

    function: str
    args: tuple[Argument, ...] = ()
    named: tuple[tuple[str, Argument], ...] = ()
    pose: bool = False  # whether its first argument is a pose, p[...]

    def text(self) -> str:
        """As URScript."""
        first = [("p" if self.pose else "") + _written(self.args[0])] if self.args else []
        rest = [*map(_written, self.args[1:]), *(f"{name}={_written(value)}" for name, value in self.named)]
        return f"{self.function}({', '.join(first + rest)})"

    def argument(self, name: str, place: int, default: float) -> float:
        """A number among its arguments."""
        value = dict(self.named).get(name, self.args[place] if len(self.args) > place else default)
        if isinstance(value, tuple):
            raise ValueError(f"{name} of {self.function} is no number")
        return float(value)


@dataclass(frozen=True, slots=True)
class Program:
    """A program of calls, one after the other."""

    name: str
    calls: tuple[Call, ...]

    def encode(self) -> bytes:
        """The lines that the controller is sent.

        >>> Program("stop_1", (Call("stopj", (4.0,)),)).encode()
        b'def stop_1():\\n  stopj(4.0)\\nend\\n'
        """
        lines = [f"def {self.name}():", *(f"  {call.text()}" for call in self.calls), "end", ""]
        return "\n".join(lines).encode()


def key(action: str) -> tuple[int, int]:
    """The key of an action's id: two positive numbers of 31 bits, none of them zero.

    >>> key("run/1") == key("run/1"), key("run/1") == key("run/2"), min(key("")) > 0
    (True, False, True)
    """
    digest = hashlib.sha256(action.encode()).digest()
    first, second = (int.from_bytes(digest[i : i + 8]) % (2**31 - 1) + 1 for i in (0, 8))
    return min(first, 2**31 - 1), min(second, 2**31 - 1)


def command(action: str, number: int, *calls: Call) -> Program:
    """The program of one command: its key before anything happens, then what it does, then that it is done.

    `number` tells this try of the command from an earlier one.
    """
    first, second = key(action)
    return Program(
        "lab_command",
        (
            _note(PHASE_REGISTER, Phase.NONE), _note(KEY_REGISTERS[0], first), _note(KEY_REGISTERS[1], second),
            _note(TRY_REGISTER, number), _note(PHASE_REGISTER, Phase.BEGUN), *calls, _note(PHASE_REGISTER, Phase.DONE),
        ),
    )  # fmt: skip


def stop(number: int, deceleration: float) -> Program:
    """The program that ends whatever runs and brings the arm to rest, rad/s2 of the leading joint."""
    return Program("lab_stop", (_note(STOP_REGISTER, number), Call("stopj", (deceleration,))))


def move_joints(joints: Sequence[float], acceleration: float, speed: float) -> Call:
    """To these angles, all joints together: rad, rad/s2 and rad/s of the leading one."""
    return Call("movej", (tuple(joints),), (("a", acceleration), ("v", speed)))


def move_tool(pose: Sequence[float], acceleration: float, speed: float) -> Call:
    """In a straight line to this pose: m and rotation vector, m/s2, m/s."""
    return Call("movel", (tuple(pose),), (("a", acceleration), ("v", speed)), pose=True)


def set_output(output: int, high: bool) -> Call:
    """A standard digital output, 0 to 7."""
    return Call("set_standard_digital_out", (output, high))


def _note(register: int, value: int) -> Call:
    return Call("write_output_integer_register", (register, int(value)))


def _written(value: Argument) -> str:
    """Numbers without an exponent, to a nanometre or a billionth of a radian."""
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, float):
        whole, _, digits = f"{value:.9f}".partition(".")
        return f"{whole}.{digits.rstrip('0') or '0'}"
    return repr(value)


# DEVICE role


class Programs:
    """Whole programs out of a stream of bytes: from a line that begins one to a line that is `end` and not indented.

    >>> programs = Programs()
    >>> programs.feed(b"def a():\\n  sync()\\nen"), programs.feed(b"d\\ndef b():")
    ([], ['def a():\\n  sync()\\nend\\n'])
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The programs that `data` completes; what is no text holds the sign for that in place of its bytes."""
        *whole, self._rest = (self._rest + data).split(b"\nend\n")
        return [program.decode("utf-8", "replace") + "\nend\n" for program in whole]


def name(text: str) -> str:
    """The name of a whole program; raises `ValueError` for what is none."""
    found = re.match(r"\s*(?:def|sec) (\w+)\(\):\s*\n", text, re.ASCII)
    if found is None or text.rstrip().rpartition("\n")[2].strip() != "end":
        raise ValueError("this is no program: it wants 'def name():', lines, and 'end'")
    return found[1]


def read(text: str) -> Program:
    """A program without branches or variables, as this driver sends it; raises `ValueError` for any other."""
    _, *lines, _ = (line.strip() for line in text.strip().splitlines())
    return Program(name(text), tuple(_call(line) for line in lines if line))


def _call(line: str) -> Call:
    found = _CALL.fullmatch(line)
    if found is None:
        raise ValueError(f"'{line}' is no call of a function")
    args: list[Argument] = []
    named: list[tuple[str, Argument]] = []
    place, rest = 0, found[2].strip()
    while place < len(rest):
        part = _ARGUMENT.match(rest, place)
        if part is None:
            raise ValueError(f"the arguments of '{line}' cannot be read")
        value = _read(part[2].strip())
        if part[1]:
            named.append((part[1], value))
        else:
            args.append(value)
        place = part.end() + len(rest[part.end() :]) - len(rest[part.end() :].lstrip())
    return Call(found[1], tuple(args), tuple(named), pose=rest.startswith("p["))


def _read(text: str) -> Argument:
    if text in ("True", "False"):
        return text == "True"
    if text.endswith("]"):
        return tuple(float(each) for each in text.lstrip("p")[1:-1].split(","))
    return int(text) if text.lstrip("-").isdecimal() else float(text)
