"""A running lab asked by its store, as whoever has the lab file may."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.approval import require_approval
from cli.output import EXIT_INVALID, EXIT_REFUSED, EXIT_UNREACHABLE, Failure, Output, failure
from cli.service import Planning, Submitting, by_planned_end, store, who, world_of

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from orchestrator.simulate import Prediction
    from orchestrator.state.cell import CellState
    from protocols.check import Checked
    from protocols.program import Program

ANSWER_S = 20.0


@dataclass(frozen=True, slots=True)
class OwnStore:
    """The desk of those who have the store."""

    output: Output
    verb: str

    def cells(self) -> list[dict[str, Any]]:
        """Every cell of this lab that somebody has worked in."""
        from orchestrator.names import cell_name
        from orchestrator.state.views import summary
        from orchestrator.store.log import LEASE_S
        from orchestrator.store.requests import alive

        lab = self.output.lab(self.verb)
        engine = store(self.output, self.verb, lab)
        mine = {cell_name(lab, world): world for world in ("twin", "real")}
        cells = []
        for name, told in alive(engine).items():
            if name not in mine:
                continue
            up = bool(told["holder"]) and told["silent_s"] < LEASE_S
            state = "up" if up else ("silent" if told["holder"] else "down")
            now = summary(_state_of(engine, name))
            cells.append({"cell": name, "state": state, "world": mine[name], "holder": told["holder"],
                          "runs": now["runs"], "held": now["held"], "left": now["left"]})  # fmt: skip
        return cells

    def queue(self, world: str | None, *, gantt: bool) -> dict[str, Any]:
        """Runs that have not ended, by planned end."""
        from orchestrator.names import cell_name
        from orchestrator.state.views import summary
        from orchestrator.store.plans import plan_of, reality

        lab = self.output.lab(self.verb)
        engine = store(self.output, self.verb, lab)
        cell = cell_name(lab, world_of(lab, world))
        runs = summary(_state_of(engine, cell))["runs"]
        plan = [task for task in plan_of(engine, cell).tasks if task["run_id"] in runs]
        document = {"cell": cell, "runs": by_planned_end(runs, plan)}
        return document | ({"plan": plan, "reality": reality(engine, cell, list(runs))} if gantt else {})

    def runs(self) -> list[dict[str, Any]]:
        """What lies in the folder of runs."""
        folders = sorted(self.output.runs.glob("*/"), reverse=True)
        return [_read(folder) for folder in folders if (folder / "run.json").exists()]

    def run(self, run_id: str) -> dict[str, Any]:
        """One of them, with its files."""
        run = next((run for run in self.runs() if run["run_id"] == run_id), None)
        if run is None:
            raise failure(self.verb, EXIT_INVALID, f"there is no run '{run_id}' in {self.output.runs}")
        return run | {"files": sorted(file.name for file in (self.output.runs / run_id).iterdir())}

    def submit(self, asked: Submitting) -> dict[str, Any]:
        """Check and dry-run it here, then put it into the store."""
        from orchestrator.names import cell_name, new_run_id
        from orchestrator.store.requests import Request, answer_of, any_of, ask, wait_for_answer

        checked = self.output.checked(self.verb, asked.file, asked.parameters)
        lab = self.output.lab(self.verb)
        world = world_of(lab, asked.world)
        require_approval(self.verb, checked, world)
        engine = store(self.output, self.verb, lab)
        cell = any_of(world) if asked.anywhere else cell_name(lab, world)
        _require_worker(engine, self.verb, cell)
        program = self._bound(engine, cell, checked)
        from orchestrator.simulate import simulate  # with the engine behind it: not for who is refused

        predicted = simulate(lab, program)
        if predicted.result.outcome != "completed":
            raise failure(self.verb, EXIT_REFUSED, f"the dry run did not succeed: {predicted.result.error}")
        body = _body(asked, checked, program, predicted)
        request = Request(asked.key or uuid.uuid4().hex, "submit", new_run_id(), body, who(), cell)
        known = answer_of(engine, request.id)
        if known is None:
            ask(engine, request, program)
            known = wait_for_answer(engine, request.id, ANSWER_S)
        if known is None:
            message = f"{cell} did not answer within {ANSWER_S:g} s; the request stands"
            raise failure(self.verb, EXIT_UNREACHABLE, message)
        if not known["ok"]:
            raise failure(self.verb, EXIT_REFUSED, known["error"])
        return {"run_id": known["run_id"], "cell": known["cell"], "state": "queued",
                "predicted_s": predicted.result.duration_s}  # fmt: skip

    def plan(self, asked: Planning) -> dict[str, Any]:
        """Check it here, then put it into the store; its answer comes at its end."""
        from orchestrator.labview import view
        from orchestrator.names import cell_name, new_run_id
        from orchestrator.store import requests
        from protocols.scans import BadPlan, bind

        lab = self.output.lab(self.verb)
        engine = store(self.output, self.verb, lab)
        cell = cell_name(lab, world_of(lab, asked.world))
        try:
            bind(view(lab), asked.name, asked.args, asked.kwargs)
        except BadPlan as error:
            lines = [f"lab {self.verb}: {problem}" for problem in error.problems]
            raise Failure(EXIT_INVALID, lines, {"schema": f"lab-{self.verb}/1", "ok": False, "error": str(error),
                                                "faults": list(error.problems)}) from error  # fmt: skip
        _require_worker(engine, self.verb, cell)
        body = {"plan": asked.name, "args": asked.args, "kwargs": asked.kwargs}
        request = requests.Request(asked.key or uuid.uuid4().hex, "plan", new_run_id(), body, who(), cell)
        requests.ask(engine, request)
        known = requests.asked(engine, request.id)
        if known is None or {name: known.body.get(name) for name in body} != body:
            raise failure(self.verb, EXIT_REFUSED, "this key was used for something else; take a new one")
        return {"run_id": known.run_id, "cell": cell, "state": "asked"}

    def _bound(self, engine: "Engine", cell: str, checked: "Checked") -> "Program":
        """The program on sites that nobody else uses."""
        from dataclasses import replace

        from orchestrator.labview import view
        from orchestrator.state.views import wanted_sites
        from protocols.check import check

        seen = replace(view(self.output.lab(self.verb)), busy=wanted_sites(_state_of(engine, cell)))
        program = check(checked.source, seen, clear=True).program
        if program is None:
            raise failure(self.verb, EXIT_REFUSED, "the protocol could not be bound")
        return program

    def say(self, kind: str, run_id: str, body: Mapping[str, Any], world: str | None) -> None:
        """Ask the cell and wait for its answer.

        What is said of an action is said of its last attempt so far, and of no later one.
        """
        from orchestrator.names import cell_name
        from orchestrator.store.requests import Request, ask, wait_for_answer

        lab = self.output.lab(self.verb)
        engine = store(self.output, self.verb, lab)
        cell = cell_name(lab, world_of(lab, world))
        _require_worker(engine, self.verb, cell)
        if "action" in body:
            run = _state_of(engine, cell).runs.get(run_id)
            was = None if run is None else run.actions.get(body["action"])
            body = {**body, "attempt": None if was is None else was.attempt}
        request = Request(uuid.uuid4().hex, kind, run_id, body, who(), cell)
        ask(engine, request)
        told = wait_for_answer(engine, request.id, ANSWER_S)
        if told is None:
            message = f"{cell} did not answer within {ANSWER_S:g} s; the request stands. See `lab status`."
            raise failure(self.verb, EXIT_UNREACHABLE, message)
        if not told["ok"]:
            lines = [f"lab {self.verb}: {told['error']}"]
            raise Failure(EXIT_REFUSED, lines, {"schema": f"lab-{self.verb}/1", **told})


def _body(asked: Submitting, checked: "Checked", program: "Program", predicted: "Prediction") -> dict[str, Any]:
    from orchestrator.bands import predict

    source = checked.source
    return {
        "about": {"protocol": source.protocol.name, "document": source.document, "parameters": source.parameters},
        "durations_s": {span.action: span.end_s - span.start_s for span in predicted.result.spans},
        "predicted": predict(program, predicted.result.readings),
        "priority": asked.priority,
        "deadline": None if asked.deadline is None else asked.deadline.timestamp(),
    }


def _state_of(engine: "Engine", cell: str) -> "CellState":
    """A cell's state, folded from its journal."""
    from orchestrator.state.cell import fold
    from orchestrator.store.log import read_journal

    return fold(record for _, record in read_journal(engine, cell))


def _require_worker(engine: "Engine", verb: str, cell: str) -> None:
    """Someone must work in the cell, or in one of a world's (`requests.any_of`)."""
    from orchestrator.store.log import LEASE_S
    from orchestrator.store.requests import alive

    working = [name for name, told in alive(engine).items() if told["holder"] and told["silent_s"] <= LEASE_S]
    if not any(name == cell or (cell.startswith(":") and name.endswith(cell)) for name in working):
        raise failure(verb, EXIT_UNREACHABLE, f"nobody works in {cell}. Start it with `lab up`.")


def _read(folder: Path) -> dict[str, Any]:
    try:
        run: dict[str, Any] = json.loads((folder / "run.json").read_text("utf-8"))
    except ValueError:
        run = {}
    unknown = {"run_id": folder.name, "world": "?", "outcome": "unreadable", "protocol": "?"}
    return unknown | run
