"""Runs and their actions as spans, made of the journal's records once they are durable: nothing waits for them.

A run's span hangs below the request that submitted it (`about["traceparent"]`), and its actions below the run. Its ids
come from the run's name, so that a worker that takes a run up goes on with the same span. A plan of Bluesky's is a span
from its reservation to its release; one whose worker died has none. On a twin that is faster than
life their times are those of the lab's clock.
"""

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from orchestrator.stand_ins import rebound
from orchestrator.state import records as r
from orchestrator.state.cell import RunState
from orchestrator.telemetry import Facts, Traces, told_in, within
from protocols.program import Action, Program

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_LOG = logging.getLogger(__name__)


class RunSpans:
    """A listener of the conductor's."""

    def __init__(
        self, traces: Traces, under_way: Iterable[RunState] = (), plan: Callable[[str], str | None] = lambda _: None
    ) -> None:
        """`under_way`: runs that a worker before this one began; `plan`: the `traceparent` of a plan, by its name."""
        self._traces = traces
        self._runs: dict[str, Span] = {}
        self._plans: dict[str, Span] = {}
        self._asked = plan
        self._programs: dict[str, Program] = {}
        self._actions: dict[tuple[str, str], Action] = {}
        self._begun: dict[tuple[str, str], tuple[float, int]] = {}
        for run in under_way:
            self._open(run.submitted)
            self._programs[run.run_id] = run.program
            self._actions |= {(run.run_id, name): action for name, action in run.order.items()}
            self._begun |= {(run.run_id, name): (was.at, was.attempt) for name, was in run.actions.items()
                            if was.phase not in ("done", "skipped")}  # fmt: skip

    def hear(self, record: r.Record) -> None:
        """One record; our own mistake here must not end a run."""
        try:
            self._hear(record)
        except Exception:
            _LOG.exception("no span of %s", type(record).__name__)

    def _hear(self, record: r.Record) -> None:
        match record:
            case r.Submitted():
                self._open(record)
            case r.Amended():
                self._actions |= {(record.run_id, action.id): action for action in record.actions}
            case r.Rebound():
                program = self._programs[record.run_id] = rebound(
                    self._programs[record.run_id], record.first, record.places
                )
                self._actions |= {(record.run_id, action.id): action for action in program.actions}
            case r.Begun():
                self._begun[record.run_id, record.action] = record.at, record.attempt
            case r.Done() | r.PassedOver() | r.Failed() | r.Settled():
                self._ended(record)
            case r.Finished():
                self._close(record)
            case r.Reserved() if record.holder not in self._plans:  # else its lease was renewed
                self._reserved(record)
            case r.Released() if record.holder in self._plans:
                self._end(self._plans.pop(record.holder), record)

    def _open(self, record: r.Submitted) -> None:
        about, run_id = record.about, record.run_id
        parent = told_in(str(about.get("traceparent", "")))
        facts: Facts = {"lab.run": run_id, "lab.world": str(about.get("world", "")),
                 "lab.protocol_hash": str(about.get("protocol_hash", ""))}  # fmt: skip
        self._runs[run_id] = self._traces.begin("run", record.at, parent, facts, known_as=f"run {run_id}")
        self._programs[run_id] = record.program
        self._actions |= {(run_id, action.id): action for action in record.program.actions}

    def _reserved(self, record: r.Reserved) -> None:
        asked = self._asked(record.holder)
        if asked is not None:
            facts: Facts = {"lab.run": record.holder, "lab.things": ", ".join(record.things)}
            self._plans[record.holder] = self._traces.begin("plan", record.at, told_in(asked), facts)

    def _ended(self, record: r.Done | r.PassedOver | r.Failed | r.Settled) -> None:
        key = record.run_id, record.action
        run, begun = self._runs.get(record.run_id), self._begun.pop(key, None)
        action = self._actions.get(key)
        if run is None or begun is None or action is None:
            return
        facts: Facts = {"lab.run": record.run_id, "lab.action": action.id, "lab.step": action.step,
                 "lab.device": action.device, "lab.attempt": begun[1]}  # fmt: skip
        span = self._traces.begin(f"{action.device} {action.verb}", begun[0], within(run), facts)
        problem = record.kind if isinstance(record, r.Failed) else ""
        if isinstance(record, r.PassedOver):
            span.set_attribute("lab.passed_over", True)
        if isinstance(record, r.Settled):
            span.set_attribute("lab.settled", record.verdict)
            problem = "" if record.verdict == "done" else "NotDone"
        self._traces.end(span, record.at, problem)

    def _close(self, record: r.Finished) -> None:
        run = self._runs.pop(record.run_id, None)
        self._programs.pop(record.run_id, None)
        for known in (self._actions, self._begun):
            for key in [key for key in known if key[0] == record.run_id]:
                del known[key]
        if run is not None:
            self._end(run, record)

    def _end(self, span: "Span", record: r.Finished | r.Released) -> None:
        span.set_attribute("lab.outcome", record.outcome)
        self._traces.end(span, record.at, "" if record.outcome == "completed" else record.outcome)
