"""The newest plan of each cell, for whoever draws what is planned beside what came."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import Engine

from orchestrator.state import records as r
from orchestrator.store.database import insert_missing
from orchestrator.store.log import read_journal
from orchestrator.store.tables import plans


def save_plan(engine: Engine, cell: str, at: float, plan: Sequence[dict[str, Any]]) -> None:
    """Put a cell's plan in the place of its last one; `at` is when it was made (s since 1970)."""
    body = orjson.dumps(plan).decode()
    with engine.begin() as connection:
        insert_missing(connection, plans, {"cell": cell, "at": at, "body": body})
        connection.execute(plans.update().where(plans.c.cell == cell).values(at=at, body=body))


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan as it was made (`at`, s since 1970): who does what for which run, from when to when."""

    at: float
    tasks: Sequence[dict[str, Any]]


NOTHING_PLANNED = Planned(0.0, ())


def plan_of(engine: Engine, cell: str, known: Planned = NOTHING_PLANNED) -> Planned:
    """A cell's newest plan; the one that is `known`, unread, where there is no newer one."""
    wanted = sa.select(plans.c.at, plans.c.body).where(plans.c.cell == cell, plans.c.at != known.at)
    with engine.connect() as connection:
        row = connection.execute(wanted).one_or_none()
    return known if row is None else Planned(row.at, orjson.loads(row.body))


def reality(engine: Engine, cell: str, runs: Sequence[str]) -> list[dict[str, Any]]:
    """What came, in the same shape: every action of these runs that has begun, with its end if it has one."""
    spans: dict[tuple[str, str], dict[str, Any]] = {}
    steps: dict[str, dict[str, tuple[str, str]]] = {}
    for run_id in runs:
        for _, record in read_journal(engine, cell, run_id=run_id):
            if isinstance(record, r.Submitted):
                steps[run_id] = {action.id: (action.step, action.device) for action in record.program.actions}
            elif isinstance(record, r.Amended):
                steps[run_id] |= {action.id: (action.step, action.device) for action in record.actions}
            elif isinstance(record, r.Begun):
                step, device = steps[run_id][record.action]
                spans[run_id, record.action] = {
                    "run_id": run_id, "step": step, "device": device, "action": record.action,
                    "start": record.at, "end": None,
                }  # fmt: skip
            elif isinstance(record, r.Done | r.Failed | r.Settled) and (run_id, record.action) in spans:
                spans[run_id, record.action]["end"] = record.at
    return list(spans.values())
