"""Plans of Bluesky's that a worker was asked for: each waits its turn, has its devices, and answers at its end.

A request for a plan stays unanswered until then, so that a plan that still waits outlives its worker; one that had
begun is never begun again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bluesky import plan_stubs as bps

from drivers.core.errors import DeviceError
from orchestrator.cell import Cell, RealTimeOnly
from orchestrator.engine import Plan
from orchestrator.faces import faces, plan_of
from orchestrator.labview import view
from orchestrator.reservations import LeaseLost, NotFree
from orchestrator.service import Service
from orchestrator.state.cell import Impossible
from orchestrator.store.requests import Request
from protocols.scans import BadPlan, Scan, bind

ROOM = 64  # plans that a cell has in line
LEASE_S = 30.0  # of whoever watches
PATIENCE_S = 7 * 86_400.0  # for its devices to become free
Answer = Callable[[str, Mapping[str, Any]], Awaitable[None]]


@dataclass(slots=True)
class _Guest:
    scan: Scan
    traceparent: str
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None
    ended_by: str = ""


class Guests:
    """The plans of one worker."""

    def __init__(self, cell: Cell, service: Service, begun: set[str], answer: Answer, pace: float) -> None:
        """`begun`: names of plans that this cell has ever begun; `pace`: loop seconds in one of those who watch."""
        self._cell, self._service, self._begun, self._answer, self._pace = cell, service, begun, answer, pace
        self._guests: dict[str, _Guest] = {}
        self._loading = asyncio.Lock()

    def take(self, request: Request) -> Mapping[str, Any] | None:
        """Let a plan in; its refusal, or None for a plan that will answer at its end. Raises `Impossible`."""
        if request.run_id in self._guests:
            return None
        if request.run_id in self._begun:
            return {"ok": True, "run_id": request.run_id, "outcome": "interrupted"}
        if len(self._guests) >= ROOM:
            raise Impossible(f"{ROOM} plans are in line already; ask again when some have ended")
        try:
            scan = bind(view(self._cell.lab), request.body["plan"], request.body["args"], request.body["kwargs"])
        except BadPlan as error:
            raise Impossible(str(error)) from None
        guest = self._guests[request.run_id] = _Guest(scan, request.body.get("traceparent", ""))
        guest.gate.set()
        guest.task = asyncio.get_running_loop().create_task(self._serve(request, guest), name=f"guest {request.run_id}")
        return None

    def here(self, run_id: str) -> bool:
        """Whether a plan of this name is in line or at work."""
        return run_id in self._guests

    def traceparent(self, run_id: str) -> str | None:
        """Within which trace a plan that is here was asked for; None when it is none of ours."""
        guest = self._guests.get(run_id)
        return None if guest is None else guest.traceparent

    def pause(self, run_id: str) -> None:
        """Stand still at the next point; what is under way ends."""
        self._guests[run_id].gate.clear()

    def resume(self, run_id: str) -> None:
        """Go on."""
        self._guests[run_id].gate.set()

    def abort(self, run_id: str, by: str) -> None:
        """End it; its devices come to rest, and one that still waited never begins."""
        self._end(self._guests[run_id], f"aborted by {by}")

    def stopped(self, by: str) -> None:
        """The lab was stopped, and with it every plan."""
        for guest in self._guests.values():
            self._end(guest, f"stopped by {by}")

    @staticmethod
    def _end(guest: _Guest, why: str) -> None:
        guest.ended_by = guest.ended_by or why
        if guest.task is not None:
            guest.task.cancel()

    async def close(self) -> None:
        """End what is at work; what waits is left for the next worker."""
        tasks = [guest.task for guest in self._guests.values() if guest.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, request: Request, guest: _Guest) -> None:
        told: Mapping[str, Any] | None = None
        try:
            told = await self._run(request, guest)
        except asyncio.CancelledError:
            if guest.ended_by and request.run_id not in self._begun:
                told = {"ok": False, "outcome": "aborted", "error": f"{guest.ended_by} before it began"}
            elif guest.ended_by:
                told = {"ok": True, "outcome": "aborted", "error": guest.ended_by}
            else:  # the worker leaves
                raise
        finally:
            if told is not None:
                await self._answer(request.id, {"run_id": request.run_id, **told})
            del self._guests[request.run_id]

    async def _run(self, request: Request, guest: _Guest) -> Mapping[str, Any]:
        scan, lab = guest.scan, self._cell.lab
        things = [thing for name in scan.devices for thing in (name, *lab.devices[name].sites)]
        try:
            async with self._loading:  # one after the other, so that they stand in line as they came
                await asyncio.to_thread(self._cell.load, scan.devices)
            self._cell.check(scan.devices)
            await self._service.run_plan(
                request.run_id, self._named(scan, request.run_id, guest.gate), {}, things, request.asked_by,
                lease_s=LEASE_S * self._pace, wait_s=PATIENCE_S,
            )  # fmt: skip
        except (Impossible, NotFree, RealTimeOnly) as reason:
            return {"ok": False, "outcome": "failed", "error": str(reason)}
        except (DeviceError, LeaseLost) as reason:
            return {"ok": True, "outcome": "failed", "error": str(reason)}
        except Exception as reason:
            return {"ok": True, "outcome": "failed", "error": f"{type(reason).__name__}: {reason}"}
        return {"ok": True, "outcome": "completed"}

    def _named(self, scan: Scan, run_id: str, gate: asyncio.Event) -> Callable[[], Plan]:
        def plan() -> Plan:
            (reached,) = yield from bps.wait_for([lambda: self._cell.connect(scan.devices)])
            reached.result()
            seen = faces(scan, self._service.roles, self._cell.devices, run_id)
            return (yield from plan_of(scan, seen, gate))

        plan.__name__ = scan.plan
        return plan
