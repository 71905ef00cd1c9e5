"""The wire of Cavro's pumps: one of two frames about the same words, both roles.

DT: `/`, the address, the words, CR; answered by `/0`, status, data, ETX, CR LF. OEM: STX, the address, a sequence byte
(`0` + a number of 1 to 7, + 8 where the command is repeated because no answer came), the words, ETX and the exclusive
or of all before; answered by STX, `0`, status, data, ETX and the same check. Address switch 0 is `1`, 1 is `2`, and so
on. The status byte has bit 6 set, bit 5 where the pump is ready, and an error in bits 0 to 3.

Source: Tecan, Cavro XLP 6000 Operating Manual (734237-C), chapter 3: "Communication Protocols", "Report Commands" and
"Error Codes and Pump Status".
"""

from dataclasses import dataclass
from functools import reduce
from operator import xor

BAUD = 9600
STX, ETX = 0x02, 0x03
MASTER = ord("0")
#: Positions of a whole stroke: in half steps, and in microsteps (mode N1).
STROKE, FINE_STROKE = 6000, 48_000
SPEED = (5, 6000)  # half steps a second
ERRORS = {
    1: "it cannot initialise itself",
    2: "it does not know the command",
    3: "a value is out of its range",
    4: "the words stand in a wrong order",
    6: "its memory failed",
    7: "it is not initialised",
    9: "its plunger is blocked",
    10: "its valve is blocked",
    11: "its plunger may not move with the valve in this position",
    15: "it is still busy with another command",
}
NOT_INITIALISED, PLUNGER, VALVE, OVERFLOW = 7, 9, 10, 15


@dataclass(frozen=True, slots=True)
class Request:
    """One command; `sequence` is 0 in the DT frame, `is_repeated` asks for an answer without doing it again."""

    address: int
    words: str
    sequence: int = 0
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: whether the pump is ready, its error (0 for none), and data."""

    is_ready: bool
    error: int = 0
    data: str = ""


def encode_request(request: Request) -> bytes:
    """CLIENT role: OEM where there is a sequence number, else DT.

    >>> encode_request(Request(0, "ZR"))
    b'/1ZR\\r'
    >>> encode_request(Request(0, "Q", 1)).hex(" ")
    '02 31 31 51 03 50'
    """
    address, words = ord("1") + request.address, request.words.encode("ascii")
    if not request.sequence:
        return b"/" + bytes([address]) + words + b"\r"
    flag = 0x30 + request.sequence + (8 if request.is_repeated else 0)
    return _checked(bytes([STX, address, flag]) + words + bytes([ETX]))


def encode_reply(reply: Reply, *, oem: bool) -> bytes:
    """DEVICE role: an answer.

    >>> encode_reply(Reply(True, data="3000"), oem=False)
    b'/0`3000\\x03\\r\\n'
    """
    status = bytes([MASTER, 0x40 + (0x20 if reply.is_ready else 0) + reply.error])
    data = reply.data.encode("ascii") + bytes([ETX])
    return _checked(bytes([STX]) + status + data) if oem else b"/" + status + data + b"\r\n"


def _checked(block: bytes) -> bytes:
    return block + bytes([reduce(xor, block)])


class Replies:
    """CLIENT role: answers in either frame; raises `ValueError` for what is none. 0xFF before one is passed over."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> list[Reply]:
        """The answers that `data` completes."""
        self._data = (self._data + data).lstrip(b"\xff")
        found = []
        while block := self._next():
            if len(block) < 2 or block[0] != MASTER or not block[1] & 0x40 or block[1] & 0x90:
                raise ValueError(f"{block!r} is no answer of a Cavro pump")
            found.append(Reply(bool(block[1] & 0x20), block[1] & 0x0F, block[2:].decode("latin-1")))
        return found

    def _next(self) -> bytes:
        if not self._data:
            return b""
        if self._data[0] not in (STX, ord("/")):
            raise ValueError(f"{self._data!r} does not begin as an answer")
        end = self._data.find(bytes([ETX]))
        tail = 1 if self._data[0] == STX else 2
        if end < 0 or len(self._data) < end + 1 + tail:
            return b""
        whole, self._data = self._data[: end + 1 + tail], self._data[end + 1 + tail :]
        if whole[0] == STX and _checked(whole[:-1]) != whole:
            raise ValueError(f"the check of {whole!r} is wrong")
        if whole[0] != STX and not whole.endswith(b"\r\n"):
            raise ValueError(f"{whole!r} does not end as an answer")
        return whole[1:end]


class Requests:
    """DEVICE role: commands in either frame; what does not belong to one, or has a wrong check, is passed over."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> list[Request]:
        """The commands that `data` completes."""
        self._data += data
        found = []
        while self._data:
            if self._data[0] == ord("/"):
                line, end, rest = self._data.partition(b"\r")
                if not end:
                    break
                self._data = rest
                if len(line) >= 2:
                    found.append(Request(line[1] - ord("1"), line[2:].decode("latin-1")))
            elif self._data[0] == STX:
                end_at = self._data.find(bytes([ETX]))
                if end_at < 0 or len(self._data) < end_at + 2:
                    break
                block, self._data = self._data[: end_at + 2], self._data[end_at + 2 :]
                if len(block) >= 5 and _checked(block[:-1]) == block:
                    words = block[3:end_at].decode("latin-1")
                    found.append(Request(block[1] - ord("1"), words, block[2] & 7, bool(block[2] & 8)))
            else:
                self._data = self._data[1:]
        return found
