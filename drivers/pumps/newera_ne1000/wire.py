"""The wire of New Era's syringe pumps: commands in ASCII in one of two frames, both roles.

Basic: `<address><command> CR` is answered by `STX <address, two digits><status><data> ETX`. Safe: both ways STX, the
number of bytes that follow, the same text, its CRC (CCITT, 16 bit, from 0, high byte first), ETX. Numbers have four
digits at most, three of them behind the point. A pump takes either frame and answers in the one that it is set to.

Source: New Era, "NE-1000 Programmable Syringe Pump" user manual (publication 1200-01), sections "RS-232 Protocol: Basic
Mode", "Safe Mode", "Common Syntax" and "Command Errors and Alarms".
"""

import re
from binascii import crc_hqx
from dataclasses import dataclass

BAUD = 19200
STX, ETX, CR = 0x02, 0x03, 0x0D
#: Status letters; while the first two show, liquid moves.
INFUSING, WITHDRAWING, STOPPED, PAUSED, RUNNING = "I", "W", "S", "P", "IWX"
ALARMS = {
    "R": "it was without power and has lost its settings",
    "S": "its motor stalled: the syringe is at its end, or something blocks it",
    "T": "it heard nothing for too long and stopped",
    "E": "its program is wrong",
    "O": "its program's phase is out of range",
}
ERRORS = {
    "": "it does not know the command",
    "NA": "the command cannot be used now",
    "OOR": "a value is out of its range",
    "COM": "the command came to it garbled",
    "IGN": "the command was ignored",
}
_REPLY = re.compile(r"(\d\d)(?:([IWSPTUX])|A\?([RSTEO]))(.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, alarm and data of an answer; `error` is one of `ERRORS` where the command was refused."""

    address: int
    status: str
    alarm: str = ""
    data: str = ""
    error: str | None = None


def encode_request(address: int, command: str, *, safe: bool) -> bytes:
    """CLIENT role: one command in its frame.

    >>> encode_request(0, "SAF0", safe=True).hex(" ")
    '02 09 30 53 41 46 30 59 ad 03'
    """
    text = f"{address}{command}".encode("ascii")
    return framed(text) if safe else text + b"\r"


def framed(text: bytes) -> bytes:
    """Text in the safe frame; the manual gives that of `SAF0`.

    >>> framed(b"SAF0") == b"\\x02\\x08SAF0\\x55\\x43\\x03"
    True
    """
    return bytes([STX, len(text) + 4]) + text + crc_hqx(text, 0).to_bytes(2, "big") + bytes([ETX])


def encode_reply(reply: Reply, *, safe: bool) -> bytes:
    """DEVICE role: one answer in its frame.

    >>> encode_reply(Reply(0, "S", data="5.000MH"), safe=False)
    b'\\x0200S5.000MH\\x03'
    """
    status = f"A?{reply.alarm}" if reply.alarm else reply.status
    error = "" if reply.error is None else f"?{reply.error}"
    text = f"{reply.address:02}{status}{error or reply.data}".encode("ascii")
    return framed(text) if safe else bytes([STX]) + text + bytes([ETX])


class Replies:
    """CLIENT role: answers in either frame; raises `ValueError` for what is none."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> list[Reply]:
        """The answers that `data` completes."""
        self._data += data
        found = []
        while text := self._next():
            match = _REPLY.fullmatch(text.decode("latin-1"))
            if match is None:
                raise ValueError(f"{text!r} is no answer of a New Era pump")
            error = match[4][1:] if match[4].startswith("?") else None
            found.append(
                Reply(int(match[1]), match[2] or "", match[3] or "", "" if error is not None else match[4], error)
            )
        return found

    def _next(self) -> bytes:
        if self._data and self._data[0] != STX:
            raise ValueError(f"{self._data!r} does not begin as an answer")
        if len(self._data) < 2:
            return b""
        if not chr(self._data[1]).isdigit():
            text, self._data = unframed(self._data)
            return text
        text, end, rest = self._data[1:].partition(bytes([ETX]))
        if not end:
            return b""
        self._data = rest
        return text


def unframed(data: bytes) -> tuple[bytes, bytes]:
    """The text of a safe frame and what follows it; nothing and all of it while it is not whole.

    >>> unframed(b"\\x02\\x08SAF0\\x55\\x43\\x03rest")
    (b'SAF0', b'rest')
    """
    length = data[1]
    if len(data) < length + 1:
        return b"", data
    text, crc, end = data[2 : length - 2], data[length - 2 : length], data[length]
    if length < 5 or end != ETX or int.from_bytes(crc, "big") != crc_hqx(text, 0):
        raise ValueError(f"{data[: length + 1]!r} is no whole frame")
    return text, data[length + 1 :]


class Requests:
    """DEVICE role: commands in either frame, each with whether its frame was the safe one; None for a garbled one."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> list[tuple[str | None, bool]]:
        """The commands that `data` completes; blanks and control characters are passed over, letters are capitals."""
        self._data += data
        found: list[tuple[str | None, bool]] = []
        while self._data:
            if self._data[0] == STX:
                if len(self._data) < 2:
                    break
                try:
                    text, self._data = unframed(self._data)
                except ValueError:
                    self._data = b""
                    found.append((None, True))
                    break
                if not text:
                    break
                found.append((_plain(text), True))
            else:
                line, end, rest = self._data.partition(b"\r")
                if not end:
                    break
                self._data = rest
                found.append((_plain(line), False))
        return found


def _plain(text: bytes) -> str:
    return "".join(chr(byte) for byte in text if 0x20 < byte < 0x7F).upper()


def number(value: float) -> str:
    """A number as the pump takes it: four digits, at most three behind the point.

    >>> number(1234.6), number(99.995), number(0.12345), number(5.0)
    ('1235', '100.0', '0.123', '5.000')
    """
    for places in (3, 2, 1, 0):
        text = f"{value:.{places}f}"
        if len(text.replace(".", "")) <= 4:
            return text
    raise ValueError(f"{value:g} has more than four digits")
