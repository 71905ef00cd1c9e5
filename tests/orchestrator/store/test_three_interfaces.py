"""Three interfaces and a worker on one PostgreSQL: work is claimed once, and any of them may be killed at any time."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.identity.tokens import make_token
from orchestrator.store.database import open_store

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("processes"), pytest.mark.timeout(280)]
LOOK = {
    "format": "lab-protocol/1", "name": "look", "author": {"kind": "human", "name": "test"},
    "steps": [{"id": "look", "do": "measure", "kind": "environment"}],
}  # fmt: skip


@contextlib.contextmanager
def process(folder: Path, url: str, *words: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "cli.main", "--json", "--lab", str(folder / "lab.toml"), "--runs",
               str(folder / "runs"), *words]  # fmt: skip
    environment = {**os.environ, "LAB_STORE_URL": url}
    started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield started
    finally:
        started.kill()
        started.wait()
        assert started.stdout is not None
        started.stdout.close()


def until(condition: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + 90
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            if found := condition():
                return found
        time.sleep(0.1)
    raise AssertionError(what)


def test_three_interfaces(tmp_path: Path, postgres_url: str) -> None:
    shutil.copy(ROOT / "lab.toml", tmp_path / "lab.toml")
    text = (tmp_path / "lab.toml").read_text().replace("sqlite:///var/lab.db", "env:LAB_STORE_URL")
    (tmp_path / "lab.toml").write_text(text)
    engine = open_store(postgres_url)
    _, token = make_token(engine, "technician", "test")
    engine.dispose()
    headers = {"authorization": f"Bearer {token}"}

    def submit(url: str, key: str) -> str:
        body = {"document": LOOK, "world": "twin"}
        told = httpx.post(f"{url}/api/v1/runs", json=body, headers={**headers, "idempotency-key": key}, timeout=60)
        return str(told.json()["run_id"]) if told.status_code == 202 else ""

    with contextlib.ExitStack() as stack:
        fronts = [
            stack.enter_context(process(tmp_path, postgres_url, "serve", "--twin", "--port", "0")) for _ in range(3)
        ]
        stack.enter_context(process(tmp_path, postgres_url, "work", "--twin", "--speed", "200"))
        urls = [json.loads(front.stdout.readline())["url"] for front in fronts if front.stdout]
        for url in urls:
            until(lambda: httpx.get(f"{url}/readyz", timeout=10).status_code == 200, "not ready")  # noqa: B023
        found: list[tuple[str, str]] = []

        def insist(url: str, key: str) -> None:
            """As a client does whose interface may die: the same key, at the next interface."""
            for attempt in range(200):
                with contextlib.suppress(httpx.TransportError, ValueError):
                    if run_id := submit(urls[(urls.index(url) + attempt) % 3], key):
                        found.append((key, run_id))
                        return
                time.sleep(0.05)

        threads = [threading.Thread(target=insist, args=(url, f"key-{n}")) for n in range(6) for url in urls]
        for thread in threads:
            thread.start()
        fronts[0].kill()
        fronts[1].kill()
        for thread in threads:
            thread.join()
        runs = {key: {run for k, run in found if k == key} for key, _ in found}
        assert len(found) == 18, "nothing was lost"
        assert [len(each) for each in runs.values()] == [1] * 6, "three who ask under one key get one run"

        def over() -> bool:
            told = httpx.get(f"{urls[2]}/api/v1/runs", headers=headers, timeout=10).json()["items"]
            return len(told) == 6 and all(run["state"] == "completed" for run in told)

        until(over, "not all runs ended")
