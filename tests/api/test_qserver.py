"""The lab as a queue server: `bluesky_queueserver_api` as it comes from its makers, over HTTP."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

BPlan: Any = pytest.importorskip("bluesky_queueserver_api").BPlan
from bluesky_queueserver_api.http import REManagerAPI  # noqa: E402

Served = Any  # tests/api/conftest.py
Asks = Callable[[str], httpx.Client]
pytestmark = [pytest.mark.xdist_group("api"), pytest.mark.timeout(300)]


def tool(served: Served, name: str = "technician", **key: str) -> Any:
    manager = REManagerAPI(http_server_uri=f"{served.url}/qserver", timeout=60)
    manager.set_authorization_key(**(key or {"api_key": served.tokens[name]}))
    return manager


@pytest.fixture
def manager(served: Served) -> Iterator[Any]:
    """A tool with an empty queue and an open environment."""
    manager = tool(served)
    status = manager.status(reload=True)
    if status["running_item_uid"]:
        manager.re_abort()
    manager.wait_for_idle(timeout=60)
    manager.queue_clear()
    if not manager.status(reload=True)["worker_environment_exists"]:
        manager.environment_open()
    yield manager
    manager.close()


def test_a_queue_from_opening_to_history(served: Served, manager: Any) -> None:
    status = manager.status(reload=True)
    assert (status["manager_state"], status["re_state"], status["items_in_queue"]) == ("idle", "idle", 0)
    plans = manager.plans_allowed()["plans_allowed"]
    assert {"count", "scan", "rel_scan", "list_scan", "dye_calibration"} <= set(plans)
    assert [one["name"] for one in plans["dye_calibration"]["parameters"]] == ["volume", "shake_time"]
    devices = manager.devices_allowed()["devices_allowed"]
    assert (devices["axis"]["is_movable"], devices["environment"]["is_movable"]) == (True, False)
    before = len(manager.history_get()["items"])
    first = manager.item_add(BPlan("count", ["environment"], num=2, delay=60))
    assert (first["success"], first["qsize"], first["item"]["user"]) == (True, 1, "technician")
    second = manager.item_add(BPlan("dye_calibration", shake_time="5 s"))
    ahead = manager.item_add(BPlan("count", ["environment"]), pos="front")
    queue = manager.queue_get(reload=True)
    assert [item["item_uid"] for item in queue["items"]] == [
        answer["item"]["item_uid"] for answer in (ahead, first, second)
    ]
    assert manager.item_get(uid=first["item"]["item_uid"])["item"]["name"] == "count"
    assert manager.item_remove(pos="front")["item"]["item_uid"] == ahead["item"]["item_uid"]
    manager.queue_start()
    manager.wait_for_idle(timeout=200)
    status = manager.status(reload=True)
    assert (status["items_in_queue"], status["running_item_uid"]) == (0, None)
    history = manager.history_get(reload=True)["items"][before:]
    assert [(item["name"], item["result"]["exit_status"]) for item in history] == [
        ("count", "completed"), ("dye_calibration", "completed"),
    ], history  # fmt: skip
    with served.client("technician") as client:
        run_id = history[0]["result"]["run_id"]
        start = client.get(f"/runs/{run_id}/documents").json()["items"][0]["doc"]
        assert history[0]["result"]["run_uids"] == [start["uid"]]
    assert served.lab("audit", "verify")["ok"]


def test_pause_resume_abort(manager: Any) -> None:
    manager.item_add(BPlan("count", ["environment"], num=1000, delay=60))
    manager.item_add(BPlan("count", ["environment"]))
    manager.queue_start()
    manager.wait_for_condition(lambda status: status["re_state"] == "running", timeout=60)
    manager.re_pause(option="deferred")
    manager.wait_for_idle_or_paused(timeout=60)
    assert manager.status(reload=True)["manager_state"] == "paused"
    assert manager.queue_get()["running_item"]["name"] == "count"
    manager.re_resume()
    manager.wait_for_idle_or_running(timeout=60)
    manager.re_pause()
    manager.wait_for_idle_or_paused(timeout=60)
    manager.re_abort()
    manager.wait_for_idle(timeout=60)
    assert manager.history_get(reload=True)["items"][-1]["result"]["exit_status"] == "aborted"
    assert manager.status(reload=True)["items_in_queue"] == 1, "behind one that was aborted the queue stands still"


def test_a_protocol_is_paused_and_stopped(manager: Any) -> None:
    manager.item_add(BPlan("growth_curve"))
    manager.queue_start()
    manager.wait_for_condition(lambda status: status["re_state"] == "running", timeout=60)
    served_until_paused(manager)
    manager.re_stop()
    manager.wait_for_idle(timeout=120)
    assert manager.history_get(reload=True)["items"][-1]["result"]["exit_status"] == "stopped"


def served_until_paused(manager: Any) -> None:
    """An item is running before its dry run has made it a run that can be paused."""
    manager.request_fail_exceptions_enabled = False
    try:
        manager.wait_for_condition(lambda _: manager.send_request(method="re_pause")["success"], timeout=60)
    finally:
        manager.request_fail_exceptions_enabled = True
    manager.wait_for_idle_or_paused(timeout=60)


def test_stop_after_the_item_at_work(manager: Any) -> None:
    manager.item_add(BPlan("count", ["environment"], num=4, delay=120))
    manager.item_add(BPlan("count", ["environment"]))
    manager.queue_start()
    manager.queue_stop()
    assert manager.status(reload=True)["queue_stop_pending"]
    manager.wait_for_idle(timeout=60)
    assert manager.status(reload=True)["items_in_queue"] == 1
    assert manager.history_get(reload=True)["items"][-1]["result"]["exit_status"] == "completed"


def test_what_cannot_be_is_told(served: Served, manager: Any) -> None:
    for plan, words in (
        (BPlan("count", ["nobody"]), "cannot be read by a plan"),
        (BPlan("scan", ["environment"], "axis", 0, 1e9, num=3), "outside"),
        (BPlan("os.system", "rm"), "there is no plan"),
        (BPlan("dye_calibration", volume="1 L"), "volume"),
        (BPlan("dye_calibration", nonsense=1), "nonsense"),
    ):
        with pytest.raises(manager.RequestFailedError, match=words):
            manager.item_add(plan)
    with pytest.raises(manager.RequestFailedError, match="no plan is at work"):
        manager.re_pause()
    with pytest.raises(manager.RequestFailedError, match="no such item"):
        manager.item_remove(uid=str(uuid.uuid4()))
    with pytest.raises(manager.HTTPClientError, match="no such call"):
        manager.script_upload("import os")
    before = manager.status(reload=True)["items_in_history"]
    manager.item_add(BPlan("scan", ["environment"], "axis", 0, 1, num=3))
    manager.item_add(BPlan("count", ["environment"]))
    manager.queue_start()
    manager.wait_for_idle(timeout=60)
    status = manager.status(reload=True)
    assert (status["items_in_history"], status["items_in_queue"]) == (before + 1, 1)
    result = manager.history_get()["items"][-1]["result"]
    assert (result["exit_status"], "--speed 1" in result["msg"]) == ("failed", True)


def test_keys_and_who_may(served: Served) -> None:
    for key in ({"token": served.tokens["explorer"]}, {"api_key": served.tokens["explorer"]}):
        manager = tool(served, **key)
        assert manager.status()["msg"].startswith("RE Manager")
        manager.close()
    manager = tool(served, "safety_officer")
    with pytest.raises(manager.HTTPClientError, match="403"):
        manager.item_add(BPlan("count", ["environment"]))
    manager.close()
    stranger = tool(served, api_key="lab_000000000000_x")
    with pytest.raises(stranger.HTTPClientError, match="401"):
        stranger.status()
    stranger.close()


def test_an_item_runs_with_no_more_than_its_token_had(served: Served, asks: Asks) -> None:
    made = asks("technician").post("/auth/tokens", json={"budget": {"runs_per_day": 0}, "days": 1}).json()
    narrow = tool(served, api_key=made["token"])
    wide = tool(served)
    wide.queue_clear()
    if not wide.status()["worker_environment_exists"]:
        wide.environment_open()
    narrow.item_add(BPlan("count", ["environment"]))
    wide.queue_start()
    wide.wait_for_idle(timeout=60)
    result = wide.history_get(reload=True)["items"][-1]["result"]
    assert (result["exit_status"], "budget" in result["msg"]) == ("failed", True), result
    narrow.close()
    wide.close()


@pytest.mark.slow
def test_another_interface_takes_the_queue_up(served: Served, manager: Any) -> None:
    """Of two interfaces the one that began the item may go away; each item is begun once."""
    other = served.another()
    try:
        for _ in range(3):
            manager.item_add(BPlan("count", ["environment"], num=2, delay=60))
        before = manager.status(reload=True)["items_in_history"]
        manager.queue_start()
        manager.wait_for_idle(timeout=60)
    finally:
        other.close()
    manager.wait_for_idle(timeout=60)
    history = manager.history_get(reload=True)["items"][before:]
    assert [item["result"]["exit_status"] for item in history] == ["completed"] * 3
    assert len({item["result"]["run_id"] for item in history}) == 3
