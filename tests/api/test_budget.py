"""Budgets: what a run costs, and that the last of a budget is given once."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from api.budget import Cost, charge, cost_of, refund, spent
from api.dryrun import Job, look
from labfile import read
from labfile.model import Budget
from orchestrator.store.database import open_store
from protocols.ready import ready

ROOT = Path(__file__).resolve().parents[2]
COST = Cost(600.0, 1000.0, 5.0)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_store(f"sqlite:///{tmp_path / 'lab.db'}")


def test_charging_twice_is_charging_once(engine: Engine) -> None:
    for _ in range(3):
        assert charge(engine, "explorer", "q1", COST, Budget(runs_per_day=1)) == []
    assert spent(engine, "explorer") == {
        "runs_per_day": 1, "instrument_minutes_per_day": 10.0, "reagent_ml_per_day": 1.0, "money_per_day": 5.0,
    }  # fmt: skip
    assert charge(engine, "explorer", "q2", COST, Budget(runs_per_day=1)) != []
    assert charge(engine, "other", "q3", COST, Budget(runs_per_day=1)) == []
    refund(engine, "q1")
    assert charge(engine, "explorer", "q2", COST, Budget(runs_per_day=1)) == []
    engine.dispose()


@pytest.mark.parametrize(
    ("bound", "over"),
    [({}, 0), ({"instrument_minutes_per_day": 9.9}, 1), ({"reagent_ml_per_day": 0.5}, 1), ({"money_per_day": 4.99}, 1),
     ({"runs_per_day": 0, "money_per_day": 1.0}, 2), ({"money_per_day": 5.0}, 0)],
)  # fmt: skip
def test_every_bound_is_told(engine: Engine, bound: dict[str, float], over: int) -> None:
    told = charge(engine, "explorer", "q", COST, Budget(**bound))  # type: ignore[arg-type]
    assert len(told) == over
    assert spent(engine, "explorer")["runs_per_day"] == (0 if over else 1)
    engine.dispose()


def test_two_at_once_cannot_both_take_the_last(engine: Engine) -> None:
    told: list[list[str]] = []
    ready_: Callable[[], object] = threading.Barrier(8).wait

    def hurry(number: int) -> None:
        ready_()
        told.append(charge(engine, "explorer", f"q{number}", COST, Budget(runs_per_day=3)))

    threads = [threading.Thread(target=hurry, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(not each for each in told) == 3
    assert spent(engine, "explorer")["runs_per_day"] == 3
    engine.dispose()


def test_the_cost_of_a_dry_run() -> None:
    lab = read(ROOT / "lab.toml")
    found = look(str(ROOT / "lab.toml"), Job(ready()["dye_calibration"].document, {}))
    cost = cost_of(lab, found)
    assert found.ok
    assert cost.instrument_s > 600, "the pipetting alone takes minutes"
    assert cost.reagent_ul == pytest.approx(sum(found.stock["liquids_ul"].values()))
    tips = sum(found.stock["tips"].values()) * lab.prices.tip
    assert tips < cost.money < tips + cost.instrument_s / 3600 * 40 + 1
