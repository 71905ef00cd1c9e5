"""Images in a run's record: whole files, documents of Bluesky that refer to them, and the crate that has them."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from event_model import DocumentNames, schema_validators

from labfile import Lab
from orchestrator.export import export
from orchestrator.frames import Frames, files_of
from orchestrator.labview import view
from orchestrator.run import Run, digest, run
from protocols.check import check
from protocols.parse import from_document

PIXELS = np.arange(6, dtype=np.int32).reshape(2, 3)


@pytest.fixture(scope="module")
def looked(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run in real time, as its detector's driver needs it: one image by itself, two in a scan."""
    look = {"id": "look", "do": "measure", "kind": "image", "exposure": "20 ms"}
    twice = {"id": "twice", "do": "scan", "plan": "count", "num": 2, "detectors": ["image"], "exposure": "20 ms"}
    document = {
        "format": "lab-protocol/1", "name": "looks", "author": {"kind": "human", "name": "Ana Example"}, "steps": [look, twice],
    }  # fmt: skip
    checked = check(from_document(document), view(lab))
    assert checked.program is not None, checked.problems
    runs = tmp_path_factory.mktemp("runs")
    return run(lab, checked, "twin", runs=runs, seed=3, speed=1, progress=lambda _: None)


def documents(folder: Path) -> list[tuple[str, Any]]:
    return [tuple(json.loads(line)) for line in (folder / "documents.jsonl").read_text().splitlines()]


def test_every_image_is_in_a_file_that_the_documents_name(looked: Run) -> None:
    assert looked.result.outcome == "completed", looked.result.error
    told = documents(looked.folder)
    for name, document in told:
        schema_validators[DocumentNames[name]].validate(document)
    resources = {document["uid"]: document for name, document in told if name == "stream_resource"}
    streams = {document["uid"]: document for name, document in told if name == "descriptor"}
    data = [document for name, document in told if name == "stream_datum"]
    events = {(e["descriptor"], e["seq_num"]): e for name, e in told if name == "event"}
    assert [streams[one["descriptor"]]["name"] for one in data] == ["look", "twice", "twice"]
    for one in data:
        resource, stream = resources[one["stream_resource"]], streams[one["descriptor"]]
        (file,) = files_of(resource, one, looked.folder)
        assert Path(unquote(urlsplit(resource["uri"]).path)) == file.parent.resolve()
        pixels, key = np.load(file), stream["data_keys"]["camera_image"]
        assert key["external"] == "STREAM:"
        assert (key["shape"], key["dtype_numpy"]) == ([1, *pixels.shape], pixels.dtype.str)
        event = events[one["descriptor"], one["seq_nums"]["start"]]
        assert event["data"]["camera_total"] == pixels.sum() > 0
        assert "camera_image" not in event["data"]


def test_the_journal_has_no_pixels_and_the_crate_has_the_files(looked: Run, tmp_path: Path) -> None:
    assert (looked.folder / "journal.jsonl").stat().st_size < 50_000
    names = export(looked.folder, tmp_path / "crate")
    images = [name for name in names if name.startswith("images/")]
    assert len(images) == 3
    graph = json.loads((tmp_path / "crate/ro-crate-metadata.json").read_text())["@graph"]
    described = {entity["@id"]: entity for entity in graph}
    for name in images:
        assert described[name]["sha256"] == digest(tmp_path / "crate" / name)
        assert "area detector" in described[name]["description"]
        assert {"@id": name} in described["./"]["hasPart"]


def test_another_worker_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    first = Frames(tmp_path)
    one, two = first.add("look", "camera", PIXELS), first.add("look", "camera", PIXELS + 1)
    assert [name for name, _ in first.documents(one)] == ["stream_resource", "stream_datum"]
    assert [name for name, _ in first.documents(two)] == ["stream_datum"]
    anew = Frames(tmp_path)
    three = anew.add("look", "camera", PIXELS + 2)
    assert three.index == 2
    assert [name for name, _ in anew.documents(three)] == ["stream_resource", "stream_datum"]
    assert three.series.uid != one.series.uid
    assert [np.load(three.series.file(n))[0, 0] for n in range(3)] == [0, 1, 2]


def test_names_of_steps_stay_apart_and_inside_the_folder(tmp_path: Path) -> None:
    frames = Frames(tmp_path)
    for step in ("a", "a-camera_0", "../../a", "A step"):
        frames.add(step, "camera", PIXELS)
    assert len(list((tmp_path / "images").iterdir())) == 4
    assert {path.name for path in tmp_path.iterdir()} == {"images"}


def test_a_full_disk_is_named_and_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("orchestrator.frames.np.save", full)
    with pytest.raises(OSError, match="No space"):
        Frames(tmp_path).add("look", "camera", PIXELS)
    assert not list((tmp_path / "images").glob("*.npy"))
