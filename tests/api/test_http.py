"""The interface from outside: a lab that is up, asked over HTTP by everyone whom it knows."""

import asyncio
import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

ROOT = Path(__file__).resolve().parents[2]
Served = Any  # tests/api/conftest.py
Asks = Callable[[str], httpx.Client]
pytestmark = [pytest.mark.xdist_group("api"), pytest.mark.timeout(300)]
SMALL = yaml.safe_load((ROOT / "benchmarks/many/incubation.yaml").read_text())


def submission(**more: Any) -> dict[str, Any]:
    return {"document": SMALL, "world": "twin", **more}


def submit(client: httpx.Client, key: str, **more: Any) -> httpx.Response:
    return client.post("/runs", json=submission(**more), headers={"idempotency-key": key})


def test_a_run_from_submission_to_table(served: Served, asks: Asks) -> None:
    client = asks("technician")
    told = submit(client, "first")
    assert told.status_code == 202, told.text
    run_id = told.json()["run_id"]
    assert submit(client, "first").json()["run_id"] == run_id, "asking twice under one key is asking once"
    other = submit(client, "first", priority=5)
    assert (other.status_code, other.headers["content-type"]) == (409, "application/problem+json")
    run = served.ended(run_id)
    assert (run["state"], run["by"], run["world"]) == ("completed", "technician", "twin")
    table = client.get(f"/runs/{run_id}/table").json()["items"]
    assert all({"step", "quantity", "unit", "value"} <= row.keys() for row in table)
    documents = client.get(f"/runs/{run_id}/documents").json()["items"]
    assert documents[0]["name"] == "start"
    assert documents[0]["doc"]["protocol_hash"] == told.json()["protocol_hash"]
    served.until(lambda: "audit-head.json" in {f["name"] for f in client.get(f"/runs/{run_id}/files").json()})
    assert client.get(f"/runs/{run_id}/files/run.json").json()["outcome"] == "completed"
    assert served.lab("audit", "verify")["ok"]


def test_who_nobody_knows_learns_nothing(served: Served) -> None:
    for headers in ({}, {"authorization": "Bearer lab_000000000000_x"}, {"authorization": "Basic eDp5"}):
        told = httpx.get(f"{served.url}/api/v1/status", headers=headers)
        assert (told.status_code, told.headers["www-authenticate"]) == (401, "Bearer")
        assert "cell" not in told.text
    assert httpx.get(f"{served.url}/healthz").json() == {"ok": True, "detail": ""}


def test_answers_have_tags(asks: Asks) -> None:
    client = asks("technician")
    told = client.get("/labs")
    assert client.get("/labs", headers={"if-none-match": told.headers["etag"]}).status_code == 304


def test_lists_have_pages(asks: Asks) -> None:
    client = asks("technician")
    keys = [f"page-{number}" for number in range(3)]
    ids = {submit(client, key).json()["run_id"] for key in keys}
    found: list[str] = []
    after = None
    while True:
        told = client.get("/runs", params={"limit": 2} | ({"after": after} if after else {})).json()
        found += [run["run_id"] for run in told["items"]]
        after = told["next"]
        if after is None:
            break
    assert ids <= set(found)
    assert len(found) == len(set(found))
    assert client.get("/runs", params={"after": "nobody"}).status_code == 400


def test_validate_tells_all_at_once_and_how_to_mend_it(asks: Asks) -> None:
    document = json.loads(json.dumps(SMALL))
    document["steps"][0]["do"] = "fly"
    document["nonsense"] = 1
    told = asks("explorer").post("/validate", json={"document": document}).json()
    assert not told["ok"]
    assert len(told["problems"]) >= 2
    assert all(problem["rule"] and problem["message"] for problem in told["problems"])


def test_simulate_predicts(asks: Asks) -> None:
    one, two = (asks("explorer").post("/simulate", json={"document": SMALL, "seed": 4}).json() for _ in range(2))
    assert one["ok"]
    assert one["trace_hash"] == two["trace_hash"]
    assert one["duration_s"] > 0
    assert one["cost"]["instrument_minutes"] > 0


def test_pause_resume_abort_and_what_is_over(served: Served, asks: Asks) -> None:
    client = asks("technician")
    run_id = submit(client, "abort-me").json()["run_id"]
    assert client.post(f"/runs/{run_id}/pause").status_code == 200
    served.until(lambda: client.get(f"/runs/{run_id}").json()["state"] in ("paused", "completed"))
    assert client.post(f"/runs/{run_id}/resume").status_code == 200
    assert client.post(f"/runs/{run_id}/abort", json={"reason": "enough"}).status_code == 200
    assert served.ended(run_id)["state"] == "aborted"
    told = client.post(f"/runs/{run_id}/abort")
    assert (told.status_code, "is over" in told.json()["detail"]) == (409, True)


def test_everyone_may_stop_and_it_is_on_the_record(asks: Asks) -> None:
    assert asks("explorer").post("/stop").json()["state"] == "stopped"
    trail: list[dict[str, Any]] = []
    after: Any = 0
    while after is not None:
        told = asks("safety_officer").get("/audit", params={"limit": 500, "after": after}).json()
        trail += [json.loads(record["body"]) for record in told["items"]]
        after = told["next"]
    assert any((record["verb"], record["actor"]) == ("stop", "explorer") for record in trail)
    assert asks("technician").get("/audit").status_code == 403


def test_tokens(served: Served, asks: Asks) -> None:
    technician = asks("technician")
    made = technician.post("/auth/tokens", json={"label": "script", "scopes": ["read"], "days": 1}).json()
    with httpx.Client(base_url=f"{served.url}/api/v1", headers={"authorization": f"Bearer {made['token']}"}) as narrow:
        assert narrow.get("/auth/me").json()["may"] == ["read"]
        assert submit(narrow, "narrow").status_code == 403
        assert narrow.post("/auth/tokens", json={"scopes": ["submit"]}).status_code == 403, "no wider than itself"
        assert narrow.post("/auth/tokens", json={"principal": "manager"}).status_code == 403
        assert made["token"] not in technician.get("/auth/tokens").text
        assert technician.delete(f"/auth/tokens/{made['id']}").status_code == 204
        assert narrow.get("/auth/me").status_code == 401


def test_passwords(served: Served) -> None:
    password = "correct horse battery"
    file = served.folder / "password"
    file.write_text(password)
    served.lab("account", "set", "manager", "--password-file", str(file))
    login = f"{served.url}/api/v1/auth/login"
    told = httpx.post(login, json={"name": "manager", "password": password})
    assert told.status_code == 200
    headers = {"authorization": f"Bearer {told.json()['token']}"}
    assert httpx.get(f"{served.url}/api/v1/auth/me", headers=headers).json()["name"] == "manager"
    wrong = [httpx.post(login, json={"name": "technician", "password": "guess"}).status_code for _ in range(6)]
    assert wrong == [401] * 5 + [429]


def test_the_lab_shows_itself(asks: Asks) -> None:
    client = asks("explorer")
    assert {device["name"] for device in client.get("/devices").json()} >= {"ot2", "arm", "reader"}
    assert client.get("/devices/ot2").json()["role"] == "LiquidHandler"
    assert client.get("/devices/nobody").status_code == 404
    for path in ("/labware", "/stock", "/schedule", "/alarms", "/queue", "/protocols", "/protocol-schema", "/labs"):
        assert client.get(path).status_code == 200, path
    assert "lab-protocol/1" in client.get("/protocol-guide").text
    assert client.get("/protocols/dye_calibration").json()["format"] == "lab-protocol/1"


def test_metrics_name_routes_and_never_paths(served: Served, asks: Asks) -> None:
    asks("technician").get("/runs/strange-path")
    headers = {"authorization": f"Bearer {served.tokens['technician']}"}
    told = httpx.get(f"{served.url}/metrics", headers=headers).text
    assert 'lab_cell_up{cell="cell-1:twin"} 1.0' in told
    assert "strange-path" not in told
    assert 'route="/runs/{run_id}"' in told


def test_events_are_resumed_without_a_gap(served: Served, asks: Asks) -> None:
    client = asks("technician")
    run_id = submit(client, "events").json()["run_id"]
    served.ended(run_id)
    address = re.sub("^http", "ws", served.url) + "/api/v1/events"
    headers = {"authorization": f"Bearer {served.tokens['technician']}"}

    async def read(after: int, count: int) -> list[dict[str, Any]]:
        async with connect(f"{address}?after={after}", additional_headers=headers) as socket:
            return [json.loads(await socket.recv()) for _ in range(count)]

    first = asyncio.run(read(0, 10))
    rest = asyncio.run(read(first[-1]["seq"], 10))
    assert [event["seq"] for event in first + rest] == list(range(1, 21))
    assert {event["world"] for event in first} == {"twin"}

    async def by_browser() -> str:
        protocols: Any = ["lab", f"bearer.{served.tokens['explorer']}"]
        async with connect(f"{address}?after=0", subprotocols=protocols) as socket:
            return f"{socket.subprotocol} {json.loads(await socket.recv())['seq']}"

    assert asyncio.run(by_browser()) == "lab 1"

    async def nobody() -> None:
        async with connect(address) as socket:
            await socket.recv()

    with pytest.raises((ConnectionClosed, InvalidStatus)):
        asyncio.run(nobody())


@pytest.mark.slow
def test_the_interface_dies_in_mid_run_and_answers_again(served: Served, asks: Asks) -> None:
    """Killed while a run goes on: answered again within 2 s, the run is not disturbed, nothing is doubled."""
    client = asks("technician")
    run_id = submit(client, "killed").json()["run_id"]
    served.until(lambda: client.get(f"/runs/{run_id}").json()["state"] in ("running", "completed"))
    served.until(lambda: len(served.interface_pids()) == 2)
    pid = served.interface_pids()[0]
    os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    served.until(lambda: httpx.get(f"{served.url}/healthz", timeout=30).status_code == 200)
    print(f"answered again after {time.monotonic() - began:.2f} s")
    assert pid not in served.interface_pids()
    again = served.until(lambda: submit(client, "killed"))
    assert again.json()["run_id"] == run_id
    assert served.ended(run_id)["state"] == "completed"
    assert served.lab("audit", "verify")["ok"]
