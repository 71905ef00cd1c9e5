"""Maintenance of `lab.toml`: a reservation of the device for its time, before everybody who waits for it.

Plans go round it (`closed`); should a run still have the device when it begins, the maintenance waits for that run to
give it back. It holds nothing while it waits, so it is part of no deadlock (ADR 8).
"""

import asyncio
from collections.abc import Iterable, Mapping

from labfile.lab import Lab, Window
from orchestrator.conductor import Conductor
from orchestrator.reservations import LeaseLost, NotFree, Reservations
from orchestrator.state.cell import CellState

LEASE_S = 600.0  # each third of it is a record in the journal
Closed = Mapping[str, tuple[tuple[float, float], ...]]


def closed(windows: Iterable[Window], state: CellState, now: float) -> dict[str, tuple[tuple[float, float], ...]]:
    """Device -> times (s of the cell's clock) that a plan leaves free, of windows that are not over.

    Not while somebody has the device beyond the beginning: such a plan would be impossible.
    """
    found: dict[str, tuple[tuple[float, float], ...]] = {}
    for window in windows:
        owner = state.owner(window.device)
        busy = window.begins <= now and owner and not owner.startswith(f"{holder(window)}:")
        if window.ends > now and not busy:
            found[window.device] = (*found.get(window.device, ()), (max(window.begins, now), window.ends))
    return found


#: What the names of reservations for maintenance begin with.
MAINTENANCE = "maintenance:"


def holder(window: Window) -> str:
    """The name under which a maintenance has its device, up to the number of the worker that keeps it."""
    return f"{MAINTENANCE}{window.name}"


async def keep(window: Window, lab: Lab, conductor: Conductor) -> None:
    """Have the device from the window's beginning to its end; returns then, or at once when it is over.

    The reservation of a worker that died lasts as long as its lease; this one is next in line.
    """
    things = (window.device, *lab.devices[window.device].sites)
    reservations, name = Reservations(conductor), f"{holder(window)}:{conductor.state.epoch}"

    async def rest() -> None:
        await asyncio.sleep(max(0.0, window.ends - conductor.now()))

    await asyncio.sleep(max(0.0, window.begins - conductor.now()))
    while (left_s := window.ends - conductor.now()) > 0:
        try:
            await reservations.under(name, things, rest, lease_s=LEASE_S, wait_s=left_s, first=True)
        except LeaseLost:  # the loop was held up: once more
            continue
        except NotFree:
            return
