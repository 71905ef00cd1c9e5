"""The firmware text of a Hamilton Microlab STAR: one message for one command, both roles. Pure.

A command is the node (`C0` the master, `P1` to `P8` the channels, `H0` the 96 head, `R0` the iSWAP, `I0` the auto
load, `X0` the X drives), two letters, `id` with four digits, and parameters: two small letters, then a value. A list
has one value a channel, from the backmost on; one that is shorter than the channels ends with `&`. The answer begins
as the command did; `er00/00` is success of the master, `er00` of another node. Where a node below failed, the master
says `er99/00` and each such node with its own pair: `P108/75` is channel 1, error 8, trace 75.

Over USB the packets keep messages apart. A stream has none, so here each message ends with a line feed; that is our own
(`drivers/transports/usb.py` takes it off and puts it on).

Source: PyLabRobot 0.2.2, `liquid_handling.backends.hamilton.STAR_backend`: its commands with their ranges, its tables
of errors and traces, and the answers in its tests.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from drivers.core.errors import ProtocolViolation
from drivers.core.lines import Lines

MASTER, HEAD96, ISWAP, AUTOLOAD, X_DRIVES = "C0", "H0", "R0", "I0", "X0"
CHANNELS = tuple(f"P{digit}" for digit in "12345678")
END = b"\n"

_MESSAGE = re.compile(r"([A-Z][0-9A-Z])([A-Z]{2})(?:id(\d{4}))?(.*)", re.DOTALL)
_PARAMETER = re.compile(r"([a-z]{2})([^a-z]*)")
#: Its value is the name of another parameter: `RAid0001rapw`.
_NAMED = re.compile(r"ra([a-z]{2})$")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a node reports: its error and, more exactly, its trace."""

    node: str
    error: int
    trace: int


class Refused(Exception):
    """A command that the firmware does not take, or that a node fails."""

    def __init__(self, *troubles: Trouble) -> None:
        super().__init__(" ".join(f"{t.node}{t.error:02}/{t.trace:02}" for t in troubles))
        self.troubles = troubles


@dataclass(frozen=True)
class Request:
    """One command: values of parameters as they were written."""

    node: str
    verb: str
    id: str | None
    params: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def name(self) -> str:
        """Node and command, such as `C0AS`."""
        return self.node + self.verb

    def number(self, name: str, default: int | None = None) -> int:
        """A parameter that is one number; raises `KeyError` where it is missing and has no default."""
        if name not in self.params and default is not None:
            return default
        return int(self.params[name])

    def numbers(self, name: str, count: int, default: int = 0) -> list[int]:
        """A list with a value for each of `count` channels, those that were left out as the default."""
        found = [int(value) for value in self.params.get(name, "").rstrip("&").split()]
        return found[:count] + [default] * (count - len(found))


def parse(text: str) -> Request:
    """DEVICE role: a command out of its text; raises `ProtocolViolation`.

    >>> parse("C0TPid0003xp01629 00000&tm1 0&tt01").params
    {'xp': '01629 00000&', 'tm': '1 0&', 'tt': '01'}
    """
    found = _MESSAGE.fullmatch(text)
    if found is None:
        raise ProtocolViolation(f"{text[:60]!r} is no command of this firmware.")
    node, verb, number, rest = found.groups()
    if named := _NAMED.fullmatch(rest):
        return Request(node, verb, number, {"ra": named[1]})
    params, end = {}, 0
    for one in _PARAMETER.finditer(rest):
        if one.start() != end:
            break
        params[one[1]], end = one[2].strip(), one.end()
    if end != len(rest):
        raise ProtocolViolation(f"the parameters of {text[:60]!r} cannot be read from {rest[end : end + 20]!r} on.")
    return Request(node, verb, number, params)


def answer(request: Request, troubles: Iterable[Trouble] = (), data: str = "") -> str:
    """DEVICE role: the answer to a command; nodes in the order of the firmware's own list.

    >>> request = parse("C0ASid0007tm1")
    >>> answer(request), answer(request, [Trouble("P1", 6, 70)])
    ('C0ASid0007er00/00', 'C0ASid0007er99/00 P106/70')
    """
    head = request.name + (f"id{request.id}" if request.id is not None else "")
    own = next((t for t in troubles if t.node == request.node), None)
    below = sorted((t for t in troubles if t.node != request.node), key=lambda t: _RANK.get(t.node, 99))
    if request.node != MASTER:
        return f"{head}er{own.trace if own else 0:02}{data}"
    state = f"{own.error:02}/{own.trace:02}" if own else "99/00" if below else "00/00"
    return f"{head}er{state}" + "".join(f" {t.node}{t.error:02}/{t.trace:02}" for t in below) + data


_RANK = {node: place for place, node in enumerate((X_DRIVES, AUTOLOAD, ISWAP, *CHANNELS, HEAD96))}


def encode(text: str) -> bytes:
    """One message for a stream."""
    return text.encode("ascii") + END


class Messages:
    """Either role: messages out of a stream."""

    def __init__(self) -> None:
        self._lines = Lines(END)

    def feed(self, data: bytes) -> list[str]:
        """The messages that `data` completes; bytes that are no ASCII appear as marks that no command has."""
        return [line.decode("ascii", "replace").rstrip("\r") for line in self._lines.feed(data) if line]
