"""The terminal as the wire to a person: tasks are printed, Enter confirms, a text refuses.

It keeps nothing: what became of a task of an earlier process is asked of the person.
"""

import asyncio
import sys

from drivers.core.errors import ConnectionFailed
from drivers.core.transport import Transport
from drivers.people.operator import wire

NO = ("n", "no")


class ConsoleTransport(Transport):
    """Speaks the operator's lines on one side and to a person at this terminal on the other."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._lines = wire.Lines()
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        self._open: list[str] = []  # ids that wait for the person, in the order in which they were shown
        self._listening = False

    async def open(self) -> None:
        """There must be a person: a terminal at standard input."""
        if not sys.stdin.isatty():
            raise ConnectionFailed("nobody is at the terminal to do what the run needs by hand.")
        if not self._listening:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._typed)
            self._listening = True

    async def send(self, data: bytes) -> None:
        """Show each task or question in words."""
        for line in self._lines.feed(data):
            if line is None:
                continue
            if "stop" in line:
                self._open.clear()
                self._show("STOP. Leave everything as it is.\n")
            elif "did" in line:
                self._open.append(line["id"])
                self._show(f"Was this done? {line['say']}\n  Enter if it was, 'no' if not, or say what was: ")
            else:
                self._open.append(line["id"])
                self._show(f"{line['say']}\n  Enter when done, 'no' if nothing was, or say why not: ")

    @staticmethod
    def _show(text: str) -> None:
        print(f"\n  {text}", end="", file=sys.stderr, flush=True)

    def _typed(self) -> None:
        line = sys.stdin.readline()
        if not line:
            self._answers.put_nowait(b"")
        elif self._open:
            text = line.strip()
            done = True if not text else False if text.lower() in NO else None
            self._answers.put_nowait(wire.answer(self._open.pop(0), done, text or None))

    async def receive(self) -> bytes:
        """The next answer; b"" when the person hung up."""
        return await self._answers.get()

    async def close(self) -> None:
        """Stop listening."""
        if self._listening:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self._listening = False
