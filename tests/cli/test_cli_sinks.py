"""What the verbs say of sinks that are named and not there."""

import json
import sys
from pathlib import Path

import pytest

from cli.main import main

ROOT = Path(__file__).resolve().parents[2]
MINI = """
format: lab-protocol/1
name: mini
author: { kind: human, name: tests }
steps: [{ id: room, do: measure, kind: environment }]
"""


def ask(folder: Path, sinks: str, *arguments: str) -> int:
    """`lab ...` in a folder of its own, with this under `[sinks]`."""
    text = (ROOT / "lab.toml").read_text().replace("parquet = false", sinks)
    (folder / "lab.toml").write_text(text)
    (folder / "mini.yaml").write_text(MINI)
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "--lab", str(folder / "lab.toml"), "--runs", str(folder / "runs")])
    return int(caught.value.code or 0)


@pytest.mark.parametrize(("arguments", "code"), [(("run", "mini.yaml", "--twin"), 5), (("work", "--twin"), 2)])
def test_an_extra_that_is_not_installed_is_a_sentence(
    arguments: tuple[str, ...],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "bluesky_tiled_plugins", None)
    assert ask(tmp_path, 'tiled = "http://127.0.0.1:1"', *arguments) == code
    told = capfd.readouterr().err
    assert "is not installed" in told
    assert "our mistake" not in told
    assert "Traceback" not in told
    assert not (tmp_path / "runs").exists(), "nothing was begun"


def test_a_run_tells_what_no_sink_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert ask(tmp_path, "parquet = true", "run", "mini.yaml", "--twin") == 0
    assert "Not taken: tables in " in capfd.readouterr().out
    assert ask(tmp_path, "parquet = true", "run", "mini.yaml", "--twin", "--json") == 0
    (problem,) = json.loads(capfd.readouterr().out)["not_taken"]
    assert "pyarrow is not installed" in problem
