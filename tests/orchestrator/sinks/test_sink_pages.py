"""The how-to pages on sinks: their commands are run as they stand, but for the port, against real servers."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from labfile import Lab
from orchestrator.labview import view
from orchestrator.run import run
from protocols.check import check
from protocols.parse import read

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


needs_mosquitto = pytest.mark.skipif(
    not (shutil.which("mosquitto", path="/usr/sbin:/usr/bin") and shutil.which("mosquitto_sub")),
    reason="Debian's mosquitto and mosquitto-clients are not installed",
)


class Page:
    """A page and a shell session that follows it, in a folder with one run."""

    def __init__(self, name: str, port: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])
        text = (ROOT / "docs/how-to" / name).read_text()
        assert port in text
        self._blocks = re.findall(r"```(sh|toml|python)\n(.*?)```", text.replace(port, self.port), re.DOTALL)
        self._folder = folder
        self._environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self._environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), "/usr/sbin", os.environ["PATH"]])

    def block(self, kind: str, holds: str) -> str:
        (found,) = [block for language, block in self._blocks if language == kind and holds in block]
        assert isinstance(found, str)
        return found

    def keep(self, exported: str) -> None:
        """Take over what a block exports."""
        self._environment |= dict(re.findall(r"^export (\w+)=(\w+)$", exported, re.MULTILINE))

    def shell(self, block: str) -> str:
        done = subprocess.run(
            ["bash", "-ec", block], cwd=self._folder, env=self._environment, text=True, timeout=100,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    @contextmanager
    def beside(self, block: str, ready: str) -> Iterator["subprocess.Popen[str]"]:
        """The terminal of its own: a block that goes on; ready once it says so."""
        *before, last = re.sub(r"\\\n\s*", "", block).strip().splitlines()
        process = subprocess.Popen(
            ["bash", "-ec", "\n".join([*before, f"exec {last}"])], cwd=self._folder, env=self._environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if ready in line:
                break
        else:
            pytest.fail("".join(said))
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


@pytest.fixture
def folder(small_lab: Lab, tmp_path: Path) -> Path:
    """A working folder with a lab file and one run."""
    shutil.copy(small_lab.path, tmp_path / "lab.toml")
    protocol = tmp_path / "protocol.yaml"
    protocol.write_text(
        textwrap.dedent("""\
        format: lab-protocol/1
        name: page
        author: {kind: human, name: tests}
        steps: [{id: wait, do: wait, for: 1 min}]
    """)
    )
    checked = check(read(protocol), view(small_lab))
    run(small_lab, checked, "twin", runs=tmp_path / "runs", seed=1, speed=None, progress=lambda _: None)
    return tmp_path


def name_it(folder: Path, table: str) -> None:
    with (folder / "lab.toml").open("a") as file:
        file.write(table)


def test_from_files_to_a_tiled_server(folder: Path) -> None:
    pytest.importorskip("bluesky_tiled_plugins", reason="the extra 'tiled' is not installed")
    page = Page("send-runs-to-tiled.md", "8000", folder)
    page.keep(page.block("sh", "export"))
    with page.beside(page.block("sh", "tiled serve"), "Uvicorn running"):
        name_it(folder, page.block("toml", "[sinks]"))
        for _ in range(2):
            assert " documents to Tiled at http://127.0.0.1:" in page.shell(page.block("sh", "orchestrator.sinks"))
        (folder / "client.py").write_text(page.block("python", "from_uri"))
        assert (next((folder / "runs").iterdir())).name in page.shell("python client.py")


@needs_mosquitto
def test_send_data_to_an_mqtt_broker(folder: Path) -> None:
    page = Page("send-runs-to-mqtt.md", "1883", folder)
    page.keep(page.block("sh", "export"))
    page.shell(page.block("sh", "mosquitto_passwd"))
    with ExitStack() as terminals:
        terminals.enter_context(page.beside(page.block("sh", "mosquitto -c"), "running"))
        name_it(folder, page.block("toml", "[sinks]"))
        listen = page.block("sh", "mosquitto_sub").replace("mosquitto_sub", "stdbuf -oL mosquitto_sub -d")
        listener = terminals.enter_context(page.beside(listen, "SUBACK"))
        page.shell(page.block("sh", "orchestrator.sinks"))
        said, _ = listener.communicate(timeout=30)
    (stop,) = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert stop["exit_status"] == "success"


@needs_mosquitto
def test_from_the_twins_broker_to_mosquitto(tmp_path: Path) -> None:
    page = Page("move-to-mosquitto.md", "1883", tmp_path)
    users = page.block("sh", "export")
    page.keep(users)
    page.shell(users)
    told = (ROOT / "lab.toml").read_text()
    was = re.search(r"\[devices\.environment\].*?\n\n", told, re.DOTALL)
    assert was is not None
    (tmp_path / "lab.toml").write_text(told.replace(was[0], page.block("toml", "environment") + "\n"))
    with page.beside(page.block("sh", "mosquitto -c"), "running"):
        page.shell(page.block("sh", "mosquitto_pub"))
        assert "state: reached" in page.shell(page.block("sh", "lab devices"))


def test_a_lab_file_without_a_server_is_told(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.sinks", *(folder / "runs").iterdir()], cwd=folder, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert done.returncode == 4
    assert "names no server" in done.stderr


def test_a_server_that_is_away_is_exit_code_3(folder: Path) -> None:
    name_it(folder, '[sinks]\nmqtt = "mqtt://127.0.0.1:1"\n')
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.sinks", "--patience", "0.5", *(folder / "runs").iterdir()], cwd=folder,
        text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert done.returncode == 3
    assert "not delivered within 0.5 s" in done.stderr
    assert "Connection refused" in done.stderr
