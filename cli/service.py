"""What the verbs that speak to a running lab share: the store, the cell, asking and waiting for the answer."""

import getpass
import os
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cli.output import EXIT_REFUSED, EXIT_UNREACHABLE, Failure, Output, failure

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from labfile.lab import Lab
    from orchestrator.state.cell import CellState

ANSWER_S = 20.0


def world_of(lab: "Lab", world: str | None) -> str:
    """The world that was asked for, else the lab file's own."""
    return world or lab.mode


def store(output: Output, verb: str, lab: "Lab") -> "Engine":
    """The lab's store."""
    from labfile.secret import SecretMissing
    from orchestrator.store.database import StoreError, open_store, url_of

    try:
        return open_store(url_of(lab))
    except (StoreError, SecretMissing) as error:
        raise failure(verb, EXIT_UNREACHABLE, str(error)) from error


def who() -> str:
    """Who asks: LAB_USER, else the name of the account. Proof of identity is the API's matter."""
    return os.environ.get("LAB_USER") or getpass.getuser()


def state_of(engine: "Engine", cell: str) -> "CellState":
    """A cell's state, folded from its journal."""
    from orchestrator.state.cell import fold
    from orchestrator.store.log import read_journal

    return fold(record for _, record in read_journal(engine, cell))


def ask_cell(
    output: Output, verb: str, kind: str, run_id: str, body: Mapping[str, Any], world: str | None = None
) -> dict[str, Any]:
    """Ask a running lab for something and wait for its answer; a refusal or silence is a failure.

    What is said of an action is said of its last attempt so far, and of no later one.
    """
    from orchestrator.store.requests import Request, ask, wait_for_answer
    from orchestrator.worker import cell_name

    lab = output.lab(verb)
    engine = store(output, verb, lab)
    cell = cell_name(lab, world_of(lab, world))
    require_worker(engine, verb, cell)
    if "action" in body:
        run = state_of(engine, cell).runs.get(run_id)
        was = None if run is None else run.actions.get(body["action"])
        body = {**body, "attempt": None if was is None else was.attempt}
    request = Request(uuid.uuid4().hex, kind, run_id, body, who(), cell)
    ask(engine, request)
    told = wait_for_answer(engine, request.id, ANSWER_S)
    if told is None:
        message = f"{cell} did not answer within {ANSWER_S:g} s; the request stands. See `lab status`."
        raise failure(verb, EXIT_UNREACHABLE, message)
    if not told["ok"]:
        raise Failure(EXIT_REFUSED, [f"lab {verb}: {told['error']}"], {"schema": f"lab-{verb}/1", **told})
    return told


def require_worker(engine: "Engine", verb: str, cell: str) -> None:
    """Someone must work in the cell, or in one of a world's (`requests.any_of`)."""
    from orchestrator.store.log import LEASE_S
    from orchestrator.store.requests import alive

    working = [name for name, told in alive(engine).items() if told["holder"] and told["silent_s"] <= LEASE_S]
    if not any(name == cell or (cell.startswith(":") and name.endswith(cell)) for name in working):
        raise failure(verb, EXIT_UNREACHABLE, f"nobody works in {cell}. Start it with `lab up`.")
