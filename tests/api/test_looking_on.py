"""Looking on: what devices do now, events page by page, and which world every listed thing is of."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from api.http.document import document

Served = Any  # tests/api/conftest.py
Asks = Callable[[str], httpx.Client]
pytestmark = [pytest.mark.xdist_group("api"), pytest.mark.timeout(300)]
#: Of no world: protocols, plans, people's tokens, and the one lab; a record of the trail has it in its body.
WORLDLESS = {"LibraryEntry", "PlanInfo", "TokenInfo", "AuditRecord"}
LOOK: dict[str, Any] = {
    "format": "lab-protocol/1", "name": "look", "author": {"kind": "human", "name": "tests"},
    "steps": [{"id": "look", "do": "measure", "kind": "environment"}],
}  # fmt: skip
BAKE = {
    **LOOK,
    "steps": [*LOOK["steps"], {"id": "bake", "do": "furnace", "program": [{"to": "60 degC", "ramp": "2 K/min"}]}],
}


def submit(client: httpx.Client, key: str, document: dict[str, Any] = LOOK) -> str:
    told = client.post("/runs", json={"document": document, "world": "twin"}, headers={"idempotency-key": key})
    assert told.status_code == 202, told.text
    return str(told.json()["run_id"])


def test_what_devices_do_and_last_said(served: Served, asks: Asks) -> None:
    client = asks("technician")
    run_id = submit(client, "live", BAKE)

    def heats() -> Any:
        live = client.get("/devices/furnace").json()["live"]
        values = {} if live is None else {value["quantity"]: value for value in live["values"]}
        warm = values.get("temperature", {"value": 0})["value"] > 25
        return (live, values) if warm and live["doing"] == "run_program" else None

    live, values = served.until(heats)
    assert (live["reached"], live["stale"], live["told_s"] < 4) == (True, False, True)
    assert values["temperature"]["unit"] == values["setpoint"]["unit"] == "degC"
    assert values["temperature"]["at"] > live["since"] > 0
    assert not client.get("/devices/furnace").json()["readings"], "its run has given no result yet: this was live"
    served.ended(run_id)
    rests = lambda: client.get("/devices/furnace").json()["live"]["doing"] == ""  # noqa: E731
    served.until(rests)
    old = served.until(
        lambda: next((v for v in client.get("/devices/environment").json()["live"]["values"] if v["stale"]), None)
    )
    assert old["age_s"] > 10
    by_name = {device["name"]: device["live"] for device in client.get("/devices").json()}
    assert by_name["axis"] is None, "nobody has dialled it"
    assert all(device["live"] is None for device in client.get("/devices", params={"world": "real"}).json())


def test_events_page_by_page_are_those_of_the_socket(served: Served, asks: Asks) -> None:
    client = asks("technician")
    served.ended(submit(client, "events in pages"))
    first = client.get("/events").json()
    assert [event["seq"] for event in first["items"]] == list(range(1, len(first["items"]) + 1))
    assert (first["items"][0]["kind"], first["items"][0]["world"]) == ("claimed", "twin")
    seen, after, pages = list[int](), 0, 0
    while page := client.get("/events", params={"after": after, "limit": 3}).json()["items"]:
        seen += [event["seq"] for event in page]
        after, pages = page[-1]["seq"], pages + 1
    assert seen == list(range(1, after + 1))
    assert pages > 1
    end = client.get("/events", params={"after": after}).json()
    assert (end["items"], end["next"], end["newest"]) == ([], after, after)
    assert client.get("/events", params={"world": "real"}).json() == {"items": [], "next": 0, "newest": 0}
    told = document()["paths"]["/api/v1/events"]["get"]
    assert told["x-websocket"]["message"] == {"$ref": "#/components/schemas/Event"}
    assert "WebSocket" in told["description"]


def test_every_listed_thing_says_its_world() -> None:
    told = document()
    shapes, seen = told["components"]["schemas"], set()
    for path, operations in told["paths"].items():
        if path.startswith("/api/v1") and "get" in operations:
            content = operations["get"]["responses"]["200"]["content"].get("application/json", {})
            for item in items(content.get("schema", {}), shapes):
                seen.add(item)
                assert "world" in shapes[item]["properties"] or item in WORLDLESS, (path, item)
    assert seen > {"Run", "ApprovalOut", "Device", "Alarm", "SiteNow", "Reading", "Event", "Campaign", "File"}


def items(schema: Any, shapes: Any) -> list[str]:
    """The names of the shapes that a list, or a page, holds."""
    if "$ref" in schema:
        whole = shapes[schema["$ref"].rpartition("/")[2]]
        return items(whole["properties"].get("items", {}), shapes)
    inner = schema.get("items", {})
    return [inner["$ref"].rpartition("/")[2]] if "$ref" in inner else []
