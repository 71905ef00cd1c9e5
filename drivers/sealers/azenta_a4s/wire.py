"""The wire of an a4S: frames of ASCII at 19200 baud 8N1, both roles.

A frame begins with `*` and ends with two letters that check it and `!`: `*00GS=zz!`, where `zz` stands for no check.
A command is an address (00), two letters, `=` and perhaps digits. The device answers `*Y00PM!`, or `*N` and a code,
and tells its state once a second, asked or not: `*T01:29:23=0432,0,2,00,00,188,000FL!` (time, then temperature in
0.1 degC, system, heater, error, warning, sensors, time left). CR follows each of its frames.

Sources: PyLabRobot 0.2.2, `sealing/a4s_backend.py` (commands, fields, bits of the sensors); frames recorded by
AD-SDL, `a4s_sealer_module` (answers, codes of `*N`). The check was found from those frames: all bytes of a frame, its
two letters counted as a byte in hexadecimal digits A to P, add up to 0 modulo 256. The maker's manual was not at hand.
"""

import re
from dataclasses import dataclass
from enum import IntEnum, IntFlag

BAUD = 19200
#: How often the device tells its state.
EVERY_S = 1.0
SEAL, RESET, HEATER_OFF = b"*00GS=zz!", b"*00SR=zz!", b"*00H0=zz!"
_COMMAND = re.compile(r"\d\d([A-Z][A-Z0-9])=?(\d*)([A-Za-z]{2})")
_REFUSAL = re.compile(rb"\*N(\d\d)..!")


class System(IntEnum):
    """What it does."""

    IDLE = 0
    SEALING = 1
    REPEATING = 2
    ERROR = 3
    FINISHED = 4


class Heater(IntEnum):
    """What its heater does."""

    OFF = 0
    READY = 1
    HEATING = 2
    COOLING = 3


class Sensor(IntFlag):
    """What it senses."""

    MIDDLE = 0x01
    OPEN = 0x02
    CLOSED = 0x04
    CLEAN_DOOR = 0x08
    ROLL = 0x10
    HEATER_UP = 0x20
    HEATER_DOWN = 0x40


class Code(IntEnum):
    """Why a command was refused (`*N`); BUSY is ours."""

    UNKNOWN = 0
    FORM = 1
    BUSY = 2


def check_letters(body: bytes) -> bytes:
    """The two letters that close a frame.

    >>> check_letters(b"*Y00")
    b'PM'
    """
    check = -(sum(body) + ord("!")) & 0xFF
    return bytes((ord("A") + (check >> 4), ord("A") + (check & 0xF)))


def encode(body: str) -> bytes:
    """DEVICE role: one frame with its check and CR."""
    data = f"*{body}".encode("ascii")
    return data + check_letters(data) + b"!\r"


ACCEPTED = encode("Y00")


def encode_refusal(code: Code) -> bytes:
    """DEVICE role: a command is not carried out.

    >>> encode_refusal(Code.UNKNOWN)
    b'*N00AH!\\r'
    """
    return encode(f"N{code:02d}")


@dataclass(frozen=True, slots=True)
class State:
    """What the device tells every second."""

    temperature_c: float
    system: System
    heater: Heater
    error: int
    sensors: Sensor
    left_s: float = 0.0

    def encode(self, at_s: float) -> bytes:
        """DEVICE role: the frame, with the device's clock.

        >>> State(43.2, System.IDLE, Heater.HEATING, 0, Sensor(188)).encode(5363)
        b'*T01:29:23=0432,0,2,00,00,188,000FL!\\r'
        """
        seconds = int(at_s) % 86400
        clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        fields = f"{round(self.temperature_c * 10):04d},{self.system:d},{self.heater:d},{self.error:02d},00"
        return encode(f"T{clock}={fields},{self.sensors:03d},{round(self.left_s * 10):03d}")


@dataclass(frozen=True, slots=True)
class Command:
    """One command, such as `DH` with 160; `code` says what is wrong with one that cannot be read."""

    verb: str
    value: int | None = None
    code: Code | None = None


class Commands:
    """DEVICE role: commands out of what a client sends; a `*` begins anew."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, data: bytes) -> list[Command]:
        """The commands that `data` completes."""
        *frames, self._rest = (self._rest + data.decode("latin-1")).split("!")
        return [_command(frame.rpartition("*")[2]) for frame in frames if "*" in frame]


def _command(body: str) -> Command:
    match = _COMMAND.fullmatch(body)
    if match is None:
        return Command("", code=Code.FORM)
    if match[3].lower() != "zz" and check_letters(f"*{body[:-2]}".encode("latin-1")) != match[3].encode("latin-1"):
        return Command("", code=Code.FORM)
    return Command(match[1], int(match[2]) if match[2] else None)


def refusal(data: bytes) -> int | None:
    """CLIENT role: the code of the first refusal in what the device sent, if there is one.

    >>> refusal(b"*T01:22:59=0224,0,0,00,00,188,000FM!*N01AG!")
    1
    """
    match = _REFUSAL.search(data)
    return int(match[1]) if match else None


def seal_time(duration_s: float) -> str:
    """CLIENT role: the command that sets how long the heater presses.

    >>> seal_time(2.5)
    '*00DT=0025zz!'
    """
    return f"*00DT={round(duration_s * 10):04d}zz!"
