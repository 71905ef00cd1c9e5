"""The wire of a Thermo Fisher ATC (and ProFlex): SCPI-like messages of ASCII on TCP port 7000, both roles.

A message is one line, `TBC1:RUNTitle?` or `RUNS:NEW -x=1 name`, or one with a body: the line then ends with
`<multiline.outer>`, and a line `</multiline.outer>` closes it. The device answers `OK` and the message again with its
values, or `ERRor`; what takes time is answered `NEXT` when it has begun and `OK` when it has ended. A client proves
that it knows a secret (`CHAL?`, `AUTH`) before anything else.

Source: PyLabRobot 0.2.2, `thermocycling/thermo_fisher` and its tests, which hold answers of a device. What an `ERRor`
says behind that word is ours.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

TCP_PORT = 7000
#: Block type of the ATC: one block of three zones, a lid with a motor.
BLOCK_TYPE, ZONES = "31", 3
NO_RUN = "-"
#: What every device of the maker expects on its plain port; no secret any more (it is in PyLabRobot).
SHARED = b"f4ct0rymt55"
_OPENS = re.compile(r"<(multiline\.\w+)>$")
_RAMP = re.compile(r"RAMP (?:-\S+ )*([\d. ]+)")


def proof(challenge: str) -> str:
    """Both roles: what `AUTH` has to say to a challenge."""
    return hmac.new(SHARED, challenge.encode("ascii"), hashlib.md5).hexdigest()


class Messages:
    """Both roles: whole messages, with their bodies, out of a stream; ends of lines are LF or CR LF."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[str] = []
        self._open: list[str] = []

    def feed(self, data: bytes) -> list[str]:
        """The messages that `data` completes."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [message for line in lines if (message := self._take(line.decode("ascii", "replace").rstrip("\r")))]

    def _take(self, line: str) -> str:
        self._lines.append(line)
        opens = _OPENS.search(line.rstrip())
        if opens:
            self._open.append(opens[1])
        elif self._open and line.strip() == f"</{self._open[-1]}>":
            self._open.pop()
        if self._open:
            return ""
        lines, self._lines = self._lines, []
        return "\n".join(lines).strip()


@dataclass(frozen=True, slots=True)
class Request:
    """DEVICE role: a message taken apart; `args` are the words that are no `-parameter=value`."""

    text: str
    verb: str
    params: dict[str, str]
    args: tuple[str, ...]
    body: tuple[str, ...] = ()


def read_request(message: str) -> Request:
    """DEVICE role: the parts of a message.

    >>> read_request("TBC1:BLOCK 1 25").args
    ('1', '25')
    """
    head, *body = message.split("\n")
    words = _OPENS.sub("", head.rstrip()).split() or [""]
    params = dict(word[1:].partition("=")[::2] for word in words[1:] if word.startswith("-"))
    args = tuple(word for word in words[1:] if not word.startswith("-"))
    return Request(message, words[0], params, args, tuple(line.strip() for line in body[:-1]))


def encode(status: str, text: str, *values: object) -> bytes:
    """DEVICE role: an answer; status OK, NEXT or ERRor.

    >>> encode("OK", "TBC1:RUNTitle?", "-")
    b'OK TBC1:RUNTitle? -\\r\\n'
    """
    return " ".join((status, text, *map(str, values))).encode("ascii", "replace") + b"\r\n"


def encode_request(text: str) -> bytes:
    """CLIENT role: a message of one line."""
    return text.encode("ascii") + b"\r\n"


def answers(message: str, verb: str) -> bool:
    """CLIENT role: whether a message is an answer to that verb; an `ERRor` is one unless it names another.

    >>> answers('OK RUNS:EXISTs? -type=folders "x" False', "RUNS:EXISTS?"), answers("OK AUTH", "CHAL?")
    (True, False)
    """
    words = message.lower().split(None, 2)
    if len(words) < 2:
        return False
    return words[1] == verb.lower() or (words[0] == "error" and ":" not in words[1])


def end_of(message: str, verb: str) -> str:
    """CLIENT role: how what takes time has ended, `OK` or `ERRor`; empty for what is no word of that.

    >>> end_of("OK TBC1:RunProtocol a b", "TBC1:RunProtocol"), end_of("NEXT TBC1:RunProtocol a b", "TBC1:RunProtocol")
    ('OK', '')
    """
    words = message.split(None, 2)
    return words[0] if len(words) > 1 and words[1] == verb and words[0] in ("OK", "ERRor") else ""


@dataclass(frozen=True, slots=True)
class Hold:
    """One step of a method: a temperature, and for how long (None: without end)."""

    temperature_c: float
    hold_s: float | None


@dataclass(frozen=True, slots=True)
class Stage:
    """Steps that are repeated."""

    holds: tuple[Hold, ...]
    times: int


def read_method(body: Sequence[str]) -> tuple[Stage, ...]:
    """DEVICE role: the stages of a `Protocol` message. Raises ValueError.

    >>> read_method(["STAGe -repeat=2 1 a <multiline.stage>", "STEP 1 <multiline.step>", "RAMP -rate=100 95 95 95",
    ...              "HOLD 30", "</multiline.step>", "</multiline.stage>"])
    (Stage(holds=(Hold(temperature_c=95.0, hold_s=30.0),), times=2),)
    """
    stages: list[tuple[list[Hold], int]] = []
    ramp_c: float | None = None
    for line in body:
        if line.startswith("STAGe"):
            stages.append(([], int(read_request(line).params["repeat"])))
        elif match := _RAMP.fullmatch(line):
            ramp_c = float(match[1].split()[0])
            stages[-1][0].append(Hold(ramp_c, 0.0))
        elif line.startswith("HOLD"):
            seconds = line.split()[1:]
            stages[-1][0][-1] = Hold(stages[-1][0][-1].temperature_c, float(seconds[0]) if seconds else None)
    if not stages or not all(holds for holds, _ in stages):
        raise ValueError("a method needs stages, and each stage steps")
    return tuple(Stage(tuple(holds), times) for holds, times in stages)
