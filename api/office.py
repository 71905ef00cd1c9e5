"""What every verb of the API needs: the lab, its store, its live state, who may do what, and the trail."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from api import approvals
from api.audit.chain import Entry
from api.audit.trail import Trail, export
from api.dryrun import DryRuns
from api.identity.door import Door
from api.identity.principal import Principal
from api.issuing import Issuer
from api.keys import SigningKey
from api.live import Event, Follower, Live, PlanNow, RunRecord
from api.once import request_id
from api.permission import Permission, Verdict
from api.refusals import Away, BadRequest, Conflict, Forbidden, Missing
from labfile.lab import Lab
from orchestrator.state import records as r
from orchestrator.store import requests
from orchestrator.store.requests import Request
from protocols.program import Program

if TYPE_CHECKING:
    from api.tracing import Tracing

ANSWER_S = 10.0  # for a worker to carry out what is asked
_POLL_S = 0.02
SEEN_S = 2.0  # for the journal to tell of what a worker has just said
READS_S = 60.0  # reads are recorded together, so many seconds' at a time


@dataclass(slots=True)
class Office:
    """One lab's front: made once a process. `world` is the one that it serves unless another is asked for."""

    lab: Lab
    world: str
    engine: Engine
    runs: Path
    live: Follower
    dry_runs: DryRuns
    trail: Trail
    key: SigningKey
    permission: Permission
    door: Door
    issuer: Issuer
    tracing: "Tracing | None" = None
    reads: Counter[tuple[str, str]] = field(default_factory=Counter)
    _ending: set[asyncio.Task[None]] = field(default_factory=set)

    # Who may

    async def allow(
        self, who: Principal, verb: str, *, world: str = "", target: str = "", note: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> Verdict:  # fmt: skip
        """Let it pass or refuse it; either is on the record before this returns. Raises `Forbidden`."""
        world = world or self.world
        verdict = self.permission.decide(who, verb, world=world, **facts)
        self.decided(who, verb, world, verdict.allowed)
        if verb == "read" and verdict.allowed:
            self.reads[who.name, who.token] += 1
            return verdict
        known = {key: value for key, value in facts.items() if key not in ("level",)} | dict(note or {})
        await self.record(
            Entry(who.name, verb, "allowed" if verdict.allowed else "refused", world, target,
                  verdict.reason, {**known, "policies": list(verdict.policies)}, who.token)
        )  # fmt: skip
        if not verdict.allowed:
            hint = _HINTS.get(verb, "`GET /api/v1/auth/me` tells what you may do; lab.toml says who may do what.")
            raise Forbidden(verdict.reason, hint, policies=list(verdict.policies))
        return verdict

    def decided(self, who: Principal, verb: str, world: str, allowed: bool) -> None:
        """Leave it in the trace of what goes on, where there is one."""
        if self.tracing is not None:
            self.tracing.decided(who, verb, world, allowed)

    async def record(self, *entries: Entry, sign: bool = False) -> None:
        """Put something on the record; it is on the disk when this returns."""
        await asyncio.to_thread(lambda: self.trail.append(*entries, sign=sign))

    # What is asked of a worker

    def cell(self, world: str) -> Live:
        """The cell of a world; raises `BadRequest`."""
        try:
            return self.live.cells[world]
        except KeyError:
            raise BadRequest(f"there is no world {world!r}", "Say `twin` or `real`.") from None

    async def ask(
        self, who: Principal, kind: str, run_id: str, body: Mapping[str, Any], world: str, key: str | None = None
    ) -> Mapping[str, Any]:
        """Ask a cell for something and wait for its word; raises `Conflict` when it says no, `Away` for silence."""
        live = self.cell(world)
        request = Request(request_id(who, key), kind, run_id, body, who.name, live.cell)
        await asyncio.to_thread(requests.ask, self.engine, request)
        told = await self.answer(request.id)
        if told is None:
            raise Away(
                f"{live.cell} did not answer within {ANSWER_S:g} s; the request stands",
                "Look at GET /api/v1/status; `lab up` starts a worker.",
            )
        if not told["ok"]:
            raise Conflict(str(told["error"]))
        return told

    async def answer(self, request: str, timeout_s: float = ANSWER_S) -> Mapping[str, Any] | None:
        """What came of a request; None when nothing came in time."""
        until = time.monotonic() + timeout_s
        while True:
            told = await asyncio.to_thread(requests.answer_of, self.engine, request)
            if told is not None or time.monotonic() > until:
                return told
            await asyncio.sleep(_POLL_S)

    async def seen(self, world: str, run_id: str) -> None:
        """Until the journal has told this process of a run that was taken in: whoever asks next finds it listed."""
        until = time.monotonic() + SEEN_S
        while True:
            if run_id in self.cell(world).runs or time.monotonic() > until:
                return
            await asyncio.sleep(_POLL_S)

    async def whose(self, run_id: str) -> tuple[Live, tuple[Request, float]]:
        """The cell of a run, what was submitted and when; raises `Missing`.

        A run that was taken in a moment ago may not have come to this process by the journal yet.
        """
        asked = await asyncio.to_thread(requests.submission, self.engine, run_id)
        if asked is None:
            raise Missing(f"there is no run {run_id!r}", "GET /api/v1/runs lists them.")
        live = self.live.cells.get(asked[0].cell.rpartition(":")[2])
        if live is None:
            raise Missing(f"run {run_id!r} is another lab's")
        return live, asked

    async def plan_told(self, request: Request) -> tuple[Mapping[str, Any] | None, bool]:
        """(what a plan answered, whether it was told to pause)."""
        told = await asyncio.to_thread(requests.answer_of, self.engine, request.id)
        return told, told is None and await asyncio.to_thread(requests.paused, self.engine, request.run_id)

    async def put(self, request: Request, program: Program) -> None:
        """Put a submission into the store; durable when this returns."""
        await asyncio.to_thread(requests.ask, self.engine, request, program)

    # What an approval is bound to

    def policy_hash(self) -> str:
        """Of all that decides whether something is dangerous here."""
        return approvals.policy_hash(self.lab, self.permission.hash)

    def lab_hash(self, world: str) -> str:
        """Of the state that a run would begin from now."""
        return approvals.lab_hash(self.lab, world, self.cell(world).state.left)

    # What happens by itself

    def hear(self, live: Live, _: Event, record: r.Record) -> None:
        """Put the end of every run on the record, and give the run its part of the trail."""
        if isinstance(record, r.Finished):
            self._later(live, record)
        elif isinstance(record, r.Released) and record.holder in live.plans:
            ended = r.Finished(at=record.at, run_id=record.holder, outcome=record.outcome, error=record.error)
            self._later(live, ended)

    def catch_up(self) -> None:
        """Put on the record what ended while nobody was here; only inside a running loop."""
        for live in self.live.cells.values():
            known: dict[str, RunRecord | PlanNow] = {**live.runs, **live.plans}
            for run_id, run in known.items():
                if run.outcome:
                    at, outcome = run.ended_at or 0.0, run.outcome
                    self._later(live, r.Finished(at=at, run_id=run_id, outcome=outcome, error=run.error))

    def _later(self, live: Live, record: r.Finished) -> None:
        task = asyncio.get_running_loop().create_task(self._ended(live, record))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _ended(self, live: Live, record: r.Finished) -> None:
        entry = Entry(
            "lab", "end", "noted", live.world, record.run_id, record.outcome, {"at": record.at},
            event=f"ended:{live.cell}:{record.run_id}",
        )  # fmt: skip
        await self.record(entry, sign=True)
        folder = self.runs / record.run_id
        if folder.is_dir():
            head = await asyncio.to_thread(self.trail.head)
            await asyncio.to_thread(export, self.engine, folder, record.run_id, head)

    async def count_reads(self) -> None:
        """Record who looked how often, every minute, until cancelled; and once more then."""
        try:
            while True:
                await asyncio.sleep(READS_S)
                await self._record_reads()
        finally:
            await self._record_reads()

    async def _record_reads(self) -> None:
        counted, self.reads = self.reads, Counter()
        entries = [
            Entry(name, "read", "allowed", self.world, facts={"times": times}, token=token)
            for (name, token), times in counted.items()
        ]
        if entries:
            await self.record(*entries)

    async def close(self) -> None:
        """Wait for what is still to be put on the record."""
        await asyncio.gather(*self._ending, return_exceptions=True)


_HINTS = {
    "submit": "Ask for an approval (POST /api/v1/approvals, request_approval) and submit again with its id; "
    "a budget is whole again after a day.",
    "approve": "Another person than the one who asked must approve it, with `approve:<hazard>` in lab.toml.",
}
