"""A running lab asked over its HTTP interface: the same verbs and answers, for those who have a token (LAB_TOKEN)."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import click

from api import models as m
from api.client import LabClient, LabRefused
from cli.output import EXIT_INVALID, EXIT_PERSON, EXIT_REFUSED, EXIT_UNREACHABLE, Failure, Output, failure, values
from cli.service import Planning, Submitting, by_planned_end

PATIENCE_S = 1.0  # for an interface that is being replaced
_CODES = {0: EXIT_UNREACHABLE, 503: EXIT_UNREACHABLE, 400: EXIT_INVALID, 413: EXIT_INVALID, 422: EXIT_INVALID}
_OVER = ("completed", "aborted", "failed", "interrupted")


@dataclass(frozen=True, slots=True)
class Interface:
    """The desk of those who have a token."""

    output: Output
    verb: str
    url: str

    @contextmanager
    def _client(self, codes: Mapping[int, int] = _CODES) -> Iterator[LabClient]:
        """The client; what it is refused ends the verb."""
        try:
            with LabClient(self.url, patience_s=PATIENCE_S) as client:
                yield client
        except LabRefused as error:
            raise refusal(self.verb, error, codes.get(error.status, EXIT_REFUSED)) from error

    def cells(self) -> list[dict[str, Any]]:
        """Every cell of this lab that somebody has worked in."""
        with self._client() as client:
            return [
                {"cell": cell.cell, "state": cell.state, "world": cell.world, "holder": cell.holder,
                 "runs": _under_way(client, cell.world) if cell.runs else {}, "held": cell.held, "left": cell.left}
                for cell in client.status().cells
                if cell.seq or cell.holder
            ]  # fmt: skip

    def queue(self, world: str | None, *, gantt: bool) -> dict[str, Any]:
        """Runs that have not ended, by planned end."""
        with self._client() as client:
            cell = _cell(client, world)
            chart = client.schedule(world=cell.world)
            document = {"cell": cell.cell, "runs": by_planned_end(_under_way(client, cell.world), chart.plan)}
            came = [task.model_dump() for task in chart.reality]
            return document | ({"plan": chart.plan, "reality": came} if gantt else {})

    def runs(self) -> list[dict[str, Any]]:
        """All that the lab knows of."""
        with self._client() as client:
            return [_run(run) for run in client.iter_runs()]

    def run(self, run_id: str) -> dict[str, Any]:
        """One run with its files, as its folder tells of it; what has not begun has none."""
        with self._client({**_CODES, 404: EXIT_INVALID}) as client:
            told = _run(client.run(run_id))
            try:
                files = [file.name for file in client.files(run_id)]
            except LabRefused as error:
                if error.status != 404:
                    raise
                return told | {"files": []}
            if "run.json" in files:
                told |= json.loads(client.file(run_id, "run.json"))
            return told | {"files": files}

    def submit(self, asked: Submitting) -> dict[str, Any]:
        """Read it here, so that what is wrong with the file is told with its place; the lab checks and dry-runs it."""
        if asked.anywhere:
            raise click.UsageError("--any is for those who have the store: an interface is one lab's")
        source = self.output.source(self.verb, asked.file, asked.parameters)
        with self._client() as client:
            cell = _cell(client, asked.world)
            if cell.state == "down":  # it would be taken, and wait for a worker
                raise failure(self.verb, EXIT_UNREACHABLE, f"nobody works in {cell.cell}. Start it with `lab up`.")
            try:
                told = client.submit(
                    document=source.document, parameters=values(asked.parameters), world=cell.world,
                    priority=asked.priority, approval=asked.approval, key=asked.key,
                    deadline=None if asked.deadline is None else asked.deadline.timestamp(),
                )  # fmt: skip
            except LabRefused as error:
                if error.kind == "stale_approval" and client.approval(asked.approval or "").state == "asked":
                    raise refusal(self.verb, error, EXIT_PERSON) from error
                raise
        return {"run_id": told.run_id, "cell": cell.cell, "state": told.state, "predicted_s": told.predicted_s}

    def plan(self, asked: Planning) -> dict[str, Any]:
        """The lab checks it."""
        with self._client() as client:
            cell = _cell(client, asked.world)
            told = client.run_plan(
                plan=asked.name, args=asked.args, kwargs=asked.kwargs, world=cell.world, key=asked.key
            )  # fmt: skip
        return {"run_id": told.run_id, "cell": cell.cell, "state": told.state}

    def ask(self, asked: Submitting, why: str) -> m.ApprovalOut:
        """Ask people to approve it, in the place of giving it to the lab."""
        source = self.output.source(self.verb, asked.file, asked.parameters)
        with self._client() as client:
            return client.request_approval(
                document=source.document, parameters=values(asked.parameters), why=why,
                world=_cell(client, asked.world).world,
            )  # fmt: skip

    def say(self, kind: str, run_id: str, body: Mapping[str, Any], world: str | None) -> None:
        """Ask and wait for the answer. What is said of an action is said of its last attempt so far."""
        which = cast("m.World | None", world)
        with self._client() as client:
            said: Mapping[str, Callable[[], object]] = {
                "pause": lambda: client.pause(run_id),
                "resume": lambda: client.resume(run_id),
                "abort": lambda: client.abort(run_id, reason=body["reason"]),
                "stop": lambda: client.stop(world=which),
                "clear": lambda: client.clear(sites=body["things"], world=which),
                "settle": lambda: client.settle(run_id, attempt=_attempt(client, run_id, body["action"]), **body),
                "choose": lambda: client.choose(
                    run_id, action=body["action"], attempt=_attempt(client, run_id, body["action"]),
                    choice=body["choice"], step=body["note"],
                ),
            }  # fmt: skip
            said[kind]()

    def approvals(self) -> list[m.ApprovalOut]:
        """What waits for a person's word, the newest first."""
        with self._client() as client:
            return [approval for approval in client.iter_approvals() if approval.state == "asked"]

    def speak(self, approval_id: str, *, granted: bool, note: str) -> m.ApprovalOut:
        """Grant or refuse an approval."""
        with self._client({**_CODES, 404: EXIT_INVALID}) as client:
            return (client.grant if granted else client.refuse)(approval_id, note=note)


def refusal(verb: str, error: LabRefused, code: int) -> Failure:
    """What the lab said, for people and for programs."""
    hint = " Set LAB_TOKEN to a token of this lab." if error.status == 401 else ""
    document = {
        "schema": f"lab-{verb}/1", "ok": False, "error": error.detail, "kind": error.kind, "hint": error.hint,
        "problems": [found.model_dump() for found in error.problems], "faults": list(error.faults),
    }  # fmt: skip
    return Failure(code, [f"lab {verb}: {error}{hint}"], document)


def _cell(client: LabClient, world: str | None) -> m.Cell:
    """The cell of the world that was asked for, else of the one that is served."""
    status = client.status()
    return next(cell for cell in status.cells if cell.world == (world or status.world))


def _under_way(client: LabClient, world: m.World) -> dict[str, dict[str, Any]]:
    """Runs that have not ended, as `orchestrator.state.views.summary` tells of them."""
    alarms = [alarm for alarm in client.iter_alarms(world=world) if not alarm.over][::-1]
    return {
        run.run_id: {
            "phase": run.state, "actions": run.actions, "over": run.actions_over, "by": run.by,
            "priority": run.priority,
            "alarms": [{"action": alarm.action, "message": alarm.message.untrusted_text} for alarm in alarms
                       if alarm.run_id == run.run_id],
            "unsettled": [waits.action for waits in run.waits_for], "wants_cleared": run.wants_cleared,
        }
        for run in client.iter_queue(world=world)
    }  # fmt: skip


def _run(run: m.Run) -> dict[str, Any]:
    outcome = run.state if run.state in _OVER else "running"
    error = "" if run.error is None else run.error.untrusted_text
    return {"run_id": run.run_id, "world": run.world, "outcome": outcome, "protocol": run.protocol, "error": error,
            **run.hashes}  # fmt: skip


def _attempt(client: LabClient, run_id: str, action: str) -> int:
    """The attempt that waits for a person; 0, of which nothing can be said, where none does."""
    return next((waits.attempt for waits in client.run(run_id).waits_for if waits.action == action), 0)
