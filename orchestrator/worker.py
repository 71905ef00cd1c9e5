"""A worker: the process that has a cell's devices, its lease and its journal, and carries out what is asked of it."""

import asyncio
import contextlib
import logging
import os
import socket
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

from sqlalchemy import Engine
from sqlalchemy.exc import NoResultFound, OperationalError

from drivers.core.world import WorldSettings
from labfile.lab import Lab
from orchestrator import instruments
from orchestrator.cell import Cell
from orchestrator.conductor import Conductor
from orchestrator.folder import RunFolder
from orchestrator.frames import Frames
from orchestrator.garbage import Garbage
from orchestrator.guests import Guests
from orchestrator.names import cell_name
from orchestrator.run import circumstances
from orchestrator.scheduling.process import SolverProcess
from orchestrator.service import Service
from orchestrator.sinks.configured import far_sinks, listener
from orchestrator.spans import RunSpans
from orchestrator.state import records as r
from orchestrator.state.cell import CellState, Impossible, reduce
from orchestrator.store import requests
from orchestrator.store.log import CellTaken, Fenced, Lease, StoreLog, claim, load_program, read_journal
from orchestrator.store.plans import save_plan
from orchestrator.store.requests import Request
from orchestrator.telemetry import traces_of

_LOG = logging.getLogger(__name__)
BEAT_S = 0.5  # of whoever watches; a machine that is too slow for its --speed shows it that much less often
LOOK_S = 0.25  # at the latest; the bell comes sooner
FAREWELL_S = 5.0  # for servers to take what is left, when the worker ends
ROOM = 64  # runs that a cell takes in at once


class Worker:
    """One cell of a lab in one world. `run` ends when it is told to, or when another worker has taken the cell.

    To be made before the loop runs (sinks start threads); raises `TiledMissing`, `TelemetryMissing`.
    """

    def __init__(self, lab: Lab, world: str, engine: Engine, runs: Path, settings: WorldSettings) -> None:
        self.name = cell_name(lab, world)
        self._lab, self._world, self._engine, self._runs = lab, world, engine, runs
        self._about = circumstances(lab, world, settings.seed)
        self._far = far_sinks(lab)
        self._traces = traces_of(lab, "worker")
        self.cell = Cell(lab, world, settings)
        self._pace = settings.speed or 1.0  # seconds of the loop in one of those who watch this worker
        self.ended = asyncio.Event()
        self._leaving = False
        self._bell = asyncio.Event()
        self._folders: dict[str, RunFolder] = {}
        self._finishing: set[asyncio.Task[None]] = set()
        self.ended_runs: set[str] = set()
        self._begun_plans: set[str] = set()

    async def run(self, *, gone: str | None = None, ready: Callable[[], None] = lambda: None) -> None:
        """Take the cell over, go on with what was under way, and serve until `ended` is set.

        `gone` names a former worker that is known to be dead, so that its lease need not run out. Servers get what is
        left for them at the end, however it comes.
        """
        try:
            await self._hold(gone, ready)
        finally:
            await asyncio.gather(*(sink.close(FAREWELL_S) for sink in self._far))
            for sink in self._far:
                if sink.problem:
                    _LOG.warning("%s", sink.problem)
            if self._traces is not None:
                await asyncio.to_thread(self._traces.close)

    async def _hold(self, gone: str | None, ready: Callable[[], None]) -> None:
        """From the bell to the last word."""
        import time

        transport, bell = await self._hang_bell()
        # Most of it while the cell is not ours yet: it may take seconds, in which we could show no life.
        seq, state = self._read_on(0, CellState())
        try:
            lease = claim(self._engine, self.name, _holder(), self._world_id(), bell, gone=gone)
        except CellTaken:
            transport.close()
            raise
        _, state = self._read_on(seq, state)
        conductor = Conductor(StoreLog(self._engine, lease), time.time, state)
        self.service = Service(
            conductor, self.cell, sinks_of=self._sinks_of, frames_of=lambda run_id: Frames(self._runs / run_id),
            solver=_solver(), about=self._about,
        )  # fmt: skip
        self.guests = Guests(self.cell, self.service, self._begun_plans, self._answer, self._pace)
        conductor.listeners += [self._keep, listener(self._far)]
        if self._traces is not None:
            spans = RunSpans(self._traces, state.runs.values(), self.guests.traceparent)
            conductor.listeners.append(spans.hear)
        self._complete_folders()
        try:
            await self._work(conductor, lease, ready)
        except Exception as error:
            if conductor.broken is not None:
                raise conductor.broken from error  # why the journal could not be written, not that it could not
            raise
        finally:
            await self._leave(conductor)
            transport.close()

    async def _work(self, conductor: Conductor, lease: Lease, ready: Callable[[], None]) -> None:
        """From the claim to the end."""
        before = conductor.state.world
        await conductor.record(
            r.Claimed(at=conductor.now(), holder=lease.holder, epoch=lease.epoch, world=self._world_id())
        )
        if before and before != self._world_id():
            self._interrupt(conductor)
        self.service.take_up()
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(work) for work in (self._beat(conductor), self._serve(conductor), self.ended.wait())]
        ready()
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _leave(self, conductor: Conductor) -> None:
        """Give everything back; devices keep their sessions where something is under way."""
        await self.guests.close()
        await self.service.close()
        with contextlib.suppress(Fenced, OperationalError):
            await conductor.close()
        under_way = any(run.begun_at is not None for run in conductor.state.runs.values())
        await self.cell.close(hang_up=not under_way)
        await asyncio.gather(*self._finishing, return_exceptions=True)
        for folder in self._folders.values():
            await folder.close()

    def _read_on(self, seq: int, state: CellState) -> tuple[int, CellState]:
        """The fold of the journal as far as it goes by now; on the way, which runs have ended."""
        for number, record in read_journal(self._engine, self.name, after=seq):
            seq, state = number, reduce(state, record)
            if isinstance(record, r.Finished):
                self.ended_runs.add(record.run_id)
            elif isinstance(record, r.Reserved):
                self._begun_plans.add(record.holder)
        return seq, state

    def _world_id(self) -> str:
        """A twin in this process is a new world each time; the real one is always the same."""
        return "real" if self._world == "real" else f"twin:{self._instance}"

    _instance = uuid.uuid4().hex[:12]

    @staticmethod
    def _interrupt(conductor: Conductor) -> None:
        """The world in which these runs were under way is gone."""
        for run_id, run in list(conductor.state.runs.items()):
            if run.begun_at is not None:
                conductor.record(
                    r.Finished(at=conductor.now(), run_id=run_id, outcome="interrupted", error="its twin is gone")
                )
        if conductor.state.left:
            conductor.record(r.Cleared(at=conductor.now(), things=tuple(conductor.state.left), by="a new twin"))

    # Attention

    async def _hang_bell(self) -> tuple[asyncio.DatagramTransport, str]:
        bell = self._bell

        class Ear(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: Any) -> None:
                bell.set()

        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Ear, local_addr=("127.0.0.1", 0))
        host, port = transport.get_extra_info("sockname")[:2]
        return transport, f"{host}:{port}"

    async def _beat(self, conductor: Conductor) -> None:
        """Show life, from the loop itself: a loop that hangs shows none."""
        taken, garbage = 0, Garbage()
        while True:
            garbage.look(at_rest=not any(run.under_way for run in conductor.state.runs.values()))
            await conductor.beat(instruments.told(self.cell.devices, conductor.now()))
            dispatcher = self.service.dispatcher
            if dispatcher is not None and dispatcher.taken != taken:
                taken = dispatcher.taken
                await asyncio.to_thread(save_plan, self._engine, self.name, conductor.now(), dispatcher.plan)
            await asyncio.sleep(BEAT_S * self._pace)

    async def _serve(self, conductor: Conductor) -> None:
        """Answer what is asked, in the order of asking."""
        while True:
            self._bell.clear()
            room = ROOM - len(conductor.state.runs)
            for request in await asyncio.to_thread(self._take, room):
                told = await self._carry_out(request)
                if told is not None:
                    await self._answer(request.id, told)
            if self._leaving:
                self.ended.set()
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._bell.wait(), LOOK_S * self._pace)

    def _take(self, room: int) -> list[Request]:
        return requests.take(self._engine, self.name, room, self._lab.devices)

    async def _answer(self, request_id: str, told: Mapping[str, Any]) -> None:
        await asyncio.to_thread(requests.answer, self._engine, request_id, told)

    async def _carry_out(self, request: Request) -> Mapping[str, Any] | None:
        """Do it, and what came of it; None for what answers later by itself."""
        if request.kind != "plan" and request.kind not in self._handlers():
            return {"ok": False, "error": f"a cell knows no request '{request.kind}'"}
        try:
            if request.kind == "plan":
                return self.guests.take(request)
            await self._handlers()[request.kind](request)
        except Impossible as reason:
            return {"ok": False, "error": str(reason)}
        except (KeyError, TypeError, ValueError, NoResultFound) as error:
            # Unanswered it would be the first thing that the next worker falls over.
            _LOG.exception("request %s", request.id)
            return {"ok": False, "error": f"this {request.kind} says too little, or something else: {error!r}"}
        return {"ok": True, "run_id": request.run_id, "cell": self.name}

    def _handlers(self) -> Mapping[str, Callable[[Request], Awaitable[None]]]:
        service = self.service
        return {
            "submit": self._submit,
            "pause": self._pause,
            "resume": self._resume,
            "abort": self._abort,
            "stop": self._stop,
            "settle": lambda q: service.settle(
                q.run_id, self._action(q), _one_of(get_args(r.Verdict), q.body["verdict"]), q.asked_by,
                q.body.get("evidence", ""),
            ),
            "choose": lambda q: service.choose(
                q.run_id, self._action(q), _one_of(get_args(r.Choice), q.body["choice"]), q.asked_by,
                q.body.get("note", ""),
            ),
            "down": self._down,
            "clear": lambda q: service.clear(tuple(q.body["things"]), q.asked_by),
        }  # fmt: skip

    def _action(self, request: Request) -> str:
        """The action a person speaks of; words about an attempt that is no more the last one are refused.

        A worker may die between doing what was asked and saying so, and the next one is asked again: what a person
        saw of one attempt must not settle another.
        """
        action: str = request.body["action"]
        was = self.service.conductor.state.run(request.run_id).actions.get(action)
        meant = request.body.get("attempt")
        if was is not None and meant is not None and meant != was.attempt:
            raise Impossible(f"{action} of run {request.run_id} is at attempt {was.attempt}, not {meant}; look again")
        return action

    async def _pause(self, request: Request) -> None:
        if self.guests.here(request.run_id):
            self.guests.pause(request.run_id)
        else:
            await self.service.pause(request.run_id, request.asked_by)

    async def _resume(self, request: Request) -> None:
        if self.guests.here(request.run_id):
            self.guests.resume(request.run_id)
        else:
            await self.service.resume(request.run_id, request.asked_by)

    async def _abort(self, request: Request) -> None:
        if self.guests.here(request.run_id):
            self.guests.abort(request.run_id, request.asked_by)
        else:
            await self.service.abort(request.run_id, request.asked_by, request.body.get("reason", ""))

    async def _stop(self, request: Request) -> None:
        self.guests.stopped(request.asked_by)
        await self.service.stop(request.asked_by)

    async def _down(self, _: Request) -> None:
        self._leaving = True

    async def _submit(self, request: Request) -> None:
        if request.run_id in self.service.conductor.state.runs:
            return  # asked again: its answer was lost with the worker that gave it
        if request.run_id in self.ended_runs:
            return
        with self._engine.connect() as connection:
            program = load_program(connection, request.body["program"])
        missing = [name for name in program.devices if name not in self._lab.devices]
        if missing:
            raise Impossible(f"{self._lab.name} has no {', '.join(missing)}")
        about = {
            "run_id": request.run_id, **self._about, "protocol_hash": program.protocol_hash,
            "program_hash": request.body["program"], **request.body.get("about", {}),
        }  # fmt: skip
        await self.service.submit(
            request.run_id, program, about=about, by=request.asked_by,
            priority=int(request.body.get("priority", 0)), deadline=request.body.get("deadline"),
            durations_s=request.body.get("durations_s"), predicted=request.body.get("predicted", ()),
        )  # fmt: skip

    # Records for people

    def _sinks_of(self, run_id: str, about: Mapping[str, Any]) -> Sequence[Callable[[str, Mapping[str, Any]], None]]:
        folder = self._folders.setdefault(run_id, self._folder(run_id))
        run = self.service.conductor.state.runs.get(run_id)
        return folder.begin_plan(about) if run is None else folder.begin(run.submitted)

    def _folder(self, run_id: str) -> RunFolder:
        return RunFolder(self._runs / run_id, self._lab, self._far)

    def _keep(self, record: r.Record) -> None:
        if isinstance(record, r.Reserved):
            self._begun_plans.add(record.holder)
        if isinstance(record, r.Finished):
            self.ended_runs.add(record.run_id)
            self._finish(record.run_id)
        elif isinstance(record, r.Released) and record.holder in self._folders:
            self._later(record.holder, self._folders.pop(record.holder).finish_plan(record.outcome, record.error))

    def _complete_folders(self) -> None:
        """A worker may die between a run's last record and its result."""
        for run_id in self.ended_runs:
            path = self._runs / run_id
            if (path / "run.json").exists() and not (path / "result.json").exists():
                self._finish(run_id)

    def _finish(self, run_id: str) -> None:
        folder = self._folders.pop(run_id, None) or self._folder(run_id)

        def load() -> Sequence[r.Record]:
            return [record for _, record in read_journal(self._engine, self.name, run_id=run_id)]

        self._later(run_id, folder.finish(load))

    def _later(self, run_id: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name=f"folder of {run_id}")
        self._finishing.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        """The journal has it all: a folder that could not be written is told, and harms no run."""
        self._finishing.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _LOG.error("%s", task.get_name(), exc_info=task.exception())


def _one_of(known: Sequence[Any], said: Any) -> Any:
    if said not in known:
        raise Impossible(f"'{said}' is none of {', '.join(known)}")
    return said


def _solver() -> SolverProcess | None:
    """Without OR-Tools (the extra `scheduler`) runs go in the order of coming."""
    return SolverProcess() if find_spec("ortools") else None


def _holder() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
