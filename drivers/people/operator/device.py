"""A person as a device: tasks go out as text, and an answer comes when they are done."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from drivers.core.errors import (
    CommandFailed,
    CommandRefused,
    CommandStopped,
    ConnectionLost,
    ProtocolViolation,
    ReplyTimeout,
)
from drivers.core.instrument import Command, Recall
from drivers.core.limits import Limits
from drivers.core.roles import Operator
from drivers.core.transport import Port, Transport
from drivers.people.operator import wire
from drivers.people.operator.options import Options

ASK_AGAIN_S = 300.0  # longer than most tasks take; our choice
Line = Callable[[str, str, Mapping[str, Any]], bytes]


class Person(Operator[Options]):
    """Does by hand what no device can do; every verb ends when the person confirms it.

    The action's id goes out with its task: asked again, also by another process, it is not done again.
    """

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._transport: Transport | None = None
        self._lines = wire.Lines()
        self._stopped = asyncio.Event()

    async def open(self) -> None:
        """Be where the person is asked, on a new connection."""
        await self.close()
        transport = self.port.transport()
        await transport.open()
        self._transport, self._lines = transport, wire.Lines()

    async def close(self) -> None:
        """Ask no more."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()

    async def stop(self, success: bool = True) -> None:
        """Tell the person to leave everything as it is; a task under way ends with `CommandStopped`."""
        self._stopped.set()
        if self._transport is None:
            await self.open()
        with contextlib.suppress(ConnectionLost):  # nobody is there who could be told
            await self._connected().send(wire.stop())

    async def recall(self, command: Command) -> Recall:
        """By the person's word, or by what the person's side keeps; waits for the end of a task under way."""
        async with self._lock:
            self._stopped.clear()
            said = await self._ask(wire.question, command.action, command.verb, command.args)
        why = said.get("why") or "it was done"
        told = f"{self.name} says of '{wire.sentence(command.verb, command.args)}': {why}"
        done = said.get("done")
        return Recall("unknown" if not isinstance(done, bool) else "done" if done else "not_done", told)

    async def make_safe(self) -> None:
        """Nothing: what a person does, a person leaves safe."""

    async def _do(self, verb: str, **args: Any) -> None:
        self._stopped.clear()
        said = await self._ask(wire.task, self.action, verb, args)
        if said.get("done") is not True:
            kind = CommandStopped if self._stopped.is_set() else CommandFailed
            raise kind(f"{wire.sentence(verb, args)} Not done: {said.get('why')}", device=self.name)

    async def _ask(self, line: Line, number: str, verb: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Send a line and wait for the answer to it, or for a stop.

        A line may get lost, so it is sent again now and then; it has its number, and nobody does a thing twice.
        """
        left_s, asked = self.options.patience_s, line(number, verb, args)
        answer, stop = asyncio.ensure_future(self._answer(number)), asyncio.ensure_future(self._stopped.wait())
        try:
            while left_s > 0 and not (answer.done() or stop.done()):
                await self._connected().send(asked)
                waited_s = min(left_s, ASK_AGAIN_S)
                await asyncio.wait((answer, stop), timeout=waited_s, return_when=asyncio.FIRST_COMPLETED)
                left_s -= waited_s
            if answer.done():
                return answer.result()
        finally:
            for each in (answer, stop):
                each.cancel()
            await asyncio.gather(answer, stop, return_exceptions=True)
        if self._stopped.is_set():
            raise CommandStopped("the person was told to stop.", device=self.name)
        task = wire.sentence(verb, args)
        raise ReplyTimeout(f"nobody answered in {self.options.patience_s:g} s: {task}", device=self.name)

    async def _answer(self, number: str) -> dict[str, Any]:
        while True:
            data = await self._connected().receive()
            if not data:
                raise ConnectionLost("nobody is there to answer.", device=self.name)
            for line in self._lines.feed(data):
                if line is None:
                    raise ProtocolViolation("the answer is not a JSON object.", device=self.name)
                if line.get("id") == number:
                    return line

    def _connected(self) -> Transport:
        if self._transport is None:
            raise CommandRefused("it is not connected.", device=self.name)
        return self._transport

    async def place(
        self,
        labware: str,
        kind: str,
        site: str,
        definition: dict[str, Any] | None = None,
        sealed: bool = False,
    ) -> None:
        """Have labware put on a site."""
        await self._do("place", labware=labware, kind=kind, site=site, definition=definition, sealed=sealed)

    async def remove(self, labware: str, site: str, destination: str | None = None) -> None:
        """Have labware taken away."""
        await self._do("remove", labware=labware, site=site, destination=destination)

    async def fill(self, labware: str, liquid: str, volumes_ul: dict[str, float], species: dict[str, float]) -> None:
        """Have wells filled."""
        await self._do("fill", labware=labware, liquid=liquid, volumes_ul=volumes_ul, species=species)

    async def seal(self, labware: str) -> None:
        """Have a plate sealed."""
        await self._do("seal", labware=labware)

    async def peel(self, labware: str) -> None:
        """Have a seal taken off."""
        await self._do("peel", labware=labware)

    async def attach_pipette(self, device: str, mount: str, pipette: str) -> None:
        """Have a pipette hung up."""
        await self._do("attach_pipette", device=device, mount=mount, pipette=pipette)

    async def confirm(self, message: str) -> None:
        """Have something done that only words can say."""
        await self._do("confirm", message=message)
