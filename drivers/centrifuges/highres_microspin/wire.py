"""The wire of a MicroSpin: lines of ASCII on TCP port 1000, both roles.

A command is answered by `ACK!`, the command as it came and a number; then by lines of data, if any; then by `OK!`,
`ERROR!` or `ABORTED!` with the command and the number again. A connection gets one answer after the other; `abort` on
another one ends a motion, and until `clearbuttonabort` every motion is aborted.

Sources: PyLabRobot 0.2.2, `centrifuge/highres` (the driver, and a server with texts recorded at a device; the manual
it cites, HighRes document 1058675, section 6.6, was not at hand).
"""

from dataclasses import dataclass

from drivers.core.lines import Lines

TCP_PORT = 1000
NEXT_STEPS = 'Issue the "clearbuttonabort" (cba) command to re-enable the machine'
ALIASES = {
    "cba": "clearbuttonabort", "d": "disconnect", "e": "errors", "v": "version", "a": "abort", "hss": "homedstatus",
    "sp": "spin", "s": "status",
}  # fmt: skip
#: Code of an error about the command itself.
PARAMETER = -12


@dataclass(frozen=True, slots=True)
class Request:
    """One command: as it came, and its name (never an alias) with its arguments."""

    text: str
    name: str
    args: tuple[str, ...] = ()


class Requests:
    """DEVICE role: commands out of what a client sends; empty lines are left out."""

    def __init__(self) -> None:
        self._lines = Lines(b"\n")

    def feed(self, data: bytes) -> list[Request]:
        """The commands that `data` completes."""
        texts = (line.decode("ascii", "replace").strip() for line in self._lines.feed(data))
        return [Request(text, ALIASES.get(words[0], words[0]), tuple(words[1:]))
                for text in texts if (words := text.split())]  # fmt: skip


def encode_line(text: str) -> bytes:
    """DEVICE role: one line.

    >>> encode_line("ACK! home 3")
    b'ACK! home 3\\r\\n'
    """
    return f"{text}\r\n".encode("ascii", "replace")


def encode_request(text: str) -> bytes:
    """CLIENT role: one command."""
    return encode_line(text)


def spin_numbers(args: tuple[str, ...]) -> tuple[int, int, int, int] | None:
    """DEVICE role: force (x g), acceleration and deceleration (%), time (s) of a `spin`; None for what is not allowed.

    >>> spin_numbers(("500", "80", "80", "60"))
    (500, 80, 80, 60)
    """
    if len(args) != 4 or not all(arg.isdecimal() for arg in args):
        return None
    force, up, down, time_s = map(int, args)
    fits = 1 <= force <= 3000 and 1 <= up <= 100 and 1 <= down <= 100 and time_s >= 1
    return (force, up, down, time_s) if fits else None


def last_error(lines: list[str]) -> str:
    """CLIENT role: the newest of the errors that come before `ERROR!`, without number, time and code.

    >>> last_error(["Error 1: (10:00:00) -12: old", "Error 2: (10:00:01) -7: rotor is out of balance"])
    'rotor is out of balance'
    """
    return lines[-1].rpartition(": ")[2] if lines else "it does not tell why"
