"""The wire of a Thermo Cytomat: telegrams of ASCII at 9600 baud 8N1, both roles.

A request is a class and a command of two letters, perhaps a parameter, and CR (LF may follow): `mv:ts 007`. A
question (`ch:`) is answered by its command and a value, `it +37.0 +36.8`; an action (`mv:`, `ll:`, `rs:`) by
`ok` and the overview register once it has begun, or by `er` and a code when it has not. Whether it has ended only
the overview register tells (`ch:bs`), and how it ended the error register (`ch:be`, cleared by `rs:be`).

Sources: PyLabRobot 0.2.2, `storage/cytomat` (frames, registers, codes of both kinds, the order of the two values of
`ch:it`: nominal, actual); open-cytomat 0.1.3, `climate_controller.py` (`ll:it`, and the same order) and
`plate_handler.py`. The maker's manual was not at hand.
"""

import re
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from drivers.core.lines import Lines

BAUD = 9600
#: No command, so that it does nothing but be refused: it spoils what an earlier client may have begun to write.
SYNC = b"?\r"
_REPLY = re.compile(rb"\s*([a-z]{2}) [0-9A-Fa-f+. -]+\r")


class Status(IntFlag):
    """The overview register (`ch:bs`); PyLabRobot writes its bits from the other end."""

    BUSY = 0x01
    READY = 0x02  # the sources disagree: ready (PyLabRobot), or a command was executed (open-cytomat)
    WARNING = 0x04
    ERROR = 0x08
    SHOVEL = 0x10  # a plate is on the handler's shovel
    GATE = 0x20  # the automatic gate is open
    DOOR = 0x40  # the door for people is open
    STATION = 0x80  # a plate is on the transfer station


class Refusal(IntEnum):
    """Codes of `er`: the action was not begun."""

    BUSY = 0x01
    UNKNOWN_COMMAND = 0x02
    TELEGRAM = 0x03
    PARAMETER = 0x04
    LOCATION = 0x05
    SHOVEL_FULL = 0x21
    SHOVEL_EMPTY = 0x22
    STATION_EMPTY = 0x31
    STATION_FULL = 0x32


class Fault(IntEnum):
    """The error register (`ch:be`): how the last action failed."""

    NONE = 0x00
    NOT_LOADED = 0x02
    NOT_UNLOADED = 0x03
    GATE_NOT_OPEN = 0x06
    GATE_NOT_CLOSED = 0x07


@dataclass(frozen=True, slots=True)
class Request:
    """One telegram, such as `mv:ts 007`: verb `mv:ts`, parameter `007`."""

    verb: str
    parameter: str = ""

    @property
    def slot(self) -> int | None:
        """The parameter as a slot of three digits; None where it is none."""
        return int(self.parameter) if len(self.parameter) == 3 and self.parameter.isdecimal() else None


class Requests:
    """DEVICE role: requests out of what a client sends; LF beside CR is ignored, and so are empty lines."""

    def __init__(self) -> None:
        self._lines = Lines(b"\r")

    def feed(self, data: bytes) -> list[Request]:
        """The requests that `data` completes."""
        texts = (line.decode("latin-1").strip() for line in self._lines.feed(data))
        return [
            Request(verb, parameter.strip()) for text in texts if text for verb, _, parameter in [text.partition(" ")]
        ]


def encode_ok(status: Status) -> bytes:
    """DEVICE role: an action has begun.

    >>> encode_ok(Status.BUSY | Status.STATION)
    b'ok 81\\r'
    """
    return f"ok {status:02X}\r".encode("ascii")


def encode_refusal(code: Refusal) -> bytes:
    """DEVICE role: an action was not begun."""
    return f"er {code:02X}\r".encode("ascii")


def encode_value(question: str, value: str) -> bytes:
    """DEVICE role: the answer to a question.

    >>> encode_value("ch:bs", "82")
    b'bs 82\\r'
    """
    return f"{question.partition(':')[2]} {value}\r".encode("ascii")


def slot_parameter(slot: int) -> str:
    """CLIENT role: a slot as an action takes it.

    >>> slot_parameter(7)
    '007'
    """
    return f"{slot:03d}"


def temperature_parameter(temperature_c: float) -> str:
    """CLIENT role: a set-point as `ll:it` takes it.

    >>> temperature_parameter(4.04)
    '04.0'
    """
    return f"{temperature_c:04.1f}"


def answers(reply: bytes, request: bytes) -> bool:
    """CLIENT role: whether this is one whole reply, and one to that request.

    >>> answers(b"it +37.0 +36.8\\r", b"ch:it\\r\\n"), answers(b"it +37.0 +36.8\\r", b"ch:bs\\r\\n")
    (True, False)
    """
    match = _REPLY.fullmatch(reply)
    return match is not None and match[1] in (b"ok", b"er", request[3:5])


def is_refusal(data: bytes) -> bool:
    """CLIENT role: whether a reply says that the action was not begun."""
    return data.lstrip().startswith(b"er ")


def is_question(request: bytes) -> bool:
    """CLIENT role: whether a request only reads.

    >>> is_question(b"ch:bs\\r\\n"), is_question(b"mv:ts 007\\r\\n"), is_question(b"rs:be\\r\\n")
    (True, False, False)
    """
    return request.startswith(b"ch:")
