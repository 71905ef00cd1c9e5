"""Plans of Bluesky's over HTTP, on a lab that is up."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

Served = Any  # tests/api/conftest.py
Asks = Callable[[str], httpx.Client]
pytestmark = [pytest.mark.xdist_group("api"), pytest.mark.timeout(300)]


def run_plan(
    client: httpx.Client, key: str, plan: str, *args: Any, world: str = "twin", **kwargs: Any
) -> httpx.Response:
    body = {"plan": plan, "args": args, "kwargs": kwargs, "world": world}
    return client.post("/plans", json=body, headers={"idempotency-key": key})


def test_the_list_is_closed_and_says_over_what(asks: Asks) -> None:
    told = {info["name"]: info for info in asks("explorer").get("/plans").json()}
    assert set(told) == {"count", "scan", "rel_scan", "list_scan", "grid_scan"}
    movable = told["scan"]["movable"]
    assert (movable["axis"], movable["diffractometer"]) == ("-10000 to 10000 mm", "0 to 165 deg")
    assert movable.keys() == {"axis", "diffractometer", "incubator", "cooler"}
    assert movable["incubator"].endswith("degC")
    assert set(told["count"]["readable"]) >= {"axis", "environment", "reader", "balance", "furnace"}
    assert [one["name"] for one in told["count"]["parameters"] if one["required"]] == ["detectors"]


def test_a_count_from_asking_to_table(served: Served, asks: Asks) -> None:
    client = asks("technician")
    told = run_plan(client, "plan-a", "count", ["environment"], 3, delay=60)
    assert told.status_code == 202, told.text
    run_id = told.json()["run_id"]
    assert run_plan(client, "plan-a", "count", ["environment"], 3, delay=60).json()["run_id"] == run_id
    assert run_plan(client, "plan-a", "count", ["environment"], 4).status_code == 409
    run = served.ended(run_id)
    assert (run["state"], run["protocol"], run["by"]) == ("completed", "count", "technician")
    rows = client.get(f"/runs/{run_id}/table").json()["items"]
    assert [row["quantity"] for row in rows] == ["temperature", "humidity", "oxygen", "door", "e_stop"] * 3
    start = client.get(f"/runs/{run_id}/documents").json()["items"][0]["doc"]
    assert (start["plan_name"], start["num_points"], start["by"]) == ("count", 3, "technician")
    served.until(lambda: "audit-head.json" in {file["name"] for file in client.get(f"/runs/{run_id}/files").json()})
    assert run_id in {one["run_id"] for one in client.get("/plan-runs").json()["items"]}
    assert client.post(f"/runs/{run_id}/abort").status_code == 409


def test_pause_resume_abort(served: Served, asks: Asks) -> None:
    client = asks("technician")
    run_id = run_plan(client, "plan-b", "count", ["environment"], 1000, delay=60).json()["run_id"]
    state = lambda: client.get(f"/runs/{run_id}").json()["state"]  # noqa: E731
    served.until(lambda: state() == "running")
    for word, became in (("pause", "paused"), ("resume", "running")):
        assert client.post(f"/runs/{run_id}/{word}").status_code == 200
        assert state() == became
    assert asks("explorer").post(f"/runs/{run_id}/abort").status_code == 403
    assert client.post(f"/runs/{run_id}/abort").status_code == 200
    assert served.ended(run_id)["state"] == "aborted"


def test_what_is_wrong_is_told_all_at_once(served: Served, asks: Asks) -> None:
    client = asks("technician")
    told = run_plan(client, "plan-c", "scan", ["nobody"], "axis", 0, 1e7, num=0)
    assert (told.status_code, told.json()["type"]) == (422, "/problems/invalid_plan")
    assert len(told.json()["faults"]) == 3
    assert run_plan(client, "plan-d", "bluesky.plans.count", ["environment"]).status_code == 422
    real_time = run_plan(client, "plan-e", "scan", ["environment"], "axis", 0, 1, num=2).json()["run_id"]
    run = served.ended(real_time)
    assert (run["state"], "--speed 1" in run["error"]["untrusted_text"]) == ("failed", True)


def test_no_agent_moves_the_real_lab_nor_goes_over_its_budget(asks: Asks) -> None:
    agent = asks("explorer")
    told = run_plan(agent, "plan-f", "scan", ["environment"], "axis", 0, 1, world="real", num=2)
    assert (told.status_code, "No twin" in told.json()["detail"]) == (403, True)
    too_much = run_plan(agent, "plan-g", "scan", ["environment"], "axis", 0, 9000, num=10_000)
    assert too_much.status_code == 202  # 9 m at 5 mm/s: 30 minutes and ramps
    over = run_plan(agent, "plan-h", "list_scan", ["axis"], "axis", [0, 9000] * 20)
    assert (over.status_code, "instrument_minutes_per_day" in str(over.json()["faults"])) == (403, True)
    assert run_plan(asks("safety_officer"), "plan-i", "count", ["environment"]).status_code == 403
