"""Campaigns over HTTP and MCP, on a lab that is up."""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from drivers.sensors.environment import UNITS

Served = Any  # tests/api/conftest.py
Asks = Callable[[str], httpx.Client]
pytestmark = [pytest.mark.xdist_group("api"), pytest.mark.timeout(300)]
SHORT = {
    "format": "lab-protocol/1", "name": "room", "author": {"kind": "human", "name": "tests"},
    "parameters": {"pause": {"kind": "time", "default": "5 s", "low": "1 s", "high": "10 h"}},
    "steps": [{"id": "wait", "do": "wait", "for": {"param": "pause"}}, {"id": "room", "do": "measure", "kind": "environment"}],
}  # fmt: skip


def propose(client: httpx.Client, key: str, *pauses: str, **more: Any) -> httpx.Response:
    body = {"document": SHORT, "points": [{"pause": pause} for pause in pauses], "world": "twin", **more}
    return client.post("/campaigns", json=body, headers={"idempotency-key": key})


def ended(served: Served, client: httpx.Client, campaign_id: str) -> dict[str, Any]:
    def over() -> Any:
        campaign = client.get(f"/campaigns/{campaign_id}").json()
        return campaign if campaign["state"] != "running" else None

    found: dict[str, Any] = served.until(over)
    return found


def test_from_proposal_to_the_joined_table(served: Served, asks: Asks) -> None:
    client = asks("technician")
    told = propose(client, "campaign-a", "5 s", "6 s", "7 s", why="to see")
    assert told.status_code == 202, told.text
    campaign_id = told.json()["campaign_id"]
    assert propose(client, "campaign-a", "5 s", "6 s", "7 s", why="to see").json()["campaign_id"] == campaign_id
    assert propose(client, "campaign-a", "5 s").status_code == 409
    campaign = ended(served, client, campaign_id)
    assert (campaign["state"], campaign["counts"], campaign["by"]) == ("completed", {"completed": 3}, "technician")
    assert len({point["run_id"] for point in campaign["points"]}) == 3
    rows = client.get(f"/campaigns/{campaign_id}/table", params={"limit": 4}).json()
    assert (len(rows["items"]), rows["next"]) == (4, "4")
    rest = client.get(f"/campaigns/{campaign_id}/table", params={"after": 4}).json()["items"]
    told_of = [(row["point"], row["parameters"]["pause"], row["quantity"]) for row in rows["items"] + rest]
    assert told_of == [(number, f"{number + 5} s", what) for number in range(3) for what in UNITS]
    assert campaign_id in {one["campaign_id"] for one in client.get("/campaigns").json()["items"]}
    assert client.post(f"/campaigns/{campaign_id}/abort").status_code == 409


def test_what_is_wrong_with_any_point_is_told_at_once(asks: Asks) -> None:
    told = propose(asks("technician"), "campaign-b", "5 s", "5 uL", "99 h")
    assert (told.status_code, {one["step"] for one in told.json()["problems"]}) == (422, {"point 1", "point 2"})
    assert propose(asks("technician"), "campaign-c").status_code == 422
    assert propose(asks("safety_officer"), "campaign-d", "5 s").status_code == 403


def test_the_budget_ends_a_campaign(served: Served, asks: Asks) -> None:
    made = asks("technician").post("/auth/tokens", json={"budget": {"runs_per_day": 10_000}, "days": 1}).json()
    me = httpx.get(f"{served.url}/api/v1/auth/me", headers={"authorization": f"Bearer {made['token']}"}).json()
    bound = {"budget": {"runs_per_day": me["used"]["runs_per_day"] + 2}, "days": 1}
    token = asks("technician").post("/auth/tokens", json=bound).json()["token"]
    with httpx.Client(base_url=f"{served.url}/api/v1", headers={"authorization": f"Bearer {token}"}) as narrow:
        campaign_id = propose(narrow, "campaign-e", *["5 s"] * 5).json()["campaign_id"]
        campaign = ended(served, narrow, campaign_id)
        assert (campaign["state"], "runs_per_day" in campaign["error"]) == ("refused", True)
        assert [point["state"] for point in campaign["points"]][2:] == ["refused", "dropped", "dropped"]


def test_abort_ends_what_has_not_begun(served: Served, asks: Asks) -> None:
    client = asks("technician")
    campaign_id = propose(client, "campaign-f", *["1 h"] * 12).json()["campaign_id"]
    one = lambda: client.get(f"/campaigns/{campaign_id}").json()  # noqa: E731
    served.until(lambda: one()["counts"].get("running"))
    assert asks("explorer").post(f"/campaigns/{campaign_id}/abort").status_code == 403
    told = client.post(f"/campaigns/{campaign_id}/abort").json()
    assert (told["state"], told["counts"].get("dropped", 0) >= 4) == ("aborted", True)
    served.until(lambda: set(one()["counts"]) <= {"completed", "aborted", "dropped"})


def test_an_agent_proposes(served: Served) -> None:
    async def story() -> None:
        headers = {"Authorization": f"Bearer {served.tokens['explorer']}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(f"{served.url}/mcp", http_client=http)) as client,
        ):
            request = {"document": SHORT, "points": [{"pause": "5 s"}, {"pause": "6 s"}], "world": "twin"}
            told = await client.call_tool("propose_campaign", {"request": request, "key": "campaign-g"})
            assert told.structured_content is not None
            campaign_id = told.structured_content["campaign_id"]
            while True:
                told = await client.call_tool("get_campaign", {"campaign_id": campaign_id})
                assert told.structured_content is not None
                if told.structured_content["state"] != "running":
                    break
                await asyncio.sleep(0.3)
            assert told.structured_content["counts"] == {"completed": 2}

    asyncio.run(story())


@pytest.mark.slow
def test_a_killed_interface_goes_on_where_it_was(served: Served, asks: Asks) -> None:
    client = asks("technician")
    told = propose(client, "campaign-h", *["5 s"] * 12)
    campaign_id = told.json()["campaign_id"]
    served.until(lambda: len(served.interface_pids()) == 2)
    served.until(lambda: client.get(f"/campaigns/{campaign_id}").json()["counts"].get("ahead", 0) < 11)
    os.kill(served.interface_pids()[0], signal.SIGKILL)
    served.until(lambda: httpx.get(f"{served.url}/readyz", timeout=30).status_code == 200)
    campaign = ended(served, client, campaign_id)
    assert campaign["counts"] == {"completed": 12}
    assert len({point["run_id"] for point in campaign["points"]}) == 12
    asked = [run for run in client.get("/runs", params={"limit": 500}).json()["items"] if run["protocol"] == "room"]
    assert {point["run_id"] for point in campaign["points"]} <= {run["run_id"] for run in asked}
