"""The one writer of a cell: every record goes through it into the state, onto the disk, and to whoever waits for it."""

import asyncio
import concurrent.futures
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from orchestrator.journal import Log
from orchestrator.state import records as r
from orchestrator.state.cell import CellState, Impossible, reduce
from orchestrator.turns import Turns
from protocols.program import Action, Hold

#: What a run's own plan writes, and sees by the end of its tasks.
_OWN = (r.Submitted, r.Begun, r.Done, r.Failed, r.PassedOver)
#: An outcome, and a submission, wait so long for the next intent, to go to the disk with it: one write a step instead
#: of two. Whatever is commanded next is written after it, so a crash meanwhile leaves an action unknown, and loses
#: nothing; and nobody is told of a submission before it is on the disk.
_SOON_S = 0.004
#: A write of the journal that takes longer is told: everything that was to begin waited for it. Ours: a person notices.
_SLOW_S = 0.25
#: What stands for an action in the turns of a reservation.
RESERVE = "reserve"
_LOG = logging.getLogger(__name__)
Listener = Callable[[r.Record], None]
#: What follows from a record at once, by the state after it: written with it, so that no crash can part them.
Rule = Callable[[CellState, r.Record], Iterable[r.Record]]


class Conductor:
    """Live state of a cell: `state` is always the fold of what was given to `record`, in that order.

    A record that contradicts the state raises `Impossible` and goes nowhere. The future that `record` returns is done
    when the record is durable; no command may go out before. When the log fails, the conductor is broken for good:
    every later record raises, so nothing can be commanded that is not written.
    """

    def __init__(self, log: Log, clock: Callable[[], float], state: CellState | None = None) -> None:
        self.state = state or CellState()
        self.turns = Turns()
        self.now = clock
        self.listeners: list[Listener] = []
        self.rules: list[Rule] = []
        self.broken: BaseException | None = None
        self._log = log
        self._wakes: dict[str, asyncio.Event] = {}
        self._pending: list[tuple[r.Record, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._later: asyncio.TimerHandle | None = None
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "journal") if log.threaded else None

    def record(self, record: r.Record) -> asyncio.Future[None]:
        """Fold a record in; the future ends when it is durable."""
        if self.broken is not None:
            raise RuntimeError("the journal cannot be written; the cell commands nothing more") from self.broken
        before = self.state
        self.state = reduce(before, record)
        loop = asyncio.get_running_loop()
        durable = loop.create_future()
        self._pending.append((record, durable))
        if self._thread is None:
            self._write_now()
        elif isinstance(record, r.Done | r.Submitted | r.PassedOver):
            self._later = self._later or loop.call_later(_SOON_S, self._start_flush)
        else:
            self._start_flush()
        self._wake_after(before, record)
        self._follow(record)
        return durable

    def _follow(self, record: r.Record) -> None:
        """What the rules make of a record; a rule that fails says nothing, and harms no run."""
        for rule in self.rules:
            try:
                follows = tuple(rule(self.state, record))
            except Exception:
                _LOG.exception("a rule failed on %s", record)
                continue
            for more in follows:
                self.record(more)

    def begin(self, run_id: str, action: Action) -> asyncio.Future[None] | None:
        """Take what the action needs and write its intent; None when it may not begin now."""
        blocked = self.turns.blocked_on(run_id, action.id)
        if blocked or any(self.state.owner(thing) not in ("", run_id) for thing in action.needs):
            return None
        was = self.state.run(run_id).actions.get(action.id)
        durable = self.record(
            r.Begun(at=self.now(), run_id=run_id, action=action.id, attempt=(was.attempt if was else 0) + 1)
        )
        opened = self.turns.opens(run_id, action.id)
        self.turns.take(run_id, action.id)
        for thing in opened:
            self._wake_next(thing)
        return durable

    def rebind(self, run_id: str, first: str, places: Mapping[str, str]) -> asyncio.Future[None]:
        """Send the visit that begins with action `first` to other places (old: new), where it is last in line."""
        before = self.state.run(run_id).program.holds
        durable = self.record(r.Rebound(at=self.now(), run_id=run_id, first=first, places=places))
        for old, new in zip(before, self.state.run(run_id).program.holds, strict=True):
            if old != new:
                self.turns.move((run_id, old.first), old.thing, new.thing)
                self._wake_next(old.thing)
        return durable

    def stand_in_line(self, holder: str, things: Sequence[str], *, first: bool = False) -> None:
        """Behind everybody (or before) on each of these things; `wake(holder)` is set when there is hope."""
        self.turns.enter(holder, [Hold(thing, RESERVE, RESERVE) for thing in things], first=first)

    def reserve(self, holder: str, things: Sequence[str], until: float) -> asyncio.Future[None] | None:
        """Take everything that a holder stands in line for; None when that cannot be now."""
        if self.turns.blocked_on(holder, RESERVE) or any(self.state.owner(thing) for thing in things):
            return None
        durable = self.record(
            r.Reserved(at=self.now(), run_id=holder, holder=holder, things=tuple(things), until=until)
        )
        self.turns.take(holder, RESERVE)
        return durable

    def wake(self, run_id: str) -> asyncio.Event:
        """Set when something changed for a run; whoever waits on it clears it."""
        return self._wakes.setdefault(run_id, asyncio.Event())

    def wake_all(self) -> None:
        """After a new order, everybody looks again."""
        for event in self._wakes.values():
            event.set()

    def step_aside(self, run_id: str) -> None:
        """Those behind a run move up."""
        for thing in self.turns.leave(run_id):
            self._wake_next(thing)

    def forget(self, run_id: str) -> None:
        """A run has ended: nobody waits for it."""
        self.step_aside(run_id)
        self._wakes.pop(run_id, None)

    async def beat(self, instruments: bytes = b"") -> None:
        """Show that this loop lives, and what its devices do; raises when another worker has taken the cell over."""
        if self._thread is not None and self._flushing is None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._log.beat, instruments)

    async def close(self) -> None:
        """Write what is pending and close the log."""
        self._start_flush()
        if self._flushing is not None:
            await asyncio.shield(self._flushing)
        if self._thread is not None:
            self._thread.shutdown(wait=True)
        self._log.close()

    def _wake_after(self, before: CellState, record: r.Record) -> None:
        if record.run_id in self._wakes and not isinstance(record, _OWN):
            self._wakes[record.run_id].set()
        for place, owned in ((before.held, self.state.held), (before.left, self.state.left)):
            if place is not owned:
                for thing in place.keys() - owned.keys():
                    self._wake_next(thing)

    def _wake_next(self, thing: str) -> None:
        waiting = self._wakes.get(self.turns.next(thing))
        if waiting is not None:
            waiting.set()

    def _write_now(self) -> None:
        batch, self._pending = self._pending, []
        try:
            self._log.write([record for record, _ in batch])
        except BaseException as error:
            self.broken = error
            raise
        self._written(batch)

    def _start_flush(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._flushing is None and self._pending:
            self._flushing = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        """Write in a thread; what comes meanwhile goes together into the next batch."""
        loop = asyncio.get_running_loop()
        while self._pending:
            batch, self._pending = self._pending, []
            began = time.perf_counter()
            try:
                await loop.run_in_executor(self._thread, self._log.write, [record for record, _ in batch])
            except BaseException as error:
                self.broken = error
                for _, durable in [*batch, *self._pending]:
                    if not durable.done():
                        durable.set_exception(RuntimeError(f"the journal cannot be written: {error}"))
                self._pending = []
                break
            if (took := time.perf_counter() - began) > _SLOW_S:
                _LOG.warning("the journal took %.2f s to write; what was to begin waited. Is the disk busy?", took)
            self._written(batch)
        self._flushing = None

    def _written(self, batch: Iterable[tuple[r.Record, asyncio.Future[None]]]) -> None:
        for record, durable in batch:
            if not durable.done():
                durable.set_result(None)
            for listener in self.listeners:
                listener(record)


__all__ = ["Conductor", "Impossible", "Listener", "Rule"]
