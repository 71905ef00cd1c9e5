"""The wire of IKA's RCT: NAMUR words in ASCII at 9600 baud 7E1, both roles.

A command is a word, perhaps with a value, and is ended by blank CR blank LF; the device takes CR LF as well. `IN_...`
is answered by a value and the number of its quantity; `OUT_..@n` by the value that was set; all others by nothing.

Source: IKA, RCT digital operating instructions, "Interfaces and outputs": command syntax, and the table of NAMUR
commands (IN_NAME to OUT_WD2@m), in which nothing tells a serial number or its software. Its answers as
matterlab-hotplates 1.2.1 reads them.
"""

import re
from dataclasses import dataclass
from enum import IntEnum

from drivers.core.lines import Lines

BAUD = 9600
END = b" \r \n"


class Quantity(IntEnum):
    """The number that stands at the end of a word."""

    PROBE = 1
    PLATE = 2
    SAFETY = 3
    SPEED = 4


HEAT, STIR = 1, 4  # what START_, STOP_ and the set-points of OUT_SP_ and IN_SP_ are about
_REQUEST = re.compile(r"([A-Z_]+?)(?:_?(\d+))?(?:(?:@|\s+|_)(-?\d+(?:\.\d+)?))?")


@dataclass(frozen=True, slots=True)
class Request:
    """One command: its word without the number, the number, and the value behind it."""

    word: str
    number: int | None = None
    value: float | None = None
    echo: bool = False


class Requests:
    """DEVICE role: commands out of what a client sends; what is none is passed over, as the device does."""

    def __init__(self) -> None:
        self._lines = Lines(b"\n")

    def feed(self, data: bytes) -> list[Request]:
        """The commands that `data` completes."""
        texts = (line.decode("latin-1").strip() for line in self._lines.feed(data))
        return [_request(match, text) for text in texts if (match := _REQUEST.fullmatch(text))]


def _request(match: "re.Match[str]", text: str) -> Request:
    number, value = match[2], match[3]
    return Request(
        match[1].rstrip("_"),
        None if number is None else int(number),
        None if value is None else float(value),
        "@" in text,
    )


class Replies:
    """CLIENT role: values out of what the device sends; raises `ValueError` for a line that holds none."""

    def __init__(self) -> None:
        self._lines = Lines(b"\n")

    def feed(self, data: bytes) -> list[tuple[float, int | None]]:
        """Value and number of each line that `data` completes."""
        return [_reply(line.decode("latin-1").strip()) for line in self._lines.feed(data)]


def _reply(text: str) -> tuple[float, int | None]:
    words = text.split()
    if not 1 <= len(words) <= 2 or not all(re.fullmatch(r"-?\d+(\.\d+)?", word) for word in words):
        raise ValueError(f"{text!r} is no value")
    return float(words[0]), int(words[1]) if len(words) == 2 else None


def encode_request(word: str, value: str = "") -> bytes:
    """CLIENT role: one command.

    >>> encode_request("OUT_SP_1", "60.0")
    b'OUT_SP_1 60.0 \\r \\n'
    """
    return f"{word} {value}".rstrip().encode("ascii") + END


def encode_value(value: float, number: int) -> bytes:
    """DEVICE role: the answer to `IN_...`.

    >>> encode_value(25.0, 1)
    b'25.0 1 \\r\\n'
    """
    return f"{value:.1f} {number} \r\n".encode("ascii")


def encode_echo(value: float) -> bytes:
    """DEVICE role: the answer to `OUT_..@n`."""
    return f"{value:g} \r\n".encode("ascii")
