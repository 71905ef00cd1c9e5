"""The wire of a Liconic STX: the host link of its Keyence PLC, ASCII at 9600 baud 8E1 after a break, both roles.

`CR` opens (`CC`); `ST` and `RS` set and reset a relay (`OK`), `RD` reads one (`0` or `1`) or a memory of five digits,
`WR DM5 00007` writes one; errors are `E0` to `E5`. Requests end with CR, replies with CR LF. Setting a relay begins a
motion; relay 1915 tells that it has ended, 1814 that it failed, and memory 200 how.

Source: PyLabRobot 0.2.2, `storage/liconic` (relays, memories, codes; parts of it are marked as untested there). That a
failed motion leaves relay 1915 down until handling is activated again follows from how it waits.
"""

import re
from dataclasses import dataclass
from enum import IntEnum

from drivers.core.lines import Lines

BAUD = 9600
OPEN, OPENED = "CR", "CC"
OK, NO_RELAY, NO_COMMAND = "OK", "E0", "E1"
#: No command: it spoils what an earlier client may have begun to write.
SYNC = b"?\r"
_REQUEST = re.compile(r"(ST|RS|RD|WR) (DM)?(\d{1,4})(?: (\d{1,5}))?")


class Relay(IntEnum):
    """What a relay is for."""

    ACTIVATE = 1801
    SHOVEL = 1812
    STATION = 1813
    FAILED = 1814
    INITIALISE = 1900
    OPEN_GATE = 1901
    CLOSE_GATE = 1902
    END_ACCESS = 1903
    TAKE_IN = 1904
    GIVE_OUT = 1905
    LOOK_AT_SHOVEL = 1911
    READY = 1915


class Memory(IntEnum):
    """What a memory holds."""

    CASSETTE = 0
    POSITION = 5
    STEPS = 23
    POSITIONS = 25
    FAILURE = 200
    SET_TEMPERATURE = 890  # 0.1 degC
    TEMPERATURE = 982


class Failure(IntEnum):
    """What memory 200 tells of a failed motion."""

    NONE = 0
    TRANSFER = 13  # no plate where one is wanted on the station, or one where none is
    IN_STACKER = 109
    OUT_OF_STACKER = 203


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `ST 1904`, `RD DM982`, `WR DM5 00007`, `CR`; verb "" for what is none."""

    verb: str
    number: int = 0
    is_memory: bool = False
    value: int | None = None


class Requests:
    """DEVICE role: requests out of what a client sends; empty ones are left out."""

    def __init__(self) -> None:
        self._lines = Lines(b"\r")

    def feed(self, data: bytes) -> list[Request]:
        """The requests that `data` completes."""
        texts = (line.decode("latin-1").strip() for line in self._lines.feed(data))
        return [_request(text) for text in texts if text]


def _request(text: str) -> Request:
    if text == OPEN:
        return Request(OPEN)
    match = _REQUEST.fullmatch(text)
    if match is None or (match[1] == "WR") != (match[4] is not None) or (match[1] == "WR" and not match[2]):
        return Request("")
    return Request(match[1], int(match[3]), match[2] is not None, int(match[4]) if match[4] else None)


def encode_reply(text: str) -> bytes:
    """DEVICE role: one reply."""
    return f"{text}\r\n".encode("ascii")


def number(value: int) -> str:
    """DEVICE role: a memory's value.

    >>> number(370)
    '00370'
    """
    return f"{value:05d}"


def answers(request: bytes, reply: bytes) -> bool:
    """CLIENT role: whether this is one whole reply, and of the kind that belongs to the request.

    >>> answers(b"RD 1915\\r", b"1\\r\\n"), answers(b"ST 1904\\r", b"1\\r\\n"), answers(b"ST 1904\\r", b"E1\\r\\n")
    (True, False, True)
    """
    well = {b"RD": rb"\d{1,5}", b"CR": b"CC"}.get(request[:2], b"OK")
    return re.fullmatch(rb"(%s|E[0-5])\r\n" % well, reply) is not None


def is_question(request: bytes) -> bool:
    """CLIENT role: whether a request only reads.

    >>> is_question(b"RD 1915\\r"), is_question(b"ST 1904\\r")
    (True, False)
    """
    return request.startswith(b"RD ")
