"""Where a run meets a device: the command goes out when its intent is on disk, and its outcome is written after it."""

import asyncio
from dataclasses import dataclass
from typing import Any

from bluesky.protocols import Movable, Stoppable
from ophyd_async.core import AsyncStatus

from drivers.core.beamline import AreaDetector
from drivers.core.command import Command, Readings
from drivers.core.errors import CommandFailed, DeviceError
from drivers.core.instrument import Instrument
from orchestrator.cell import Cell
from orchestrator.conductor import Conductor
from orchestrator.frames import Frame, Frames
from orchestrator.state import records as r
from protocols.conditions import due
from protocols.program import Action

#: The verb of a run's safe end; every driver has it beside its role's verbs.
MAKE_SAFE = "make_safe"


@dataclass(frozen=True, slots=True)
class Ticket:
    """An action that may go out once `intent` is done."""

    action: Action
    intent: "asyncio.Future[None]"


@dataclass(frozen=True, slots=True)
class Taken:
    """What an action measured, and the image that it took where one is kept."""

    readings: Readings
    frame: Frame | None = None


class Station(Movable[Ticket], Stoppable):
    """One device in one run: commands it, and writes what came of it. Without a cell, it lets time pass.

    What the device is told of labware carries the run's name (`run/plate`) where several runs share it, so that two
    plates are never one. A failure is a record, never an exception: the run decides how it goes on. A device that
    was given back since the run began, by a stop, is reached anew.
    """

    parent = None

    def __init__(
        self, name: str, cell: Cell | None, conductor: Conductor, run_id: str, *, shared: bool = False,
        frames: Frames | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self._cell = cell
        self._device: Instrument[Any] | None = None
        self._conductor = conductor
        self._run_id = run_id
        self._shared = shared
        self._frames = frames
        self._under_way: set[asyncio.Task[Any]] = set()

    def set(self, ticket: Ticket) -> AsyncStatus[Taken | None]:
        """Carry an action out; the status ends with it, and its task holds what it took, or None for a failure."""
        status = AsyncStatus(self._carry_out(ticket))
        self._under_way.add(status.task)
        status.task.add_done_callback(self._under_way.discard)
        return status

    async def _carry_out(self, ticket: Ticket) -> Taken | None:
        action, conductor = ticket.action, self._conductor
        await ticket.intent
        if self._cell is not None and conductor.state.run(self._run_id).stopped:
            self._failed(action, "the lab was stopped before it was sent", "Stopped", "not_started")
            return None
        if action.when and not self._due(action):
            return None
        try:
            readings = await self._perform(action)
            frame = await self._kept(action)
        except DeviceError as error:
            self._failed(action, str(error), type(error).__name__, error.outcome, recoverable=error.recoverable)
            return None
        except asyncio.CancelledError:
            self._failed(action, "cancelled", "Cancelled", "unknown")
            raise
        except Exception as error:  # a driver's own mistake: what the device did is not known
            self._failed(action, f"{self.name}: {type(error).__name__}: {error}", type(error).__name__, "unknown")
            return None
        conductor.record(r.Done(at=conductor.now(), run_id=self._run_id, action=action.id, readings=readings))
        return Taken(readings, frame)

    async def _kept(self, action: Action) -> Frame | None:
        """Write the image that an area detector has just taken; raises `CommandFailed` where that cannot be."""
        image = self._device.image if isinstance(self._device, AreaDetector) and action.verb == "expose" else None
        if image is None or self._frames is None:
            return None
        try:
            return await asyncio.to_thread(self._frames.add, action.step, self.name, image)
        except OSError as error:
            hint = "See the disk with the runs; take it again."
            raise CommandFailed(f"its image was not kept: {error}.", device=self.name, hint=hint) from error

    def _due(self, action: Action) -> bool:
        """Whether its conditions are met; where they are not, or nobody can tell, that is written instead."""
        run, now = self._conductor.state.run(self._run_id), self._conductor.now()
        verdict = due(action.when, run.program.conditions, run.readings)
        if isinstance(verdict, str):
            reading = run.program.conditions[verdict].reading
            error = f"whether '{verdict}' is met cannot be told: step {reading} gave no such reading."
            self._failed(action, error, "NoReading", "not_started")
        elif not verdict:
            why = ", ".join(name if wanted else f"not {name}" for name, wanted in action.when)
            self._conductor.record(r.PassedOver(at=now, run_id=self._run_id, action=action.id, why=why))
        return verdict is True

    def _failed(self, action: Action, error: str, kind: str, outcome: Any, *, recoverable: bool = False) -> None:
        self._conductor.record(
            r.Failed(
                at=self._conductor.now(),
                run_id=self._run_id,
                action=action.id,
                error=error,
                kind=kind,
                outcome=outcome,
                recoverable=recoverable,
            )
        )

    async def _perform(self, action: Action) -> Readings:
        if self._cell is None:
            await asyncio.sleep(action.args["duration_s"])
            return ()
        device = self._device = await self._cell.reached(self.name)
        if action.verb == MAKE_SAFE:
            await device.make_safe()
            return ()
        return await device.perform(self.command(action))

    def command(self, action: Action) -> Command:
        """The command of an action, under an id that is its alone (`ActionState.command`)."""
        number = self._conductor.state.run(self._run_id).actions[action.id].command
        args = {name: self._own(name, value) for name, value in action.args.items()} if self._shared else action.args
        return Command(f"{self._run_id}/{action.id}#{number}", action.verb, args)

    def _own(self, name: str, value: Any) -> Any:
        """The name that only this run's labware has, and the place beside the deck that is its own."""
        if name == "labware" and value not in _COMMON:
            return f"{self._run_id}/{value}"
        if name in ("site", "destination") and isinstance(value, str) and value.startswith(_BENCH):
            return f"{_BENCH}{self._run_id}/{value.removeprefix(_BENCH)}"
        return value

    async def stop(self, success: bool = True) -> None:
        """Stop the device now."""
        if self._device is not None:
            await self._device.stop(success)

    async def give_up(self) -> None:
        """Wait no longer for what is under way; its outcome is written as unknown."""
        under_way = list(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


_BENCH = "bench."  # beside the deck, one place a piece of labware
_COMMON = ("trash",)  # labware that the lab has, and no run brought
