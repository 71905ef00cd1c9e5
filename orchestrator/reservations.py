"""Things that someone who is no run of a program has for a while: all of them or none, in turn with the runs, leased.

A reservation stands behind everybody on every one of its things and holds nothing while it waits, so it can neither
starve nor be part of a deadlock (ADR 0008).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from orchestrator.conductor import Conductor
from orchestrator.state import records as r
from orchestrator.state.cell import Impossible

T = TypeVar("T")
RENEWALS = 3  # in the time of one lease
_LOOK_S = 0.05  # at least, between looks for leases that have run out


class NotFree(Exception):
    """What was asked for did not become free in time."""


class LeaseLost(Exception):
    """The lease had run out when it was to be renewed: others may have the things now."""


class Reservations:
    """The reservations of one cell, through its conductor."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor

    async def under(
        self,
        name: str,
        things: Sequence[str],
        work: Callable[[], Awaitable[T]],
        *,
        lease_s: float,
        wait_s: float,
        first: bool = False,
    ) -> T:
        """Do some work while holding these things; they are given back at its end, whatever that is.

        With `first` it stands before everybody: whoever has the things ends what he has them for, and nobody else
        begins.

        Raises `NotFree` after `wait_s`, `LeaseLost` when the lease ran out meanwhile, `Impossible` for a name that is
        in use, and what the work raised.
        """
        if name in self._conductor.state.reservations or name in self._conductor.state.runs:
            raise Impossible(f"there is a run or a reservation {name} already; take another name")
        try:
            await self._acquire(name, tuple(dict.fromkeys(things)), lease_s, wait_s, first)
            return await self._work(name, asyncio.ensure_future(work()), lease_s)
        finally:
            self._conductor.forget(name)

    async def _acquire(self, name: str, things: tuple[str, ...], lease_s: float, wait_s: float, first: bool) -> None:
        conductor = self._conductor
        conductor.stand_in_line(name, things, first=first)
        wake = conductor.wake(name)
        try:
            async with asyncio.timeout(wait_s):
                while True:
                    wake.clear()
                    durable = conductor.reserve(name, things, conductor.now() + lease_s)
                    if durable is not None:
                        break
                    await wake.wait()
        except TimeoutError:
            having = ", ".join(f"{thing} by {owner}" for thing in things if (owner := conductor.state.owner(thing)))
            why = f"held are {having}" if having else "others went first"
            raise NotFree(f"{name} waited {wait_s:g} s in vain: {why}") from None
        await durable

    async def _work(self, name: str, working: "asyncio.Future[T]", lease_s: float) -> T:
        keeping = asyncio.ensure_future(self._keep(name, lease_s))
        outcome: r.RunOutcome = "aborted"
        error = "stopped"
        try:
            await asyncio.wait((keeping, working), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                keeping.result()
            result = working.result()
            outcome, error = "completed", ""
            return result
        except Exception as reason:
            outcome, error = "failed", f"{type(reason).__name__}: {reason}"
            raise
        finally:
            keeping.cancel()
            working.cancel()
            await asyncio.gather(keeping, working, return_exceptions=True)
            await self._release(name, outcome, error)

    async def _keep(self, name: str, lease_s: float) -> None:
        """Renew the lease until cancelled."""
        conductor = self._conductor
        while True:
            await asyncio.sleep(lease_s / RENEWALS)
            mine = conductor.state.reservations.get(name)
            if mine is None:
                raise LeaseLost(f"the lease of {name} ran out after {lease_s:g} s; was the lab's loop held up?")
            now = conductor.now()
            await conductor.record(
                r.Reserved(at=now, run_id=name, holder=name, things=mine.things, until=now + lease_s)
            )

    async def _release(self, name: str, outcome: r.RunOutcome, error: str) -> None:
        conductor = self._conductor
        if name in conductor.state.reservations and conductor.broken is None:
            await conductor.record(
                r.Released(at=conductor.now(), run_id=name, holder=name, outcome=outcome, error=error)
            )

    async def expire(self) -> None:
        """Give back what nobody renews, such as the reservations of a dead worker; returns when none is left."""
        conductor = self._conductor
        while reservations := conductor.state.reservations:
            next_s = min(reservation.until for reservation in reservations.values()) - conductor.now()
            await asyncio.sleep(max(_LOOK_S, next_s))
            now = conductor.now()
            for name, reservation in list(conductor.state.reservations.items()):
                if reservation.until < now:
                    with contextlib.suppress(Impossible):
                        await self._release(name, "interrupted", "its lease ran out")
