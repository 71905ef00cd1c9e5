"""The twin of a person: takes the time a person takes, and does to the world what hands do."""

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from drivers.core.errors import ConnectionLost
from drivers.core.labware import from_definition, kind
from drivers.core.transport import Transport
from drivers.people.operator import wire
from drivers.people.operator.timing import SECONDS, task_s
from sim_lab.twin import StreamTwin
from sim_lab.world.model import PhysicalError, World

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a task; `done` None where only a person could say."""

    done: bool | None = True
    why: str | None = None


NEVER = Outcome(False, "it was never asked")
STOPPED = Outcome(None, "it was stopped")


class Twin(StreamTwin):
    """Hands and eyes of the simulated lab; they outlive whoever asks them, and remember what they did."""

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self._tasks: dict[str, asyncio.Task[Outcome]] = {}  # of each id, the latest
        self._work: set[asyncio.Task[Any]] = set()
        self._hands = asyncio.Lock()

    async def serve(self, link: Transport) -> None:
        """Do the tasks of one client, one after the other, and listen on."""
        lines = wire.Lines()
        while data := await link.receive():
            for line in lines.feed(data):
                if line is None:
                    continue
                if "stop" in line:
                    self._stop()
                elif not isinstance(line.get("id"), str) or line.get("do", line.get("did")) not in SECONDS:
                    await link.send(wire.answer("", False, "no task: its id is a text, and what to do is known"))
                else:
                    self._begin(self._answer(link, line["id"], self._task(line)))

    def _task(self, line: Mapping[str, Any]) -> "asyncio.Task[Outcome] | None":
        """The task that a line is about: one that is known, or for a new one its beginning."""
        known = self._tasks.get(line["id"])
        if "did" in line or (known is not None and not (known.done() and _outcome(known).done is not True)):
            return known
        task = self._begin(self._perform(line["do"], line["args"]))
        if line["id"]:
            self._tasks[line["id"]] = task
        return task

    async def _answer(self, link: Transport, number: str, task: "asyncio.Task[Outcome] | None") -> None:
        if task is not None:
            await asyncio.wait((task,))
        outcome = NEVER if task is None else _outcome(task)
        with contextlib.suppress(ConnectionLost):  # who asked is gone; the answer is kept
            await link.send(wire.answer(number, outcome.done, outcome.why))

    def _begin(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    async def _perform(self, verb: str, args: dict[str, Any]) -> Outcome:
        async with self._hands:
            await asyncio.sleep(task_s(verb, args))
            return self._do(verb, args)

    def _stop(self) -> None:
        """Drop everything: what was not finished stays so."""
        for task in self._tasks.values():
            task.cancel()

    def _do(self, verb: str, args: dict[str, Any]) -> Outcome:
        """Do one task, or say why it cannot be done."""
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
            return Outcome(None, str(error))
        return Outcome()


def _outcome(task: "asyncio.Task[Outcome]") -> Outcome:
    return STOPPED if task.cancelled() else task.result()
