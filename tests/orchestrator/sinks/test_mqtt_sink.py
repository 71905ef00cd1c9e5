"""Documents on a real Mosquitto, heard by a subscriber that is not ours; and a broker that comes and goes."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labfile import Lab, read
from orchestrator.labview import view
from orchestrator.run import run as run_protocol
from orchestrator.sinks import FileSink, read_documents, replay
from orchestrator.sinks.mqtt import MqttSink
from protocols.check import check
from protocols.parse import from_document
from sim_lab.clock import run

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/opt/homebrew/sbin")
pytestmark = pytest.mark.skipif(
    not (MOSQUITTO and shutil.which("mosquitto_sub")),
    reason="Debian's mosquitto and mosquitto-clients are not installed",
)
Count = Callable[..., Awaitable[str]]


@dataclass
class Broker:
    folder: Path
    port: int
    process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self, *, password: str | None = None) -> None:
        config = self.folder / "mosquitto.conf"
        access = "allow_anonymous true"
        if password is not None:
            secrets = self.folder / "passwords"
            subprocess.run(["mosquitto_passwd", "-b", "-c", secrets, "lab", password], check=True)
            access = f"allow_anonymous false\npassword_file {secrets}"
        config.write_text(f"user root\nlistener {self.port} 127.0.0.1\n{access}\npersistence false\nlog_dest stderr\n")
        command = [MOSQUITTO, "-c", config]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout is not None
        assert any("running" in line for line in self.process.stdout)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()  # a SIGTERM just after its start is lost on it
            self.process.communicate()
            self.process = None

    def hear(self, topic: str, messages: int) -> "subprocess.Popen[str]":
        """An outside subscriber; it is subscribed when this returns, and ends by itself."""
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-q", "1", "-t", topic, "-F", "%t %p", "-C", str(messages)]
        process = subprocess.Popen(
            ["stdbuf", "-oL", "mosquitto_sub", *where, "-d", "-W", "30"], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert any("SUBACK" in line for line in process.stdout)
        return process


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    broker = Broker(tmp_path, port)
    broker.start()
    yield broker
    broker.stop()


def heard(subscriber: "subprocess.Popen[str]") -> list[tuple[str, dict[str, Any]]]:
    said, _ = subscriber.communicate(timeout=40)
    lines = [line.split(" ", 1) for line in said.splitlines() if line.startswith("lab/")]
    return [(topic, json.loads(payload)) for topic, payload in lines]


@pytest.mark.parametrize("clock", [asyncio.run, None], ids=["real time", "the twin's clock"])
def test_an_outside_subscriber_hears_every_document_in_order(
    broker: Broker, count: Count, tmp_path: Path, clock: Any
) -> None:
    sink, file = MqttSink(broker.address, "cell-1"), FileSink(tmp_path / "documents.jsonl")
    subscriber = broker.hear("lab/cell-1/#", 53)

    async def main() -> None:
        await count([file, sink], 50, run_id="run-1")
        await asyncio.sleep(0 if clock else 36_000)
        await sink.close()
        await file.close()

    asyncio.run(main()) if clock else run(main)
    assert sink.problem == ""
    expected = [
        (f"lab/cell-1/run-1/{name}", document) for name, document in read_documents(tmp_path / "documents.jsonl")
    ]
    assert heard(subscriber) == expected


def test_a_broker_that_is_away_for_a_while_loses_nothing(broker: Broker, count: Count) -> None:
    sink = MqttSink(broker.address, "cell-1")
    broker.stop()

    async def main() -> "subprocess.Popen[str]":
        await count([sink], 20, run_id="patient")
        broker.start()
        subscriber = broker.hear("lab/cell-1/patient/+", 23)
        await sink.close(30)
        return subscriber

    subscriber = asyncio.run(main())
    assert sink.problem == ""
    kinds = [topic.rpartition("/")[2] for topic, _ in heard(subscriber)]
    assert kinds[-1] == "stop"
    assert set(kinds) <= {"start", "descriptor", "event", "stop"}


def test_a_broker_that_never_comes_back_is_told_and_a_replay_sends_it_all(
    broker: Broker, count: Count, tmp_path: Path
) -> None:
    sink, file = MqttSink(broker.address, "cell-1"), FileSink(tmp_path / "documents.jsonl")
    broker.stop()

    async def main() -> None:
        await count([file, sink], 20, run_id="lost")
        await sink.close(0.1)
        await file.close()

    asyncio.run(main())
    assert "run lost: not delivered within 0.1 s" in sink.problem
    broker.start()
    subscriber = broker.hear("lab/cell-1/lost/+", 23)

    async def later() -> str:
        again = MqttSink(broker.address, "cell-1")
        await replay(tmp_path, again)
        await again.close()
        return again.problem

    assert asyncio.run(later()) == ""
    assert len(heard(subscriber)) == 23


def test_a_password_comes_from_the_environment(broker: Broker, count: Count, monkeypatch: pytest.MonkeyPatch) -> None:
    broker.stop()
    broker.start(password="open")
    monkeypatch.setenv("LAB_TEST_MQTT", "open")
    address = broker.address.replace("//", "//lab@")

    async def main(sink: MqttSink, patience_s: float) -> str:
        await count([sink], 3, run_id="locked")
        await sink.close(patience_s)
        return sink.problem

    assert asyncio.run(main(MqttSink(address, "cell-1", "env:LAB_TEST_MQTT"), 10)) == ""
    monkeypatch.setenv("LAB_TEST_MQTT", "wrong")
    problem = asyncio.run(main(MqttSink(address, "cell-1", "env:LAB_TEST_MQTT"), 0.5))
    assert "Not authorized" in problem
    assert "wrong" not in problem


@pytest.mark.parametrize("address", ["http://127.0.0.1", "mqtt:", "env:LAB_TEST_NOWHERE"])
def test_an_address_that_cannot_be_used_is_told(address: str, count: Count) -> None:
    sink = MqttSink(address, "cell-1")

    async def main() -> None:
        await count([sink], 3, run_id="r")
        await sink.close()

    asyncio.run(main())
    assert "run r: " in sink.problem


def test_names_do_not_become_levels_or_wildcards(broker: Broker, count: Count) -> None:
    sink = MqttSink(broker.address, "cell/1#")
    subscriber = broker.hear("lab/+/+/start", 1)

    async def main() -> None:
        await count([sink], 1, run_id="a/b+c")
        await sink.close()

    asyncio.run(main())
    assert [topic for topic, _ in heard(subscriber)] == ["lab/cell_1_/a_b_c/start"]


def test_a_run_on_the_twin_is_heard_while_it_goes_on(broker: Broker, small_lab: Lab, tmp_path: Path) -> None:
    """Documents and records of a whole run, on the twin's clock, by the lab file alone."""
    (tmp_path / "lab.toml").write_text(f'{small_lab.path.read_text()}\n[sinks]\nmqtt = "{broker.address}"\n')
    lab = read(tmp_path / "lab.toml")
    document = {
        "format": "lab-protocol/1", "name": "told", "author": {"kind": "human", "name": "tests"},
        "steps": [{"id": "wait", "do": "wait", "for": "2 h"}],
    }  # fmt: skip
    subscriber = broker.hear("lab/small/#", 6)
    checked = check(from_document(document), view(lab))
    done = run_protocol(lab, checked, "twin", runs=tmp_path, seed=1, speed=None, progress=lambda _: None)
    told = heard(subscriber)
    assert {topic.rpartition("/")[0] for topic, _ in told} == {f"lab/small/{done.run_id}"}
    kinds = [found.get("kind", topic.rpartition("/")[2]) for topic, found in told]
    assert kinds == ["Submitted", "start", "Begun", "Done", "stop", "Finished"]
    assert told[3][1]["action"] == "wait.1"
    assert "not_taken" not in json.loads((done.folder / "run.json").read_text())


def test_a_run_that_a_sink_did_not_take_says_so(
    small_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lab.toml").write_text(f'{small_lab.path.read_text()}\n[sinks]\nmqtt = "env:LAB_TEST_NOWHERE"\n')
    lab = read(tmp_path / "lab.toml")
    document = {
        "format": "lab-protocol/1", "name": "told", "author": {"kind": "human", "name": "tests"},
        "steps": [{"id": "wait", "do": "wait", "for": "2 h"}],
    }  # fmt: skip
    checked = check(from_document(document), view(lab))
    done = run_protocol(lab, checked, "twin", runs=tmp_path, seed=1, speed=None, progress=lambda _: None)
    assert done.result.outcome == "completed"
    (problem,) = json.loads((done.folder / "run.json").read_text())["not_taken"]
    assert "environment variable LAB_TEST_NOWHERE is not set" in problem
