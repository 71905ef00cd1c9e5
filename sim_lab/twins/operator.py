"""The twin of a person: takes the time a person takes, and does to the world what hands do."""

import asyncio
import contextlib
from typing import Any

from drivers.core.errors import ConnectionLost
from drivers.core.labware import from_definition, kind
from drivers.core.transport import Transport
from drivers.people.operator import wire
from sim_lab.twin import StreamTwin
from sim_lab.world.model import PhysicalError, World

#: Seconds a task takes: our estimates of a trained technician.
SECONDS = {
    "place": 20.0,
    "remove": 15.0,
    "fill": 20.0,
    "attach_pipette": 120.0,
    "seal": 15.0,
    "peel": 10.0,
    "confirm": 30.0,
}
SECONDS_A_WELL = 2.0


class Twin(StreamTwin):
    """Hands and eyes of the simulated lab; one task after the other, whoever asks."""

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self._tasks: dict[str, asyncio.Future[str | None]] = {}  # by the task's id: why it could not be done
        self._hands = asyncio.Lock()

    async def serve(self, link: Transport) -> None:
        """Do every task, one after the other."""
        lines = wire.Lines()
        with contextlib.suppress(ConnectionLost):  # who asked may be gone when the answer is ready
            while data := await link.receive():
                for task in lines.feed(data):
                    if task is not None:
                        await link.send(await self._heed(task))

    async def _heed(self, task: dict[str, Any]) -> bytes:
        """A task that is known already is not done again."""
        number, verb = task["id"], task["do"]
        if verb == wire.RECALL:
            known = self._tasks.get(number)
            return wire.recalled(number, None if known is None else await asyncio.shield(known) is None)
        if number not in self._tasks:
            self._tasks[number] = asyncio.ensure_future(self._take_time(verb, task["args"]))
        return wire.answer(number, await asyncio.shield(self._tasks[number]))

    async def _take_time(self, verb: str, args: dict[str, Any]) -> str | None:
        async with self._hands:
            await asyncio.sleep(SECONDS[verb] + SECONDS_A_WELL * len(args.get("volumes_ul", ())))
            return self._do(verb, args)

    def _do(self, verb: str, args: dict[str, Any]) -> str | None:
        """Do one task; returns why it cannot be done."""
        world = self.world
        try:
            match verb:
                case "place":
                    found = from_definition(args["definition"]) if args["definition"] else kind(args["kind"])
                    world.place(args["labware"], found, args["site"])
                    world.labware[args["labware"]].sealed = bool(args["sealed"])
                case "remove":
                    labware = world.lift(args["site"])
                    if args["destination"]:
                        world.put(labware, args["destination"])
                case "fill":
                    for well, volume in args["volumes_ul"].items():
                        world.fill(args["labware"], well, volume, args["species"])
                case "attach_pipette":
                    world.pipettes[args["device"], args["mount"]] = args["pipette"]
                case "seal" | "peel":
                    world.labware[args["labware"]].sealed = verb == "seal"
        except (PhysicalError, KeyError) as error:
            return str(error)
        return None
