"""A lab on its twin, up as a technician starts it, asked over HTTP; one for all tests of a process."""

import contextlib
import gzip
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

ROOT = Path(__file__).resolve().parents[2]
INCUBATION = ROOT / "benchmarks/many/incubation.yaml"
PEOPLE = ("technician", "safety_officer", "manager", "second_officer", "explorer")


class Collector:
    """A receiver of OTLP over HTTP: what came, as bytes and as spans with the service that made them."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.spans: list[tuple[str, Span]] = []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                assert (self.path, self.headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
                collector.take(body)
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def take(self, body: bytes) -> None:
        self.bodies.append(body)
        for part in ExportTraceServiceRequest.FromString(body).resource_spans:
            facts = {one.key: one.value.string_value for one in part.resource.attributes}
            for scope in part.scope_spans:
                self.spans += [(facts["service.name"], span) for span in scope.spans]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Served:
    """A lab that is up, its commands, and a client for everyone whom it knows."""

    def __init__(self, folder: Path, speed: float = 300, collector: str = "") -> None:
        self.folder = folder
        self.lab_file = folder / "lab.toml"
        text = (ROOT / "lab.toml").read_text()
        officer = '[people.second_officer]\nmay = ["approve:low", "approve:medium", "approve:high"]\n\n[people.manager]'
        text = text.replace("[people.manager]", officer)
        if collector:
            text = text.replace("[telemetry]", f'[telemetry]\ncollector = "{collector}"')
        self.lab_file.write_text(text)
        self.speed = speed
        self._errors = (folder / "up.err").open("wb")
        self.up()
        self.tokens = {name: self.lab("token", "make", name)["token"] for name in PEOPLE}

    def command(self, *words: str) -> list[str]:
        return [
            sys.executable,
            "-m",
            "cli.main",
            "--lab",
            str(self.lab_file),
            "--runs",
            str(self.folder / "runs"),
            *words,
        ]

    def up(self) -> None:
        command = self.command("--json", "up", "--twin", "--port", "0", "--speed", str(self.speed))
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=self._errors, text=True)
        assert self.process.stdout is not None
        try:
            self.url = json.loads(self.process.stdout.readline())["url"]
            self.until(lambda: httpx.get(f"{self.url}/readyz").status_code == 200)
        except BaseException:
            self.close()
            raise

    def lab(self, *words: str) -> dict[str, Any]:
        done = subprocess.run(self.command("--json", *words), cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def client(self, name: str) -> httpx.Client:
        headers = {"authorization": f"Bearer {self.tokens[name]}"}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=60)

    def until(self, condition: Callable[[], Any], timeout_s: float = 90) -> Any:
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            try:
                found = condition()
            except httpx.TransportError:
                found = None
            if found:
                return found
            time.sleep(0.1)
        raise AssertionError((self.folder / "up.err").read_text())

    def ended(self, run_id: str) -> Mapping[str, Any]:
        with self.client("manager") as client:

            def over() -> Any:
                run = client.get(f"/runs/{run_id}").json()
                return run if run.get("ended_at") else None

            found: Mapping[str, Any] = self.until(over)
        return found

    def another(self) -> "Another":
        """One more interface on the same store."""
        return Another(self)

    def interface_pids(self) -> list[int]:
        """The processes of `lab serve` that `lab up` keeps: the one that serves, then the spare."""
        found = []
        for entry in os.scandir("/proc"):
            if not entry.name.isdigit():
                continue
            try:
                words = Path(f"/proc/{entry.name}/cmdline").read_text().split("\0")
            except OSError:
                continue
            if "serve" in words and str(self.lab_file) in words:
                found.append(int(entry.name))
        return sorted(found)

    def tidy(self) -> None:
        """As a technician does before the next one works: runs that hang end, what they left is taken away."""
        with self.client("technician") as client:
            for run in client.get("/queue").json()["items"]:
                client.post(f"/runs/{run['run_id']}/abort")
            self.until(lambda: not client.get("/queue").json()["items"])
            left = next(cell["left"] for cell in client.get("/status").json()["cells"] if cell["world"] == "twin")
            if left:
                assert client.post("/clear", json={"sites": list(left)}).status_code == 200

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(60)
        finally:
            self.process.kill()
            self._errors.close()
            if self.process.stdout is not None:
                self.process.stdout.close()


class Another:
    """An interface beside the one that `lab up` keeps."""

    def __init__(self, served: Served) -> None:
        command = served.command("--json", "serve", "--twin", "--port", "0")
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["url"]
        served.until(lambda: httpx.get(f"{self.url}/healthz").status_code == 200)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Where the lab of all tests sends its traces."""
    with contextlib.closing(Collector()) as one:
        yield one


@pytest.fixture(scope="session")
def lab_that_is_up(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Served]:
    """A lab that is up, 300 times as fast as life."""
    lab = Served(tmp_path_factory.mktemp("served"), collector=collector.url)
    yield lab
    lab.close()


@pytest.fixture
def served(lab_that_is_up: Served) -> Served:
    """The same for all tests, with nothing under way."""
    lab_that_is_up.tidy()
    return lab_that_is_up


@pytest.fixture
def lab_file(tmp_path: Path) -> Path:
    """A copy of the default lab."""
    return Path(shutil.copy(ROOT / "lab.toml", tmp_path / "lab.toml"))


@pytest.fixture
def asks(served: Served) -> Iterator[Callable[[str], httpx.Client]]:
    """Clients by name; closed at the end."""
    clients: list[httpx.Client] = []

    def client(name: str) -> httpx.Client:
        clients.append(served.client(name))
        return clients[-1]

    yield client
    for one in clients:
        one.close()
