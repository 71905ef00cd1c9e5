"""Campaigns in the store: proposals, and what became of their points. Functions here block."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson
import sqlalchemy as sa
from sqlalchemy import Engine

from api.refusals import Missing
from orchestrator.store.database import insert_missing
from orchestrator.store.tables import campaign_points, campaigns

State = Literal["running", "completed", "refused", "aborted"]
LEASE_S = 10.0  # of the interface that submits the points
SHOWN = 200


@dataclass(frozen=True, slots=True)
class Kept:
    """A campaign; `points`: number -> (run id, why it was refused) of those that were submitted."""

    id: str
    world: str
    by: str
    at: float
    body: Mapping[str, Any]
    who: Mapping[str, Any]
    state: State
    error: str
    points: Mapping[int, tuple[str, str]]


def propose(
    engine: Engine, campaign_id: str, request: str, world: str, by: str, body: Mapping[str, Any], who: Mapping[str, Any]
) -> Kept:  # fmt: skip
    """Keep a proposal; under one request the first one stays."""
    row = {
        "id": campaign_id, "request": request, "world": world, "asked_by": by, "asked_at": time.time(),
        "body": orjson.dumps(body).decode(), "principal": orjson.dumps(who).decode(), "state": "running", "error": "",
        "holder": "", "until": 0.0,
    }  # fmt: skip
    with engine.begin() as connection:
        insert_missing(connection, campaigns, row)
    found = of_request(engine, request)
    assert found is not None  # noqa: S101 - it has just been put there, or was there before
    return found


def of_request(engine: Engine, request: str) -> Kept | None:
    """The campaign of a key; None while there is none."""
    return next(iter(_read(engine, campaigns.c.request == request)), None)


def find(engine: Engine, campaign_id: str) -> Kept:
    """One campaign; raises `Missing`."""
    for found in _read(engine, campaigns.c.id == campaign_id):
        return found
    raise Missing(f"there is no campaign {campaign_id[:64]!r}", "GET /api/v1/campaigns lists them.")


def recent(engine: Engine) -> list[Kept]:
    """The newest campaigns."""
    return _read(engine, sa.true())[:SHOWN]


def mine(engine: Engine, me: str) -> list[Kept]:
    """The running campaigns that this interface sees to, by a lease that this renews."""
    running = _read(engine, campaigns.c.state == "running")
    return [found for found in running if _lease(engine, found.id, me)]


def _lease(engine: Engine, campaign_id: str, me: str) -> bool:
    now = time.time()
    row = campaigns.c.id == campaign_id
    with engine.connect() as connection:
        was = connection.execute(sa.select(campaigns.c.holder, campaigns.c.until).where(row)).one()
    if was.holder == me and was.until > now + LEASE_S / 2:
        return True
    free = (campaigns.c.holder == me) | (campaigns.c.until < now)
    with engine.begin() as connection:
        changed = connection.execute(campaigns.update().where(row, free).values(holder=me, until=now + LEASE_S))
    return bool(changed.rowcount)


def note(engine: Engine, campaign_id: str, number: int, run_id: str, error: str = "") -> None:
    """A point was submitted, or refused."""
    row = {"campaign": campaign_id, "number": number, "run_id": run_id, "error": error}
    with engine.begin() as connection:
        insert_missing(connection, campaign_points, row)


def end(engine: Engine, campaign_id: str, state: State, error: str = "") -> None:
    """Nothing more of it is submitted; the first end stays."""
    with engine.begin() as connection:
        connection.execute(
            campaigns.update()
            .where(campaigns.c.id == campaign_id, campaigns.c.state == "running")
            .values(state=state, error=error)
        )


def _read(engine: Engine, which: Any) -> list[Kept]:
    with engine.connect() as connection:
        rows = connection.execute(sa.select(campaigns).where(which).order_by(campaigns.c.asked_at.desc())).all()
        ids = [row.id for row in rows]
        told = connection.execute(sa.select(campaign_points).where(campaign_points.c.campaign.in_(ids))).all()
    points: dict[str, dict[int, tuple[str, str]]] = {}
    for point in told:
        points.setdefault(point.campaign, {})[point.number] = (point.run_id, point.error)
    return [
        Kept(row.id, row.world, row.asked_by, row.asked_at, orjson.loads(row.body), orjson.loads(row.principal),
             row.state, row.error, points.get(row.id, {}))
        for row in rows
    ]  # fmt: skip
