"""Interlocks of `lab.toml`, watched live: a door that opens raises an alarm and pauses every run.

This is no safety function (docs/explanation/safety.md): guards and emergency stops are hardware, which acts first. Here
the stack learns of it, begins nothing more, and says why. It resets nothing, and goes on only when a person resumes.
"""

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from drivers.core.command import Command, Readings
from drivers.core.errors import DeviceError
from labfile.lab import Interlock
from orchestrator.state import records as r
from orchestrator.state.cell import Impossible

if TYPE_CHECKING:
    from orchestrator.service import Service

#: Who paused a run, by the beginning of its name.
INTERLOCK = "interlock:"


def broken(interlock: Interlock, readings: Readings) -> str:
    """What is wrong with what the sensor shows, in words; empty where nothing is. What it does not tell is wrong."""
    found = [reading for reading in readings if reading.quantity == interlock.quantity]
    if not found or found[0].value is None:
        return f"{interlock.device} does not tell {interlock.quantity}"
    value, unit = found[0].value, "" if found[0].unit == "1" else f" {found[0].unit}"
    if interlock.at_least is not None and not value >= interlock.at_least:
        return (
            f"{interlock.quantity} of {interlock.device} is {value:g}{unit}, not at least {interlock.at_least:g}{unit}"
        )
    if interlock.at_most is not None and not value <= interlock.at_most:
        return f"{interlock.quantity} of {interlock.device} is {value:g}{unit}, not at most {interlock.at_most:g}{unit}"
    return ""


class Watch:
    """The interlocks of a lab beside its runs; `open` says of each that does not hold why."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self.open: dict[str, str] = {}

    def require(self) -> None:
        """Raise `Impossible` while an interlock does not hold: nothing is taken in, and nothing resumed."""
        if self.open:
            told = "; ".join(f"{name}: {why}" for name, why in sorted(self.open.items()))
            raise Impossible(f"an interlock does not hold ({told}); see to it in the lab, then ask again")

    async def keep(self, interlock: Interlock) -> None:
        """Look for ever; a sensor that cannot be asked does not hold."""
        while True:
            why = await self._look(interlock)
            if not why:
                self.open.pop(interlock.name, None)
            else:
                self.open[interlock.name] = why
                self._hold_up(interlock, why)
            await asyncio.sleep(interlock.every_s)

    async def _look(self, interlock: Interlock) -> str:
        try:
            device = await self._service.cell.reached(interlock.device)
            return broken(interlock, await device.perform(Command(f"interlock/{uuid4()}", "measure")))
        except DeviceError as error:
            return str(error)

    def _hold_up(self, interlock: Interlock, why: str) -> None:
        """Pause every run that is not paused, with an alarm; what is under way goes on to its end."""
        conductor, by = self._service.conductor, f"{INTERLOCK}{interlock.name}"
        for run_id, run in list(conductor.state.runs.items()):
            if not (run.paused_by or run.abort_asked or run.amended):  # a safe end goes on
                message = (
                    f"interlock {interlock.name}: {why}. Nothing more of the run begins until a person resumes it."
                )
                conductor.record(r.Alarmed(at=conductor.now(), run_id=run_id, action="", message=message))
                conductor.record(r.Paused(at=conductor.now(), run_id=run_id, by=by))
                self._service.step_aside(run_id)
