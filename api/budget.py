"""What an agent may use up in a day, and what a run will take of it by its dry run."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from api.dryrun import Found
from labfile.lab import Lab
from labfile.model import Budget
from orchestrator.store.database import serialise
from orchestrator.store.tables import spending
from protocols.program import CLOCK

DAY_S = 86400.0  # a day is the last 24 hours, whenever it is asked


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run takes: seconds of instruments (people's time is not counted), liquids, money."""

    instrument_s: float
    reagent_ul: float
    money: float


def cost_of(lab: Lab, found: Found) -> Cost:
    """The cost of a run by its dry run and the lab's `[prices]`."""
    busy: dict[str, float] = {}
    for action in found.program.actions if found.program else ():
        role = lab.devices[action.device].role if action.device in lab.devices else CLOCK
        if action.device != CLOCK and role != "Operator":
            busy[action.device] = busy.get(action.device, 0.0) + found.durations_s.get(action.id, 0.0)
    liquids: Mapping[str, float] = found.stock.get("liquids_ul", {})
    tips = sum(found.stock.get("tips", {}).values())
    prices = lab.prices
    money = (
        sum(seconds / 3600 * prices.instrument_hour.get(device, 0.0) for device, seconds in busy.items())
        + sum(volume / 1000 * prices.liquid_ml.get(name, 0.0) for name, volume in liquids.items())
        + tips * prices.tip
    )
    return Cost(sum(busy.values()), sum(liquids.values()), money)


def spent(engine: Engine, principal: str) -> dict[str, float]:
    """What a principal has used up in the last 24 hours, in the terms of a budget."""
    with engine.connect() as connection:
        return _spent(connection, principal)


def charge(engine: Engine, principal: str, request: str, cost: Cost, budget: Budget) -> list[str]:
    """Charge a submission, unless it would go over the budget; returns the bounds that it would go over.

    Charging one request twice is charging it once; two at once cannot both take the last of a budget.
    """
    with engine.begin() as connection:
        serialise(connection, f"spending:{principal}")
        if connection.execute(sa.select(spending.c.at).where(spending.c.request == request)).first():
            return []
        before = _spent(connection, principal)
        takes = _terms(1, cost.instrument_s, cost.reagent_ul, cost.money)
        over = [
            f"{name}: {before[name]:g} used and {takes[name]:g} more wanted, of {bound:g}"
            for name, bound in budget.model_dump(exclude_none=True).items()
            if before[name] + takes[name] > bound
        ]
        if not over:
            row = {"request": request, "principal": principal, "at": time.time(), "instrument_s": cost.instrument_s,
                   "reagent_ul": cost.reagent_ul, "money": cost.money}  # fmt: skip
            connection.execute(spending.insert().values(row))
    return over


def refund(engine: Engine, request: str) -> None:
    """A charged submission that did not come to anything."""
    with engine.begin() as connection:
        connection.execute(spending.delete().where(spending.c.request == request))


def _spent(connection: Connection, principal: str) -> dict[str, float]:
    sums = [sa.func.coalesce(sa.func.sum(column), 0.0) for column in
            (spending.c.instrument_s, spending.c.reagent_ul, spending.c.money)]  # fmt: skip
    mine = (spending.c.principal == principal) & (spending.c.at > time.time() - DAY_S)
    row: Any = connection.execute(sa.select(sa.func.count(), *sums).where(mine)).one()
    return _terms(*row)


def _terms(runs: float, instrument_s: float, reagent_ul: float, money: float) -> dict[str, float]:
    return {
        "runs_per_day": runs, "instrument_minutes_per_day": instrument_s / 60,
        "reagent_ml_per_day": reagent_ul / 1000, "money_per_day": money,
    }  # fmt: skip
