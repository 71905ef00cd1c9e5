"""A cell at work: many runs beside one another on shared devices, with pause, abort, stop and recovery."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from drivers.core.command import Command, Recall
from drivers.core.errors import DeviceError
from orchestrator import interlocks, limits, maintenance
from orchestrator.bands import watch
from orchestrator.cell import Cell
from orchestrator.conductor import Conductor
from orchestrator.dispatch import PLAN_S, Dispatcher
from orchestrator.engine import Engine, Plan
from orchestrator.execute import DocumentSink, how_it_ended, perform
from orchestrator.frames import Frames
from orchestrator.recovery import BY_POLICY, Policy, offered, retry_after_s, settle
from orchestrator.reservations import Reservations
from orchestrator.safe_end import safe_end
from orchestrator.scheduling.process import SolverProcess
from orchestrator.stand_ins import StandIns
from orchestrator.state import records as r
from orchestrator.state.cell import Impossible, RunState
from orchestrator.station import Station
from orchestrator.witness import witness_of
from protocols.holds import holds
from protocols.program import CLOCK, Action, Hold, Program

FramesOf = Callable[[str], Frames | None]  # of a run
SinksOf = Callable[[str, Mapping[str, Any]], Sequence[DocumentSink]]
_LOG = logging.getLogger(__name__)
#: After these the plan is no longer the best, or no longer possible.
_NEWS = (r.Submitted, r.Finished, r.Paused, r.Resumed, r.Amended, r.Settled, r.Chosen, r.Released)
_RECONNECT_S = (0.5, 1.0, 2.0, 4.0)  # pauses between attempts to reach a device again
_CONNECTION = ("ConnectionFailed", "ConnectionLost", "ReplyTimeout", "ProtocolViolation")


class Service:
    """Runs what was submitted, as its devices and sites become free. One task a run; nothing here blocks."""

    def __init__(
        self,
        conductor: Conductor,
        cell: Cell,
        *,
        policy: Policy | None = None,
        sinks_of: SinksOf | None = None,
        frames_of: FramesOf | None = None,
        solver: SolverProcess | None = None,
        plan_s: float = PLAN_S,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        """`about` is what the documents of every plan of others say of this lab."""
        self.conductor = conductor
        self.cell = cell
        self.policy = policy or Policy()
        self.roles = {name: device.role for name, device in cell.lab.devices.items()}
        self._sinks_of = sinks_of or (lambda run_id, about: ())
        self._frames_of: FramesOf = frames_of or (lambda run_id: None)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._helping: set[asyncio.Task[None]] = set()
        self._about = dict(about or {})
        self._reservations = Reservations(conductor)
        self._plans: dict[str, asyncio.Task[Any]] = {}
        self._expiring: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._closed = False
        conductor.listeners.append(self._hear)
        conductor.rules += [watch(self.policy), limits.watch]
        self.interlocks = interlocks.Watch(self)
        self.dispatcher = None if solver is None else Dispatcher(
            conductor, solver, self._holds, seconds=plan_s,
            closed=lambda: maintenance.closed(cell.lab.maintenance, conductor.state, conductor.now()),
            stand_ins=self._stand_ins,
        )  # fmt: skip

    # What people and programs ask for

    async def submit(
        self,
        run_id: str,
        program: Program,
        *,
        about: Mapping[str, Any],
        by: str = "",
        priority: int = 0,
        deadline: float | None = None,
        durations_s: Mapping[str, float] | None = None,
        predicted: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Take a program in; it is durable when this returns, and begins when its turn comes."""
        self._still_open()
        self.interlocks.require()
        submitted = r.Submitted(
            at=self.conductor.now(), run_id=run_id, program=program, by=by, priority=priority, deadline=deadline,
            about=about, durations_s=durations_s or {}, predicted=tuple(predicted),
        )  # fmt: skip
        durable = self.conductor.record(submitted)
        self.conductor.turns.enter(run_id, program.holds)
        self._start(run_id)
        await durable

    async def run_plan(
        self,
        name: str,
        plan: Callable[..., Plan],
        devices: Mapping[str, Any],
        things: Sequence[str],
        by: str,
        *,
        lease_s: float = 30.0,
        wait_s: float = 3600.0,
    ) -> Any:
        """Run any Bluesky plan, `plan(**devices)`, while it has these devices and sites of the lab to itself.

        `name` is the plan's own among all runs. It waits its turn; its documents go where a run's go; it returns
        what the plan returned. Raises `Impossible` for things that the lab has not, `NotFree` after `wait_s`,
        `LeaseLost`, and what the plan raised; `stop` and `abort` end it. Its devices are the caller's to connect.
        """
        self._still_open()
        lab = self.cell.lab
        unknown = [thing for thing in things if thing not in lab.devices and thing not in lab.all_sites]
        if unknown or not things:
            raise Impossible(f"the lab has no {', '.join(unknown) or 'such reservation'}: name its devices and sites")
        title = getattr(plan, "__name__", "plan")
        about = {"run_id": name, "protocol": title, "by": by, "things": list(things), **self._about}

        async def work() -> Any:
            engine = Engine(about)
            for sink in self._sinks_of(name, about):
                engine.subscribe(sink)
            return await engine.run(plan(**devices))

        if name in self._plans:
            raise Impossible(f"there is a plan {name} already; take another name")
        under = self._reservations.under(name, things, work, lease_s=lease_s, wait_s=wait_s)
        task = self._plans[name] = asyncio.get_running_loop().create_task(under, name=f"plan {name}")
        task.add_done_callback(lambda _: self._plans.pop(name, None))
        return await task

    def take_up(self) -> None:
        """After a start: go on with every run that has not ended, from what is known of it; and keep maintenance."""
        self._expire()
        for one in self.cell.lab.interlocks:
            self._help(self.interlocks.keep(one))
        for window in self.cell.lab.maintenance:
            if window.ends > self.conductor.now():
                self._help(maintenance.keep(window, self.cell.lab, self.conductor))
        for run_id, run in self.conductor.state.runs.items():
            if run.paused_by and run.begun_at is None:
                continue
            rest = [hold for hold in self._holds(run) if run.phase(hold.first) == "waiting"]
            self.conductor.turns.enter(run_id, rest)
        for run_id in self.conductor.state.runs:
            self._start(run_id)

    async def pause(self, run_id: str, by: str) -> None:
        """Begin nothing more of the run; what is under way goes on to its end."""
        durable = self.conductor.record(r.Paused(at=self.conductor.now(), run_id=run_id, by=by))
        self.step_aside(run_id)
        await durable

    async def resume(self, run_id: str, by: str) -> None:
        """Go on; not while an interlock is open, nor before a stop has come to rest."""
        self.interlocks.require()
        if self._stopping is not None and not self._stopping.done():
            raise Impossible("the devices are being stopped, and runs still end; resume when they have")
        run = self.conductor.state.run(run_id)
        durable = self.conductor.record(r.Resumed(at=self.conductor.now(), run_id=run_id, by=by))
        if run.paused_by and run.begun_at is None:
            self.conductor.turns.enter(run_id, self._holds(run))
        await durable

    async def abort(self, run_id: str, by: str, reason: str = "") -> None:
        """End the run safely once what is under way has ended; a plan of others is ended by its own clean-up."""
        if run_id in self._plans:
            self._plans[run_id].cancel()
            return
        await self.conductor.record(r.AbortAsked(at=self.conductor.now(), run_id=run_id, by=by, reason=reason))

    async def stop(self, by: str) -> None:
        """Every device to rest, now; runs that had begun end without a safe end, the others are paused."""
        # The commands go out before anything is written: stop waits for nothing.
        stopping = [asyncio.ensure_future(device.stop(success=False)) for device in self.cell.devices.values()]
        for plan in self._plans.values():
            plan.cancel()
        now = self.conductor.now()
        for run_id, run in self.conductor.state.runs.items():
            if run.begun_at is None:
                self.conductor.record(r.Paused(at=now, run_id=run_id, by=by))
                self.step_aside(run_id)
            else:
                self.conductor.record(r.AbortAsked(at=now, run_id=run_id, by=by, reason="stopped", stopped=True))
        begun = [name for name, run in self.conductor.state.runs.items() if run.begun_at is not None]
        ending = [self._tasks[name] for name in begun if name in self._tasks]  # one that our mistake ended has none
        self._stopping = self._help(self._give_back([*stopping, *ending]))
        await asyncio.gather(*stopping, return_exceptions=True)

    async def _give_back(self, ending: Sequence["asyncio.Future[None]"]) -> None:
        """A stopped device takes no command before it is connected anew: whoever commands it next does that."""
        await asyncio.gather(*ending, return_exceptions=True)
        await self.cell.hang_up()

    async def settle(self, run_id: str, action: str, verdict: Any, by: str, evidence: str) -> None:
        """A person says what became of an action."""
        await self.conductor.record(
            r.Settled(at=self.conductor.now(), run_id=run_id, action=action, verdict=verdict, by=by, evidence=evidence)
        )

    async def choose(self, run_id: str, action: str, choice: r.Choice, by: str, note: str = "") -> None:
        """A person says how the run goes on; `note` is the step to go back to."""
        state = self.conductor.state.run(run_id)
        durable = self.conductor.record(
            r.Chosen(at=self.conductor.now(), run_id=run_id, action=action, choice=choice, by=by, note=note)
        )
        if choice == "go_back":
            again = self.conductor.state.run(run_id)
            undone = {name for name in again.order if again.phase(name) == "waiting" and state.phase(name) != "waiting"}
            self.conductor.turns.enter(run_id, [hold for hold in self._holds(again) if hold.first in undone])
        await durable

    async def clear(self, things: Sequence[str], by: str) -> None:
        """A person took away what ended runs had left on these sites; raises `Impossible` for what is no site."""
        known = {*self.cell.lab.all_sites, *self.conductor.state.left}
        if unknown := [thing for thing in things if thing not in known and not thing.startswith("bench.")]:
            left = ", ".join(self.conductor.state.left) or "nothing"
            raise Impossible(f"no site {', '.join(unknown)} in this lab; left by ended runs: {left}")
        # No other site: what stands there by now may be a run's that is under way.
        self.cell.world.cleared([thing for thing in things if thing in self.conductor.state.left])
        await self.conductor.record(r.Cleared(at=self.conductor.now(), things=tuple(things), by=by))

    async def idle(self) -> None:
        """Until every run has ended."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def close(self) -> None:
        """Wait for nothing; what is under way is in doubt until the next start. Nothing is begun after it."""
        self._closed = True
        if self.dispatcher is not None:
            await self.dispatcher.close()
        tasks = [*self._tasks.values(), *self._plans.values(), *self._helping]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def step_aside(self, run_id: str) -> None:
        """A paused run that has nothing yet lets the others pass; one that has begun keeps its turns."""
        if self.conductor.state.run(run_id).begun_at is None:
            self.conductor.step_aside(run_id)

    def _holds(self, run: RunState) -> Sequence[Hold]:
        return holds(tuple(run.order.values()), self.roles) if run.amended else run.program.holds

    # One run

    def _start(self, run_id: str) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(run_id), name=f"run {run_id}")
        self._tasks[run_id] = task
        task.add_done_callback(lambda ended: self._over(run_id, ended))

    def _over(self, run_id: str, task: "asyncio.Task[None]") -> None:
        """A run that our own mistake ended waits for a person; nothing of it is lost, and nothing hidden."""
        self._tasks.pop(run_id, None)
        if task.cancelled() or task.exception() is None:
            return
        _LOG.error("run %s", run_id, exc_info=task.exception())
        if run_id in self.conductor.state.runs and self.conductor.broken is None:
            message = (
                f"our mistake: {task.exception()!r}. Nothing more of the run begins; abort it, or restart the lab."
            )
            self.conductor.record(r.Alarmed(at=self.conductor.now(), run_id=run_id, action="", message=message))

    async def _serve(self, run_id: str) -> None:
        run = self.conductor.state.run(run_id)
        if self._stopping is not None and run.begun_at is None:
            await asyncio.wait([self._stopping])
        if not await self._reach(run):
            return
        if self.conductor.state.run(run_id).stopped:  # before this worker had its devices, which may be at work
            devices = [self.cell.devices[name] for name in _devices(run) if name in self.cell.devices]
            await asyncio.gather(*(device.stop(success=False) for device in devices), return_exceptions=True)
        await self._reconcile(run_id)
        about = dict(run.submitted.about)
        sinks = self._sinks_of(run_id, about)
        frames = self._frames_of(run_id)
        await perform(run_id, self.conductor, self.cell, about, sinks, shared=True, frames=frames)
        run = self.conductor.state.run(run_id)
        outcome, error = how_it_ended(run)
        if _needs_safe_end(run):
            actions, ends = safe_end(run, self.conductor.state.held, self.roles)
            self.conductor.turns.leave(run_id)
            self.conductor.record(r.Amended(at=self.conductor.now(), run_id=run_id, actions=actions, holds=ends))
            self.conductor.turns.enter(run_id, ends, first=True)
            await self._reach(self.conductor.state.run(run_id))
            about["part"] = "safe_end"
            await perform(run_id, self.conductor, self.cell, about, sinks, shared=True)
        await self.conductor.record(r.Finished(at=self.conductor.now(), run_id=run_id, outcome=outcome, error=error))
        self.conductor.forget(run_id)

    async def _reach(self, run: RunState) -> bool:
        """Connect what the run needs; a run of which nothing was done fails when a device cannot be reached."""
        names = _devices(run)
        for pause_s in (*_RECONNECT_S, None):
            try:
                await self.cell.connect(names)
                self._help(self._reach_stand_ins(names))
                return True
            except DeviceError as error:
                if pause_s is not None:
                    await asyncio.sleep(pause_s)
                    continue
                if run.begun_at is not None:
                    await self._alarm(run.run_id, "", f"{error} The run waits for it; abort it, or mend the device.")
                    return await self._wait_for_device(run, names)
                await self.conductor.record(
                    r.Finished(at=self.conductor.now(), run_id=run.run_id, outcome="failed", error=str(error))
                )
                self.conductor.forget(run.run_id)
        return False

    def _stand_ins(self) -> StandIns:
        """Of each device, those that may be taken in its place and can be reached."""
        return {
            name: tuple(other for other in others if other in self.cell.devices)
            for name, others in self.cell.lab.stand_ins.items()
        }

    async def _reach_stand_ins(self, names: Sequence[str]) -> None:
        """See beside the run which other devices a plan may choose; one that cannot be reached is none."""
        known = self.cell.lab.stand_ins
        for other in dict.fromkeys(other for name in names for other in known.get(name, ())):
            if other not in self.cell.devices:
                with contextlib.suppress(DeviceError):
                    await self.cell.connect((other,))
                    if self.dispatcher is not None:
                        self.dispatcher.changed()

    async def _wait_for_device(self, run: RunState, names: Sequence[str]) -> bool:
        """Until they can be reached, or the run shall end as it is."""
        while run.abort_asked or not self.conductor.state.run(run.run_id).abort_asked:
            await asyncio.sleep(_RECONNECT_S[-1])
            with contextlib.suppress(DeviceError):
                await self.cell.connect(names)
                break
        return True

    # Recovery

    def _hear(self, record: r.Record) -> None:
        """A failure is looked at beside the run, which begins nothing more until it is settled."""
        if self.dispatcher is not None and isinstance(record, _NEWS):
            self.dispatcher.changed()
        if self.dispatcher is not None and isinstance(record, r.Done):
            self.dispatcher.ended(record)
        if isinstance(record, r.Reserved):
            self._expire()
        if isinstance(record, r.Failed) and record.kind != "Cancelled":
            self._help(self._recover(record))

    def _still_open(self) -> None:
        if self._closed:
            raise Impossible("this worker has closed; ask the one that has the cell now")

    def _help(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None] | None":
        """Do something beside the runs, as long as this is open."""
        if self._closed:
            work.close()
            return None
        task = asyncio.get_running_loop().create_task(work)
        self._helping.add(task)
        task.add_done_callback(self._helping.discard)
        return task

    def _expire(self) -> None:
        """See to it that reservations end with their leases, as long as there are any."""
        if self.conductor.state.reservations and (self._expiring is None or self._expiring.done()):
            self._expiring = self._help(self._reservations.expire())

    async def _recover(self, failed: r.Failed) -> None:
        run = self.conductor.state.runs.get(failed.run_id)
        if run is None or run.ends:
            return
        action = run.order.get(failed.action)
        if action is None:  # the run ends by now, and its safe end does not go on from there
            return
        if failed.kind in _CONNECTION and not await self._again(action.device):
            message = f"{failed.error} {action.device} cannot be reached; a person must look at it."
            await self._alarm(failed.run_id, failed.action, message)
            return
        await self._settle(failed.run_id, failed.action)

    async def _settle(self, run_id: str, name: str) -> None:
        """See to it that an action that failed, or is in doubt, is settled: by its device, by policy or by a person."""
        run = self.conductor.state.runs.get(run_id)
        was = None if run is None else run.actions.get(name)
        if run is None or was is None:  # the run ended, or went on to its safe end, meanwhile
            return
        if was.outcome == "unknown":
            await self._ask(run_id, name)
            return
        pause_s = retry_after_s(was, self.policy)
        if pause_s is None:
            choices = ", ".join(offered(run, name))
            await self._alarm(run_id, name, f"{was.error.rstrip('.')}. A person must choose: {choices}.")
            return
        await asyncio.sleep(pause_s)
        again = self.conductor.state.runs.get(run_id)
        if again is not None and again.actions.get(name) == was:
            await self.choose(run_id, name, "retry", BY_POLICY)

    async def _again(self, name: str) -> bool:
        """Reach a device anew."""
        for pause_s in _RECONNECT_S:
            with contextlib.suppress(DeviceError):
                await self.cell.reconnect(name)
                return True
            await asyncio.sleep(pause_s)
        return False

    async def _reconcile(self, run_id: str) -> None:
        """Settle what the worker before left failed or in doubt."""
        for action in self.conductor.state.run(run_id).unsettled:
            await self._settle(run_id, action)

    async def _ask(self, run_id: str, name: str) -> None:
        run = self.conductor.state.run(run_id)
        action = run.order[name]
        recalled: Recall | None = None
        if action.device != CLOCK:
            station = Station(action.device, self.cell, self.conductor, run_id, shared=True)
            try:
                device = await self.cell.reached(action.device)
                recalled = await device.recall(station.command(action))
            except DeviceError as error:
                recalled = Recall("unknown", f"{action.device} could not be asked: {error}")
        evidence = recalled.evidence if recalled else "nobody can tell what became of it"
        told = settle(action, recalled) or await self._measured(run, action, evidence)
        if isinstance(told, str):
            await self._alarm(run_id, name, told)
            return
        verdict, by, evidence = told
        await self.conductor.record(
            r.Settled(
                at=self.conductor.now(),
                run_id=run_id,
                action=name,
                verdict="done" if verdict == "done" else "not_done",
                by=by,
                evidence=evidence,
                readings=recalled.readings if recalled else (),
            )
        )

    async def _measured(self, run: RunState, action: Action, evidence: str) -> tuple[str, str, str] | str:
        """(verdict, by, evidence) where a measurement proves that it was done; else all that is known, in words."""
        witness = witness_of(run, action, self.roles)
        balance = self.cell.devices.get(witness.balance) if witness else None
        if witness is None or balance is None:
            return evidence
        try:
            (shown,) = await balance.perform(Command(f"{run.run_id}/{action.id}/witness", "weigh"))
        except DeviceError as error:
            return f"{evidence}; {error}"
        told = f"{evidence}; {witness.evidence(shown.value or 0.0)}"
        return ("done", "measurement", told) if witness.proves(shown.value or 0.0) else told

    async def _alarm(self, run_id: str, action: str, message: str) -> None:
        await self.conductor.record(r.Alarmed(at=self.conductor.now(), run_id=run_id, action=action, message=message))


def _devices(run: RunState) -> tuple[str, ...]:
    return tuple(dict.fromkeys(action.device for action in run.order.values() if action.device != CLOCK))


def _needs_safe_end(run: RunState) -> bool:
    """After a stop nothing moves before a person has looked; and who has begun nothing has nothing to put away."""
    return run.ends and not run.stopped and run.begun_at is not None
