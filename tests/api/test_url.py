"""`lab --url`: the verbs of a running lab over its interface; same answers and exit codes as over its store."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.main import main

ROOT = Path(__file__).resolve().parents[2]
Served = Any  # tests/api/conftest.py
Answer = tuple[int, dict[str, Any]]
Say = Callable[..., Answer]
pytestmark = [pytest.mark.xdist_group("api"), pytest.mark.timeout(300)]
PROTOCOL = str(ROOT / "benchmarks/many/incubation.yaml")
LONG = (PROTOCOL, "--param", "rest=2 h")
ESCAPE = "in a\x1b[2J hurry"


@pytest.fixture
def say(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Say:
    """`lab ... --json` as somebody, at the interface, where there is no lab file; or `by="store"`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LAB_TOML", raising=False)

    def run(name: str, *words: str, by: str = "url", as_json: bool = True) -> Answer:
        monkeypatch.setenv("LAB_TOKEN", served.tokens.get(name, ""))
        where = (
            ["--url", served.url] if by == "url" else ["--lab", str(served.lab_file), "--runs", f"{served.folder}/runs"]
        )
        with pytest.raises(SystemExit) as caught:
            main([*words, *where, *(["--json"] if as_json else [])])
        out, err = capfd.readouterr()
        assert not any(said in out + err for said in ("Traceback", "our mistake"))
        assert not any(token in out + err for token in served.tokens.values())
        return int(caught.value.code or 0), json.loads(out) if as_json else {"out": out + err}

    return run


def shape(told: Any) -> Any:
    """The keys of what was told, and of what it holds, without the values; of a list its first item stands for all."""
    if isinstance(told, dict):
        return {key: "" if key in ("held", "left") else shape(value) for key, value in told.items()}
    return [shape(item) for item in told[:1]] if isinstance(told, list) else ""


def test_a_run_from_submission_to_its_files(served: Served, say: Say) -> None:
    code, told = say("technician", "submit", *LONG, "--key", "by-url")
    assert (code, told["ok"], told["cell"], told["schema"]) == (0, True, "cell-1:twin", "lab-submit/1")
    run_id = told["run_id"]
    assert told.keys() == {"schema", "ok", "run_id", "cell", "state", "predicted_s"}
    code, again = say("technician", "submit", *LONG, "--key", "by-url")
    assert (code, again.get("run_id")) == (0, run_id), again
    code, told = say("technician", "pause", run_id)
    assert (code, told) == (0, {"schema": "lab-pause/1", "ok": True, "run_id": run_id, "state": "paused"})
    served.until(lambda: _phase(say, run_id) == "paused")
    for words in (("status",), ("queue",)):
        mine, theirs = (say("technician", *words, by=by)[1] for by in ("url", "store"))
        assert shape(mine) == shape(theirs), words
    charts = [say("technician", "queue", "--gantt", by=by)[1] for by in ("url", "store")]
    assert charts[0].keys() == charts[1].keys() >= {"plan", "reality"}
    (cell,) = say("technician", "status")[1]["cells"]
    assert cell["runs"][run_id]["by"] == "technician"
    for words in (("settle", run_id, "no.1", "done", "--evidence", "seen"), ("choose", run_id, "no.1", "retry"),
                  ("pause", "nobody"), ("abort", "nobody")):  # fmt: skip
        codes = [say("safety_officer" if words[0] in ("settle", "choose") else "technician", *words, by=by)[0]
                 for by in ("url", "store")]  # fmt: skip
        assert codes == [5, 5], words
    assert say("technician", "resume", run_id)[0] == 0
    assert say("technician", "abort", run_id, "--reason", "enough")[0] == 0
    assert served.ended(run_id)["state"] == "aborted"
    code, listed = say("technician", "runs")
    assert run_id in {run["run_id"] for run in listed["runs"]}
    mine, theirs = (say("technician", "runs", run_id, by=by)[1]["runs"][0] for by in ("url", "store"))
    assert theirs.items() <= mine.items(), "the run's own file, and what the journal knows"
    assert say("technician", "runs", "nobody")[0] == say("technician", "runs", "nobody", by="store")[0] == 4


def _phase(say: Say, run_id: str) -> str:
    return str(say("technician", "status")[1]["cells"][0]["runs"][run_id]["phase"])


def test_stop_and_clear(say: Say) -> None:
    assert say("explorer", "stop")[1]["state"] == "stopped", "whoever is known may"
    assert say("technician", "clear", "hotel.1")[0] == 0
    code, told = say("explorer", "clear", "hotel.1")
    assert (code, told["kind"]) == (5, "forbidden")


def test_what_is_wrong_is_told_and_coded(say: Say, tmp_path: Path) -> None:
    document = yaml.safe_load(Path(PROTOCOL).read_text())
    wrong, much = tmp_path / "wrong.yaml", tmp_path / "much.yaml"
    document["steps"][0]["volume"] = "40 min"
    wrong.write_text(json.dumps(document))
    document["steps"][0]["volume"] = "40 mL"
    much.write_text(json.dumps(document))
    for file in (wrong, much):
        code, told = say("technician", "submit", str(file))
        assert (code, told["ok"], told["problems"][0]["step"]) == (4, False, "dye"), told
        assert say("technician", "submit", str(file), by="store")[0] == 4
    assert say("technician", "submit", "gone.yaml")[0] == 4
    assert say("technician", "submit", PROTOCOL, "--any")[0] == 2
    code, told = say("nobody", "status", as_json=False)
    assert (code, "Set LAB_TOKEN" in told["out"]) == (5, True)
    code, told = say("technician", "submit", PROTOCOL, "--real")
    assert (code, "nobody works in cell-1:real" in told["error"]) == (3, True)


def test_a_person_approves(say: Say, tmp_path: Path) -> None:
    document = yaml.safe_load(Path(PROTOCOL).read_text())
    del document["materials"]["dye"]["cas"]
    document["parameters"]["rest"]["default"] = "1 min"
    file = tmp_path / "unknown.yaml"
    file.write_text(json.dumps(document))
    code, told = say("explorer", "submit", str(file))
    assert (code, "approval" in told["hint"]) == (5, True)
    code, told = say("explorer", "submit", str(file), "--ask", ESCAPE)
    assert (code, told["state"]) == (8, "asked")
    approval = told["approval"]
    assert say("explorer", "submit", str(file), "--approval", approval)[0] == 8, "it waits for a person"
    code, told = say("safety_officer", "approvals")
    waits = next(one for one in told["approvals"] if one["id"] == approval)
    assert (code, waits["requested_by"], waits["dry_run"]["duration_s"] > 0) == (0, "explorer", True)
    text = say("safety_officer", "approvals", as_json=False)[1]["out"]
    assert approval in text
    assert "in a[2J hurry" in text, "an agent's words cannot steer a terminal"
    assert say("explorer", "approve", approval)[0] == 5
    assert say("safety_officer", "approve", "0000")[0] == 4
    code, told = say("safety_officer", "approve", approval, "--note", "looked at it")
    assert (code, told["state"], told["granted"], told["needed"]) == (0, "granted", 1, 1)
    assert approval not in {one["id"] for one in say("safety_officer", "approvals")[1]["approvals"]}
    assert say("explorer", "submit", str(file), "--approval", approval)[0] == 0
    assert say("explorer", "submit", str(file), "--approval", approval)[0] == 5, "good for one run"
    other = say("explorer", "submit", str(file), "--ask", "again")[1]["approval"]
    assert say("safety_officer", "approve", other, "--refuse")[1]["state"] == "refused"
    assert say("explorer", "submit", str(file), "--approval", other)[0] == 5


@pytest.mark.parametrize("by", ["url", "store"])
def test_a_plan_of_blueskys(served: Served, say: Say, by: str) -> None:
    words = ("plan", "count", '["environment"]', "num=2")
    code, told = say("technician", *words, "--key", f"plan-{by}", by=by)
    assert (code, told["ok"], told["cell"], told.keys()) == (
        0,
        True,
        "cell-1:twin",
        {"schema", "ok", "run_id", "cell", "state"},
    )
    assert say("technician", *words, "--key", f"plan-{by}", by=by)[1]["run_id"] == told["run_id"]
    assert say("technician", "plan", "count", '["environment"]', "--key", f"plan-{by}", by=by)[0] == 5
    assert served.ended(told["run_id"])["state"] == "completed"
    code, refused = say("technician", "plan", "scan", '["environment"]', "axis", "-5", "99999", "num=3", by=by)
    assert (code, len(refused["faults"])) == (4, 1), refused
    assert "99999" in refused["faults"][0]
