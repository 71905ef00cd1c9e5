"""The twin of a person: takes the time a person takes, and does to the world what hands do."""

import asyncio
from typing import Any

from drivers.core.labware import from_definition, kind
from drivers.core.transport import Transport
from drivers.people.operator import wire
from sim_lab.twin import StreamTwin
from sim_lab.world.model import PhysicalError

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
    """Hands and eyes of the simulated lab."""

    async def serve(self, link: Transport) -> None:
        """Do every task, one after the other."""
        lines = wire.Lines()
        while data := await link.receive():
            for task in lines.feed(data):
                if task is not None:
                    await asyncio.sleep(SECONDS[task["do"]] + SECONDS_A_WELL * len(task["args"].get("volumes_ul", ())))
                    await link.send(wire.answer(task["id"], self._do(task["do"], task["args"])))

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
