"""An agent that knows MCP only, played by the SDK's client: from nothing to a checked result, and where it is stopped."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from drivers.sensors.environment import UNITS

Served = Any  # tests/api/conftest.py
pytestmark = [pytest.mark.xdist_group("api"), pytest.mark.timeout(300)]

#: As an agent writes it from the guide; `dye` without a CAS number is unknown to the lab and asks for an approval.
PROTOCOL = {
    "format": "lab-protocol/1",
    "name": "Dye by an agent",
    "author": {"kind": "agent", "name": "explorer", "model": "test"},
    "materials": {"dye": {"cas": "1934-21-0", "concentration": "0.05 mmol/L"}},
    "labware": {"stock": {"type": "reservoir_12", "holds": {"A1": "dye"}}, "plate": {"type": "plate_96_flat"}},
    "steps": [
        {"id": "fill", "do": "transfer", "source": "stock/A1", "to": "plate/A1:A2", "volume": "100 uL"},
        {"id": "read", "do": "measure", "kind": "absorbance", "labware": "plate", "wells": "A1:A2",
         "wavelengths": ["427 nm"]},
    ],
}  # fmt: skip
UNKNOWN = PROTOCOL | {"materials": {"dye": {"name": "a sample from the field"}}}


@contextlib.asynccontextmanager
async def agent(served: Served, token: str, mode: str = "auto", **more: Any) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(f"{served.url}/mcp", http_client=http), mode=mode, **more) as client,
    ):
        yield client


def play(served: Served, name: str, scene: Callable[[Client], Awaitable[None]], mode: str = "auto") -> None:
    async def main() -> None:
        async with agent(served, served.tokens[name], mode) as client:
            await scene(client)

    asyncio.run(main())


async def use(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    told: dict[str, Any] = result.structured_content
    return told


async def refused(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    text = result.content[0].text  # type: ignore[union-attr]
    return json.loads(text[text.index("{") :])


async def ended(client: Client, run_id: str) -> dict[str, Any]:
    for _ in range(600):
        run = await use(client, "get_run", run_id=run_id)
        if run["ended_at"]:
            return run
        await asyncio.sleep(0.1)
    raise AssertionError("the run did not end")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_from_nothing_to_a_checked_result(served: Served, mode: str) -> None:
    async def scene(client: Client) -> None:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools >= {"describe_lab", "protocol_guide", "validate_protocol", "submit_protocol", "stop_lab"}
        lab = await use(client, "describe_lab")
        assert (lab["lab"]["lab"], lab["you"]["name"], lab["you"]["hazard_ceiling"]) == ("cell-1", "explorer", "low")
        assert (await use(client, "list_capabilities"))["devices"]
        guide = await use(client, "protocol_guide")
        assert "lab-protocol/1" in guide["guide"]

        draft = json.loads(json.dumps(PROTOCOL))
        draft["steps"][0]["volume"] = "100 mL"
        draft["steps"][1]["wavelengths"] = ["427"]
        found = await use(client, "validate_protocol", request={"document": draft})
        assert not found["ok"]
        assert {problem["step"] for problem in found["problems"]} == {"fill", "read"}
        draft["steps"][1]["wavelengths"] = ["427 nm"]
        found = await use(client, "validate_protocol", request={"document": draft})
        assert {problem["step"] for problem in found["problems"]} == {"fill"}
        draft["steps"][0]["volume"] = "100 uL"
        assert (await use(client, "validate_protocol", request={"document": draft}))["ok"]

        predicted = await use(client, "simulate_protocol", request={"document": draft})
        assert predicted["ok"]
        asked = {"document": draft, "world": "twin"}
        run_id = (await use(client, "submit_protocol", request=asked, key=f"mcp-{mode}"))["run_id"]
        assert (await use(client, "submit_protocol", request=asked, key=f"mcp-{mode}"))["run_id"] == run_id
        assert (await ended(client, run_id))["state"] == "completed"
        table = await use(client, "get_data", run_id=run_id)
        values = [row["value"] for row in table["rows"] if row["step"] == "read"]
        awaited = next(iter(predicted["readings"]))["wells"]
        assert values == pytest.approx(list(awaited.values()), rel=0.1)
        read = await client.read_resource(f"run://{run_id}")
        assert json.loads(read.contents[0].text)["run_id"] == run_id  # type: ignore[union-attr]

    play(served, "explorer", scene, mode)


def test_a_hazard_is_refused_until_a_person_approves(served: Served) -> None:
    asked = {"document": UNKNOWN, "world": "twin"}

    async def scene(client: Client) -> None:
        told = await refused(client, "submit_protocol", request=asked, key="hazard")
        assert (told["status"], "approval" in told["hint"]) == (403, True)
        approval = await use(client, "request_approval", request={**asked, "why": "it came in today"})
        assert (approval["state"], approval["hazard"], approval["needed"]) == ("asked", "medium", 1)
        early = await refused(client, "submit_protocol", request=asked | {"approval": approval["id"]}, key="hazard")
        assert early["type"] == "/problems/stale_approval"

        with served.client("explorer") as itself:
            assert itself.post(f"/approvals/{approval['id']}/grant").status_code == 403
        with served.client("technician") as low:
            assert low.post(f"/approvals/{approval['id']}/grant").status_code == 403, "may approve low only"
        with served.client("safety_officer") as officer:
            told = officer.get(f"/approvals/{approval['id']}").json()
            assert (told["document"], told["dry_run"]["duration_s"] > 0) == (UNKNOWN, True)
            assert officer.post(f"/approvals/{approval['id']}/grant", json={"note": "seen"}).status_code == 200
        assert (await use(client, "get_approval", approval_id=approval["id"]))["state"] == "granted"

        other = json.loads(json.dumps(UNKNOWN))
        other["steps"][0]["volume"] = "110 uL"
        stale = await refused(
            client, "submit_protocol", request={"document": other, "world": "twin", "approval": approval["id"]}, key="x"
        )
        assert any("protocol" in fault for fault in stale["faults"])
        run_id = (await use(client, "submit_protocol", request=asked | {"approval": approval["id"]}, key="hazard"))[
            "run_id"
        ]
        again = await refused(client, "submit_protocol", request=asked | {"approval": approval["id"]}, key="another")
        assert "used" in again["detail"]
        assert (await ended(client, run_id))["state"] == "completed"
        assert (await use(client, "get_data", run_id=run_id))["total"] > 0

    play(served, "explorer", scene)


def test_over_budget_is_refused(served: Served) -> None:
    with served.client("manager") as manager:
        poor = {"principal": "explorer", "budget": {"reagent_ml_per_day": 0.001}}
        token = manager.post("/auth/tokens", json=poor).json()["token"]

    async def main() -> None:
        async with agent(served, token) as client:
            told = await refused(client, "submit_protocol", request={"document": PROTOCOL, "world": "twin"}, key="poor")
            assert told["status"] == 403
            assert any("reagent_ml_per_day" in fault for fault in told["faults"])

    asyncio.run(main())


def test_an_elicited_yes_is_no_approval(served: Served) -> None:
    """A client that says yes to everything gets nowhere: nothing is ever asked of it."""
    asked: list[Any] = []

    async def yes(context: Any, params: Any) -> Any:
        asked.append(params)
        raise AssertionError("the lab asked a client for its word")

    async def main() -> None:
        async with agent(served, served.tokens["explorer"], elicitation_callback=yes) as client:
            await refused(client, "submit_protocol", request={"document": UNKNOWN, "world": "twin"}, key="yes")
            result = await client.call_tool(
                "submit_protocol", {"request": {"document": UNKNOWN, "world": "twin", "approved": True}, "key": "yes"}
            )
            assert result.is_error, "an argument that the agent sets itself is none of the lab's"

    asyncio.run(main())
    assert not asked


def test_without_a_token_there_is_nothing(served: Served) -> None:
    told = httpx.post(f"{served.url}/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert told.status_code == 401
    about = httpx.get(f"{served.url}/.well-known/oauth-protected-resource/mcp")
    assert about.json()["resource"] == f"{served.url}/mcp"


def test_an_agent_may_stop_the_lab_and_others_runs_are_not_its_own(served: Served) -> None:
    with served.client("technician") as technician:
        told = technician.post(
            "/runs", json={"document": PROTOCOL, "world": "twin"}, headers={"idempotency-key": "theirs"}
        )
        run_id = told.json()["run_id"]

    async def scene(client: Client) -> None:
        assert (await refused(client, "abort_run", run_id=run_id))["status"] in (403, 409)
        assert (await use(client, "stop_lab"))["state"] == "stopped"

    play(served, "explorer", scene)
    with served.client("technician") as technician:
        technician.post(f"/runs/{run_id}/abort")
    served.ended(run_id)


def test_a_plan_from_the_list_to_its_table(served: Served) -> None:
    count = {"plan": "count", "args": [["environment"], 3], "world": "twin"}

    async def scene(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools["list_plans"].annotations.read_only_hint, "it only tells"  # type: ignore[union-attr]
        assert tools["run_plan"].annotations.destructive_hint, "it moves things"  # type: ignore[union-attr]
        plans = {plan["name"]: plan for plan in (await use(client, "list_plans"))["plans"]}
        assert "environment" in plans["count"]["readable"]
        run_id = (await use(client, "run_plan", request=count, key="mcp-plan"))["run_id"]
        assert (await use(client, "run_plan", request=count, key="mcp-plan"))["run_id"] == run_id
        assert (await ended(client, run_id))["state"] == "completed"
        rows = (await use(client, "get_data", run_id=run_id))["rows"]
        assert [(row["quantity"], row["world"]) for row in rows] == [(name, "twin") for name in UNITS] * 3
        wrong = await refused(client, "run_plan", request={**count, "args": [["nobody"], 0]}, key="wrong")
        assert (wrong["type"], len(wrong["faults"])) == ("/problems/invalid_plan", 2)
        other = await refused(client, "run_plan", request={**count, "args": [["environment"], 4]}, key="mcp-plan")
        assert other["status"] == 409
        moving = {"plan": "scan", "args": [["environment"], "axis", 0, 1], "kwargs": {"num": 2}, "world": "real"}
        assert "No twin" in (await refused(client, "run_plan", request=moving, key="real"))["detail"]

    play(served, "explorer", scene)


def test_a_token_that_may_only_look_can_only_look(served: Served) -> None:
    with served.client("manager") as manager:
        token = manager.post("/auth/tokens", json={"principal": "explorer", "scopes": ["read"]}).json()["token"]
    protocol = {"document": PROTOCOL, "world": "twin"}
    plan = {"plan": "count", "args": [["environment"]], "world": "twin"}
    closed: dict[str, dict[str, Any]] = {
        "submit_protocol": {"request": protocol, "key": "k"}, "run_plan": {"request": plan, "key": "k"},
        "propose_campaign": {"request": {**protocol, "points": [{}]}, "key": "k"},
        "request_approval": {"request": protocol}, "validate_protocol": {"request": {"document": PROTOCOL}},
        "simulate_protocol": {"request": {"document": PROTOCOL}},
    }  # fmt: skip

    async def main() -> None:
        async with agent(served, token) as client:
            for tool, arguments in closed.items():
                assert (await refused(client, tool, **arguments))["status"] == 403, tool
            for tool in ("describe_lab", "list_capabilities", "list_plans", "protocol_guide", "list_runs"):
                await use(client, tool)
            assert (await use(client, "get_events", after=0, limit=2))["next"] == 2

    asyncio.run(main())
