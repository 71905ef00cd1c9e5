"""`--url` where nobody answers, and where it makes no sense; tests/api/test_url.py has the lab that is up."""

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli import interface
from cli.main import AT_URL, VERBS, main

ROOT = Path(__file__).resolve().parents[2]
PROTOCOL = str(ROOT / "benchmarks/many/incubation.yaml")
Say = Callable[..., tuple[int, dict[str, Any]]]
ASKED = {
    "abort": ("r",), "approve": ("a1",), "choose": ("r", "a", "skip"), "clear": ("hotel.1",), "pause": ("r",),
    "plan": ("count", '["environment"]'),
    "resume": ("r",), "settle": ("r", "a", "done", "--evidence", "I saw it"), "submit": (PROTOCOL,),
}  # fmt: skip


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Say:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_TOKEN", "lab_0_secret")
    monkeypatch.setattr(interface, "PATIENCE_S", 0.0)

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        with pytest.raises(SystemExit) as caught:
            main([*words, "--json"])
        out, err = capfd.readouterr()
        assert not any(said in out + err for said in ("Traceback", "our mistake", "secret"))
        return int(caught.value.code or 0), json.loads(out)

    return run


@pytest.fixture
def nowhere() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("verb", AT_URL)
def test_where_nobody_answers_it_says_so(say: Say, nowhere: str, verb: str) -> None:
    code, told = say(verb, *ASKED.get(verb, ()), "--url", nowhere)
    assert (code, told["kind"], nowhere in told["error"]) == (3, "unreachable", True)


@pytest.mark.parametrize("verb", sorted(VERBS.keys() - set(AT_URL)))
def test_verbs_that_are_not_asked_of_an_interface_say_so(say: Say, nowhere: str, verb: str) -> None:
    code, told = say(verb, "--url", nowhere)
    assert code == 2
    assert "leave --url out" in told["error"]


def test_the_environment_says_where_for_those_verbs_only(
    say: Say, nowhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_URL", nowhere)
    shutil.copy(ROOT / "lab.toml", tmp_path / "lab.toml")
    assert say("status")[0] == 3
    assert say("check")[0] == 0
    assert say("status", "--lab", "lab.toml")[1]["state"] == "down", "who names a lab means that one"
    assert say("status", "--url", "localhost:1")[1]["kind"] == "no_address"


def test_approvals_are_asked_where_the_lab_file_has_the_interface(say: Say, nowhere: str, tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    text = (ROOT / "lab.toml").read_text()
    assert "port = 8470" in text
    file.write_text(text.replace("port = 8470", f"port = {nowhere.rpartition(':')[2]}"))
    code, told = say("approvals")
    assert (code, nowhere in told["error"]) == (3, True)
    assert nowhere in say("submit", PROTOCOL, "--approval", "a1")[1]["error"]
    file.write_text(text.replace("port = 8470", "port = 0"))
    assert "give --url" in say("approvals")[1]["error"]
