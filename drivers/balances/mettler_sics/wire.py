"""The wire of MT-SICS: lines of ASCII at 9600 baud 8N1, both roles.

A request is a word in capitals, perhaps with parameters behind blanks, and CR LF. Its answer begins with the same word
and a letter of state, or is `ES`, `ET` or `EL` for a line that was not understood. A weight stands in ten places, right
aligned, then a blank and the unit.

Source: Mettler Toledo, Reference Manual "MT-SICS Interface Commands" (11780711), sections "Response formats" and "Error
messages", and the same for weigh modules (11781363); its frames as PyLabRobot 0.2.2 sends and reads them. `TST3` is
from memory of the same manual, which was not at hand: its weight is read with and without the quotation marks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.core.lines import Lines

BAUD = 9600
END = b"\r\n"
CANCEL = b"@\r\n"
#: Test with the internal weight, answered `TST3 B` at once and `TST3 A "     0.0002 g"` at its end.
TEST = "TST3"
#: Answers that name no command: the line was not understood.
MISUNDERSTOOD = {
    "ES": "it does not know the command",
    "ET": "the command came to it garbled",
    "EL": "it cannot carry the command out",
}
#: What the letter of state says where the command was not done.
STATES = {
    "I": "the load does not come to rest, or another command runs",
    "L": "a parameter is wrong",
    "+": "the load is above its range",
    "-": "the load is below its range",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One command with its parameters."""

    word: str
    args: tuple[str, ...] = ()


class Requests:
    """DEVICE role: commands out of what a client sends; empty lines are ignored."""

    def __init__(self) -> None:
        self._lines = Lines(END)

    def feed(self, data: bytes) -> list[Request]:
        """The commands that `data` completes."""
        parts = [line.decode("latin-1").split() for line in self._lines.feed(data)]
        return [Request(words[0], tuple(words[1:])) for words in parts if words]


def encode_request(word: str, *args: str) -> bytes:
    """CLIENT role: one command.

    >>> encode_request("M21", "0", "0")
    b'M21 0 0\\r\\n'
    """
    return " ".join((word, *args)).encode("ascii") + END


def encode_reply(word: str, *fields: str) -> bytes:
    """DEVICE role: one answer.

    >>> encode_reply("I4", "A", '"B021002593"')
    b'I4 A "B021002593"\\r\\n'
    """
    return " ".join((word, *fields)).encode("ascii") + END


def encode_weight(word: str, state: str, mass_g: float, places: int) -> bytes:
    """DEVICE role: an answer with a weight, in g.

    >>> encode_weight("S", "S", 100.0, 2)
    b'S S     100.00 g\\r\\n'
    """
    return encode_reply(word, state, f"{mass_g:10.{places}f}", "g")


def mass_g(answer: Sequence[str]) -> float:
    """CLIENT role: the weight at rest that the words of an answer to `S` tell, in g; raises `ValueError` for others.

    >>> mass_g(["S", "S", "100.00", "g"])
    100.0
    """
    if len(answer) != 4 or (answer[0], answer[1], answer[3]) != ("S", "S", "g"):
        raise ValueError(f"{' '.join(answer)!r} is no weight at rest, in g")
    return float(answer[2])


def encode_deviation(mass_g: float) -> bytes:
    """DEVICE role: how far the internal weight was from its value, in g.

    >>> encode_deviation(0.0002)
    b'TST3 A "   0.00020 g"\\r\\n'
    """
    return encode_reply(TEST, "A", f'"{mass_g:10.5f} g"')


def deviation_g(answer: Sequence[str]) -> float:
    """CLIENT role: the deviation that the words of the last answer to `TST3` tell, in g; raises `ValueError`.

    >>> deviation_g(["TST3", "A", '"', "0.0002", 'g"'])
    0.0002
    """
    words = " ".join(answer[2:]).replace('"', " ").split()
    if list(answer[:2]) != [TEST, "A"] or len(words) != 2 or words[1] != "g":
        raise ValueError(f"{' '.join(answer)!r} tells no deviation in g")
    return float(words[0])


def answers(request: bytes, reply: bytes) -> bool:
    """CLIENT role: whether a line is the answer to a command, and not one to an earlier command.

    `SI`, `SC` and `S` are answered in the name of `S`, `TI` and `TC` by their own.

    >>> answers(b"SI\\r\\n", b"S D      99.98 g\\r\\n"), answers(b"TA\\r\\n", b"S D      99.98 g\\r\\n")
    (True, False)
    """
    asked, told = request.decode("latin-1").split(), reply.decode("latin-1").split()
    if not reply.endswith(END) or not asked or not told:
        return False
    names = {"SI": "S", "SC": "S", "@": "I4"}
    return told[0] in MISUNDERSTOOD or (len(told) > 1 and told[0] == names.get(asked[0], asked[0]))
