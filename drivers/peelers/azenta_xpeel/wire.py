"""The wire of an XPeel: lines of ASCII at 9600 baud 8N1, both roles.

A line begins with `*` and ends with CR LF. A motion is acknowledged at once (`*ack`) and answered when it has ended
(`*ready:04,00,00`: up to three codes of what went wrong); a question is answered without `*ack`.

Sources: PyLabRobot 0.2.2, `peeling/xpeel_backend.py`, and later versions of it (the adhere time goes as a digit 1 to 4;
0.2.2 sends the seconds); readings of the user manual 440140, pages 45 to 56, in other open drivers. The manual was not
at hand: what it says of a command that comes during a motion is not known. `*reset` is taken here to end the motion.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from drivers.core.lines import Lines

BAUD = 9600
ACK = b"*ack\r\n"
RESET = b"*reset\r\n"
STATUS = b"*stat\r\n"
#: No command, so that it does nothing but be refused: it spoils what an earlier client may have begun to write.
SYNC = b"?\r\n"
TAPE = b"*tapeleft\r\n"
ILLEGAL, NOT_REMOVED, NO_PLATE, NO_TAPE, STOPPED, FEW_SEALS = 5, 4, 6, 7, 9, 20
CODES = {
    1: "the conveyor's motor stalled", 2: "the elevator's motor stalled", 3: "the take-up spool stalled",
    NOT_REMOVED: "the seal was not removed", ILLEGAL: "it does not know the command", NO_PLATE: "it found no plate",
    NO_TAPE: "its tape is at an end, or broke", 8: "its parameters were not saved",
    STOPPED: "its stop button was pressed", 10: "its seal sensor does not work",
    FEW_SEALS: "fewer than 30 seals are left on its supply roll", 21: "its take-up spool has room for fewer than 30",
    51: "it is in emergency stop: a cover is open, or its hardware failed", 52: "its circuitry failed: remove power",
}  # fmt: skip
#: Codes that do not mean that the motion failed.
WARNINGS = frozenset({FEW_SEALS, 21})
ADHERE_S = {1: 2.5, 2: 5.0, 3: 7.5, 4: 10.0}


class Requests:
    """DEVICE role: lines out of what a client sends; empty ones are left out."""

    def __init__(self) -> None:
        self._lines = Lines(b"\n")

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes."""
        lines = (line.decode("latin-1").strip() for line in self._lines.feed(data))
        return [line for line in lines if line]


@dataclass(frozen=True, slots=True)
class Peel:
    """`*xpeel:AB`: a set of parameters (begin and speed) and how long the tape is pressed on."""

    parameters: int
    adhere_s: float


def read_peel(line: str) -> Peel | None:
    """DEVICE role: a peel command; None for another line, or one that is not allowed.

    >>> read_peel("*xpeel:41"), read_peel("*xpeel:42.5")
    (Peel(parameters=4, adhere_s=2.5), None)
    """
    digits = line.removeprefix("*xpeel:")
    if digits == line or len(digits) != 2 or digits[0] not in "123456789" or digits[1] not in "1234":
        return None
    return Peel(int(digits[0]), ADHERE_S[int(digits[1])])


def mended(request: bytes) -> bytes:
    """CLIENT role: PyLabRobot 0.2.2's peel command with the adhere time as the device takes it.

    >>> mended(b"*xpeel:47.5\\r\\n"), mended(b"*stat\\r\\n")
    (b'*xpeel:43\\r\\n', b'*stat\\r\\n')
    """
    parameters, seconds = request[7:8], request[8:].strip()
    if not request.startswith(b"*xpeel:") or b"." not in seconds:
        return request
    codes = {adhere_s: code for code, adhere_s in ADHERE_S.items()}
    return b"*xpeel:%s%d\r\n" % (parameters, codes[float(seconds)])


def encode_ready(*codes: int) -> bytes:
    """DEVICE role: a motion has ended, or the answer to a question about the last one.

    >>> encode_ready(4)
    b'*ready:04,00,00\\r\\n'
    """
    return ("*ready:" + ",".join(f"{code:02d}" for code in (*codes, 0, 0, 0)[:3]) + "\r\n").encode("ascii")


def is_success(line: bytes) -> bool:
    """CLIENT role: whether this line tells that a motion has ended well.

    >>> is_success(b"*ready:00,00,00\\r\\n"), is_success(b"*ready:05,00,00\\r\\n"), is_success(b"*ack\\r\\n")
    (True, False, False)
    """
    codes = re.match(rb"\*ready:(\d\d),(\d\d),(\d\d)\b", line)
    return codes is not None and {int(code) for code in codes.groups()} <= {0, *WARNINGS}


def encode_tape(left: int, room: int) -> bytes:
    """DEVICE role: seals that the supply spool takes off yet, and that the take-up spool has room for.

    >>> encode_tape(400, 300)
    b'*tape:40,30\\r\\n'
    """
    return f"*tape:{left // 10:02d},{room // 10:02d}\r\n".encode("ascii")


def tape(lines: Sequence[str]) -> tuple[int, int]:
    """CLIENT role: seals left and room for them, in tens, from the answer to `*tapeleft`; raises ValueError.

    >>> tape(["*tape:40,30", "*ready:00,00,00"])
    (400, 300)
    """
    told = next((line for line in lines if line.startswith("*tape:")), "")
    left, room = told.removeprefix("*tape:").split(",")
    return int(left) * 10, int(room) * 10


def ready(line: str) -> tuple[int, ...] | None:
    """CLIENT role: the codes of a `*ready` line without zeros; None for another line. Raises ValueError.

    >>> ready("*ready:04,20,00"), ready("*ack")
    ((4, 20), None)
    """
    if not line.startswith("*ready:"):
        return None
    fields = line[7:].split(" ")[0].split(",")
    if len(fields) != 3:
        raise ValueError(f"{line!r} has not three codes")
    return tuple(code for code in map(int, fields) if code)
