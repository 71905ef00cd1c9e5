"""The wire of a PreciseFlex arm: ASCII lines of the TCP Command Server (TCS) on its controller, both roles.

A request is `verb arg ... LF` (a CR before the LF is ignored, as is the case of the verb); each is answered
by `code data CR LF`, in order, where code 0 is success and a negative code an error. In PC mode, the only one
used here, an error of the GPL language comes as its code alone, one of TCS with its text.

Sources: Precise Automation, TCP Command Server (TCS) User's Guide, version 3.0C1 (2020/21), sections 2.4 (two
ports: robot and status), 3.3.1 (motion), 4.1 (syntax), 4.4 (commands) and appendix B (codes); the meaning of
GPL's codes is in `pylabrobot.arms.precise_flex.error_codes`. The verbs of the plug-ins PARobot and SSGrip
(pickplate, GraspPlate and others): the docstrings of PyLabRobot 0.2.2.
"""

import math
from dataclasses import dataclass

from drivers.core.errors import ProtocolViolation
from drivers.core.lines import Lines

ROBOT_PORT = 10100
STATUS_PORTS = (10000, 10001, 10002, 10003)

#: TCS's own codes and texts (User's Guide, appendix B).
TCS_ERRORS = {
    -2800: "*Warning Parameter Mismatch*",
    -2801: "*Warning No Parameters",
    -2802: "*Warning Illegal move command*",
    -2803: "*Warning Invalid joint angles*",
    -2804: "*Warning: Invalid Cartesian coordinate values*",
    -2805: "*Unknown command*",
    -2806: "*Command Exception*",
    -2808: "*Not allowed by this thread*",
    -2814: "*Invalid location index*",
    -2815: "*Invalid profile index*",
    -2816: "*Undefined location*",
}
#: Codes that refuse a single command before it moves anything: a bad argument, no robot, no power, not homed,
#: or a place that the arm cannot reach.
REFUSALS = frozenset(TCS_ERRORS) - {-2806} | {-717, -1001, -1009, -1010, -1012, -1021, -1039, -1040, -1042, -1046}

#: `Config` bits of a Cartesian location (GPL, class Location).
ELBOW = {"right": 0x01, "left": 0x02}


class TcsError(Exception):
    """What a controller answers instead of success."""

    def __init__(self, code: int) -> None:
        super().__init__(f"{code} {TCS_ERRORS.get(code, '')}".rstrip())
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """One command; `verb` in small letters."""

    verb: str
    args: tuple[str, ...] = ()

    def numbers(self) -> tuple[float, ...]:
        """The arguments as numbers, an empty one as 0; raises `TcsError` -717 for what is none."""
        try:
            values = tuple(float(arg) if arg else 0.0 for arg in self.args)
        except ValueError:
            raise TcsError(-717) from None
        if not all(map(math.isfinite, values)):
            raise TcsError(-717)
        return values


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; `data` is what follows the code."""

    code: int
    data: str = ""


class Requests:
    """DEVICE role: requests out of what a client sends."""

    def __init__(self) -> None:
        self._lines = Lines(b"\n")

    def feed(self, data: bytes) -> list[Request]:
        """The requests that `data` completes; an empty line is one without a verb."""
        found = []
        for line in self._lines.feed(data):
            verb, *args = line.decode("latin-1").removesuffix("\r").split(" ")
            found.append(Request(verb.lower(), tuple(args)))
        return found


class Replies:
    """CLIENT role: replies out of what a controller sends."""

    def __init__(self) -> None:
        self._lines = Lines(b"\r\n")

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that `data` completes; raises `ProtocolViolation` for a line without a code."""
        found = []
        for line in self._lines.feed(data):
            code, _, rest = line.decode("latin-1").partition(" ")
            try:
                found.append(Reply(int(code), rest))
            except ValueError:
                raise ProtocolViolation(f"TCS answered {line!r}, which begins with no code.") from None
        return found


def command(verb: str, *args: float | str) -> str:
    """One command as text, without its end.

    >>> command("GraspPlate", 85.48, 50, 10.0)
    'GraspPlate 85.48 50 10'
    """
    return " ".join([verb, *(arg if isinstance(arg, str) else number(arg) for arg in args)])


def encode_request(verb: str, *args: float | str) -> bytes:
    """CLIENT role: one request."""
    return (command(verb, *args) + "\n").encode("ascii")


def encode_reply(reply: Reply) -> bytes:
    """DEVICE role: one reply; an error of TCS carries its text."""
    text = f"{reply.code} {reply.data or TCS_ERRORS.get(reply.code, '')}".rstrip()
    return (text + "\r\n").encode("ascii")


def number(value: float) -> str:
    """A number as TCS writes it: at most three decimals, none that is not needed.

    >>> number(302.0), number(-0.15), number(-0.0001), number(1234.5678)
    ('302', '-0.15', '0', '1234.568')
    """
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def numbers(data: str) -> tuple[float, ...]:
    """CLIENT role: the numbers of a reply's data; raises `ValueError`."""
    return tuple(float(word) for word in data.split())
