"""Asking twice under one key is asking once, for all that is made."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

Served = Any  # tests/api/conftest.py
Asks = Callable[[str], httpx.Client]
pytestmark = [pytest.mark.xdist_group("api"), pytest.mark.timeout(300)]
LOOK = {
    "format": "lab-protocol/1", "name": "look", "author": {"kind": "human", "name": "tests"},
    "materials": {"dye": {"name": "a sample from the field"}},
    "labware": {"stock": {"type": "reservoir_12", "holds": {"A1": "dye"}}, "plate": {"type": "plate_96_flat"}},
    "steps": [{"id": "fill", "do": "transfer", "source": "stock/A1", "to": "plate/A1", "volume": "100 uL"}],
}  # fmt: skip
ASKED = {"document": LOOK, "world": "twin", "why": "to see"}


def post(client: httpx.Client, path: str, body: Any, key: str) -> httpx.Response:
    return client.post(path, json=body, headers={"idempotency-key": key})


def test_an_approval_and_the_word_on_it(asks: Asks) -> None:
    agent, officer = asks("explorer"), asks("safety_officer")
    first = post(agent, "/approvals", ASKED, "ask")
    assert first.status_code == 201, first.text
    approval = first.json()["id"]
    assert post(agent, "/approvals", ASKED, "ask").json()["id"] == approval
    assert post(agent, "/approvals", ASKED, "another").json()["id"] != approval
    assert agent.post("/approvals", json=ASKED).json()["id"] != approval, "without a key each asking is one more"
    assert post(agent, "/approvals", ASKED | {"why": "no"}, "ask").status_code == 409
    assert post(asks("technician"), "/approvals", ASKED, "ask").json()["id"] != approval, "keys are one's own"
    said = {"note": "looked at it"}
    for _ in range(2):
        told = post(officer, f"/approvals/{approval}/grant", said, "yes")
        assert (told.status_code, told.json()["state"], len(told.json()["spoken"])) == (200, "granted", 1)
    assert post(officer, f"/approvals/{approval}/grant", said, "yes, again").status_code == 409
    assert post(officer, f"/approvals/{approval}/grant", {"note": "else"}, "yes").status_code == 409
    assert post(officer, f"/approvals/{approval}/refuse", said, "yes").status_code == 409, "it is granted"


def test_a_token_is_made_once_and_shown_once(asks: Asks) -> None:
    client = asks("technician")
    count = lambda: len(client.get("/auth/tokens", params={"limit": 500}).json()["items"])  # noqa: E731
    made = post(client, "/auth/tokens", {"label": "mine"}, "token")
    assert made.status_code == 201
    there = count()
    again = post(client, "/auth/tokens", {"label": "mine"}, "token")
    assert (again.status_code, made.json()["id"] in again.json()["detail"]) == (409, True)
    assert made.json()["token"].split("_", 2)[2] not in again.text
    assert count() == there
    assert client.delete(f"/auth/tokens/{made.json()['id']}").status_code == 204


def test_an_item_of_the_queue(served: Served, asks: Asks) -> None:
    client = asks("technician")
    at = f"{served.url}/qserver/api/queue"
    item = {"item": {"name": "count", "args": [["environment"]], "item_type": "plan"}}
    first, second = (post(client, f"{at}/item/add", item, "item").json() for _ in range(2))
    assert first["item"]["item_uid"] == second["item"]["item_uid"]
    assert second["qsize"] == first["qsize"] == len(client.get(f"{at}/get").json()["items"])
    assert not post(client, f"{at}/item/add", {**item, "pos": "front"}, "item").json()["success"]
    assert client.post(f"{at}/clear", json={}).json()["success"]
    assert "taken out" in post(client, f"{at}/item/add", item, "item").json()["msg"]


def test_a_campaign_and_a_plan(served: Served, asks: Asks) -> None:
    client = asks("technician")
    campaign = {"library": "bradford_assay", "points": [{}], "world": "twin"}
    first, second = (post(client, "/campaigns", campaign, "same").json() for _ in range(2))
    assert first["campaign_id"] == second["campaign_id"]
    client.post(f"/campaigns/{first['campaign_id']}/abort")
    plan = {"plan": "count", "args": [["environment"]], "world": "twin"}
    first, second = (post(client, "/plans", plan, "same").json() for _ in range(2))
    assert first["run_id"] == second["run_id"]
    served.ended(first["run_id"])
