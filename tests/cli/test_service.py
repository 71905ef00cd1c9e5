"""What `lab`'s service verbs say when something is wrong, and work for any cell; `test_lab_service.py` has the rest."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.main import main

ROOT = Path(__file__).resolve().parents[2]
PROTOCOL = str(ROOT / "benchmarks/many/incubation.yaml")
Say = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Say:
    """Run `lab ... --json` in this process on a copy of lab.toml; its exit code and what it says."""
    shutil.copy(ROOT / "lab.toml", tmp_path / "lab.toml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_USER", "ada")

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        with pytest.raises(SystemExit) as caught:
            main([*words, "--json"])
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        assert "our mistake" not in out + err
        return int(caught.value.code or 0), json.loads(out)

    return run


ASKED = {
    "submit": ("submit", PROTOCOL), "submit to any": ("submit", PROTOCOL, "--any"), "pause": ("pause", "r"),
    "resume": ("resume", "r"), "abort": ("abort", "r"), "stop": ("stop",), "down": ("down",),
    "settle": ("settle", "r", "a", "done", "--evidence", "I saw it"), "choose": ("choose", "r", "a", "skip"),
    "clear": ("clear", "hotel.1"),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_where_nobody_works_it_says_so(say: Say, name: str) -> None:
    code, told = say(*ASKED[name])
    assert code == 3
    assert "Start it with `lab up`" in told["error"]
    assert say("status")[1]["state"] == "down", "and nothing was started"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("env:LAB_NO_SUCH_VARIABLE", "LAB_NO_SUCH_VARIABLE is not set"),
        ("env:LAB_STORE_AWAY", "Is it there"),
        ("sqlite:////dev/null/lab.db", "Name a file"),
    ],
)
@pytest.mark.parametrize("verb", ["status", "submit", "up", "work"])
def test_a_store_that_is_away_is_exit_code_3(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, said: str, verb: str
) -> None:
    monkeypatch.setenv("LAB_STORE_AWAY", "postgresql://ada:secret@127.0.0.1:1/lab")
    file = tmp_path / "lab.toml"
    file.write_text(file.read_text().replace("sqlite:///var/lab.db", url))
    code, told = say(*ASKED.get(verb, (verb,)))
    assert code == 3
    assert said in told["error"]
    assert "secret" not in json.dumps(told)


@pytest.fixture
def up(say: Say, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A running twin, 300 times as fast as life."""
    with (tmp_path / "up.err").open("wb") as errors:
        command = [
            sys.executable,
            "-m",
            "cli.main",
            "--lab",
            str(tmp_path / "lab.toml"),
            "up",
            "--port",
            "0",
            "--twin",
            "--speed",
            "300",
        ]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=errors)
    until(lambda: say("status")[1]["state"] == "up")
    yield process
    process.terminate()
    process.wait(60)


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
@pytest.mark.timeout(200)
def test_what_cannot_be_is_refused_and_the_run_goes_on(say: Say, up: "subprocess.Popen[bytes]") -> None:
    code, first = say("submit", PROTOCOL, "--any", "--key", "k", "--param", "rest=20 min")
    assert (code, first["cell"]) == (0, "cell-1:twin")
    assert say("submit", PROTOCOL, "--any", "--key", "k", "--param", "rest=20 min")[1]["run_id"] == first["run_id"]
    (cell,) = say("status")[1]["cells"]
    assert [run["by"] for run in cell["runs"].values()] == ["ada"]
    run_id = first["run_id"]
    action = "no.1"
    for words, said in (
        (("settle", run_id, action, "done", "--evidence", "x"), "is waiting, not unknown or failed"),
        (("settle", "nobody", action, "done", "--evidence", "x"), "no run nobody"),
        (("choose", run_id, action, "retry"), "is waiting, not failed or unknown"),
        (("choose", run_id, action, "go_back", "--step", "nowhere"), "is waiting"),
        (("resume", "nobody"), "no run nobody"),
        (("abort", "nobody"), "no run nobody"),
    ):
        code, told = say(*words)
        assert (code, said in told["error"]) == (5, True), told
    assert say("settle", run_id, action, "perhaps", "--evidence", "x")[0] == 2
    assert say("settle", run_id, action, "done")[0] == 2, "without evidence"
    assert say("choose", run_id, action, "hope")[0] == 2
    assert say("clear", "hotel.1")[0] == 0, "clearing what is clear changes nothing"
    assert say("submit", PROTOCOL, "--real")[0] == 3, "nobody works at the instruments"
    assert say("submit", PROTOCOL, "--real", "--any")[0] == 3, "and a twin does not take what was meant for them"
    assert say("abort", run_id, "--reason", "seen enough")[0] == 0
    until(lambda: not say("status")[1]["cells"][0]["runs"])
    assert say("down")[0] == 0
    assert up.wait(60) == 0
    assert say("down")[0] == 3


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
@pytest.mark.timeout(200)
def test_two_supervisors_have_one_worker(say: Say, up: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    before = say("status")[1]["cells"][0]["holder"]
    with (tmp_path / "second.err").open("wb") as errors:
        command = [sys.executable, "-m", "cli.main", "--lab", str(tmp_path / "lab.toml"), "up", "--twin", "--port", "0"]
        second = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=errors)
    until(lambda: "watching it" in (tmp_path / "second.err").read_text())
    assert say("status")[1]["cells"][0]["holder"] == before
    code, told = say("work", "--twin")
    assert (code, before in told["error"]) == (5, True), "nor may a third begin"
    assert say("down")[0] == 0
    assert (up.wait(60), second.wait(60)) == (0, 0)
