"""A person as a device: tasks go out as text, and an answer comes when they are done."""

import asyncio
from collections.abc import Mapping
from typing import Any

from drivers.core.errors import CommandFailed, ConnectionLost, ProtocolViolation, ReplyTimeout
from drivers.core.instrument import Command, Recall
from drivers.core.limits import Limits
from drivers.core.roles import Operator
from drivers.core.transport import Port
from drivers.people.operator import wire
from drivers.people.operator.options import Options


class Person(Operator[Options]):
    """Does by hand what no device can do; every verb ends when the person confirms it."""

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._transport = port.transport()
        self._lines = wire.Lines()
        self._number = 0

    async def open(self) -> None:
        """Be where the person is asked."""
        await self._transport.open()

    async def close(self) -> None:
        """Ask no more."""
        await self._transport.close()

    async def stop(self, success: bool = True) -> None:
        """A person is stopped by the alarm, not by a wire; the task stays open until it is answered."""

    async def _do(self, verb: str, **args: Any) -> None:
        self._number += 1
        answer = await self._ask(self.action or str(self._number), verb, args)
        if not answer.get("done"):
            raise CommandFailed(f"{wire.sentence(verb, args)} Not done: {answer.get('why')}", device=self.name)

    async def recall(self, command: Command) -> Recall:
        """Ask whether a task was done; whoever does tasks knows them by their ids."""
        asked = {"do": command.verb, "args": dict(command.args)}
        answer = await self._ask(command.action, wire.RECALL, asked)
        said = wire.sentence(command.verb, command.args)
        match answer.get("done"):
            case True:
                return Recall("done", f"{self.name} says that it was done: {said}")
            case False:
                return Recall("not_done", f"{self.name} says that it was not done: {said}")
        return Recall("not_done", f"{self.name} was never asked: {said}")

    async def make_safe(self) -> None:
        """A person is safe."""

    async def _ask(self, number: str, verb: str, args: Mapping[str, Any]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self.options.patience_s):
                await self._transport.send(wire.task(number, verb, args))
                return await self._answer(number)
        except TimeoutError:
            raise ReplyTimeout(
                f"nobody answered in {self.options.patience_s:g} s: {wire.sentence(verb, args)}",
                device=self.name,
            ) from None

    async def _answer(self, number: str) -> dict[str, Any]:
        while True:
            data = await self._transport.receive()
            if not data:
                raise ConnectionLost("nobody is there to answer.", device=self.name)
            for line in self._lines.feed(data):
                if line is None:
                    raise ProtocolViolation("the answer is not a JSON object.", device=self.name)
                if line.get("id") == number:
                    return line

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
