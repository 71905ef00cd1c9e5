"""The terminal as the wire to a person: tasks are printed, Enter confirms, a text refuses."""

import asyncio
import sys

from drivers.core.errors import ConnectionFailed
from drivers.core.transport import Transport
from drivers.people.operator import wire


class ConsoleTransport(Transport):
    """Speaks the operator's lines on one side and to a person at this terminal on the other."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._tasks = wire.Lines()
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        self._asked: list[tuple[str, bool]] = []  # id, and whether it is only asked if it was done
        self._listening = False

    async def open(self) -> None:
        """There must be a person: a terminal at standard input."""
        if not sys.stdin.isatty():
            raise ConnectionFailed("nobody is at the terminal to do what the run needs by hand.")
        if not self._listening:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._typed)
            self._listening = True

    async def send(self, data: bytes) -> None:
        """Show each task in words."""
        for task in self._tasks.feed(data):
            if task is not None:
                only_asked = task["do"] == wire.RECALL
                self._asked.append((task["id"], only_asked))
                how = "Enter for yes, n for no: " if only_asked else "Enter when done, or say why not: "
                print(
                    f"\n  {task['say']}\n  {how}",
                    end="",
                    file=sys.stderr,
                    flush=True,
                )

    def _typed(self) -> None:
        line = sys.stdin.readline()
        if not line:
            self._answers.put_nowait(b"")
        elif self._asked:
            number, only_asked = self._asked.pop(0)
            said = line.strip()
            told = wire.recalled(number, not said) if only_asked else wire.answer(number, said or None)
            self._answers.put_nowait(told)

    async def receive(self) -> bytes:
        """The next answer; b"" when the person hung up."""
        return await self._answers.get()

    async def close(self) -> None:
        """Stop listening."""
        if self._listening:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self._listening = False
