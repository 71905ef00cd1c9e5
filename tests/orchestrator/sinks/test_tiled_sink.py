"""Documents in a real Tiled server, read back with its own client; and a server that dies in mid-run."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labfile import Lab
from orchestrator.labview import view
from orchestrator.run import run
from orchestrator.sinks import FileSink, read_documents, replay
from protocols.check import check
from protocols.parse import from_document, read

pytest.importorskip("bluesky_tiled_plugins", reason="the extra 'tiled' is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("tiled"), pytest.mark.timeout(300)]
Count = Callable[..., Awaitable[str]]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def sink(tiled_server: Any) -> Iterator[Any]:
    from orchestrator.sinks.tiled import TiledSink

    sink = TiledSink(tiled_server.address, tiled_server.api_key)
    yield sink
    asyncio.run(sink.close())


@pytest.fixture
def catalog(tiled_server: Any) -> Iterator[Any]:
    from tiled.client import from_uri

    client = from_uri(tiled_server.address, api_key=tiled_server.api_key)
    yield client
    client.context.close()


def test_a_run_is_read_back_with_the_client(sink: Any, catalog: Any, count: Count) -> None:
    async def main() -> str:
        uid = await count([sink], 30)
        await sink.close(60)
        return uid

    uid = asyncio.run(main())
    assert sink.problem == ""
    found = catalog[uid]
    assert found.metadata["start"]["run_id"] == "run-1"
    assert found.metadata["stop"]["exit_status"] == "success"
    assert found.metadata["stop"]["num_events"] == {"primary": 30}
    data = found["primary"].read()
    assert data["signal"].values.tolist() == [1.5] * 30


def test_a_demo_run_is_read_back_well_by_well(sink: Any, catalog: Any, lab: Lab, tmp_path: Path) -> None:
    """The replay of a run's own file: the way of every run that Tiled missed."""
    checked = check(read(ROOT / "protocols/library/dye_calibration.yaml"), view(lab))
    done = run(lab, checked, "twin", runs=tmp_path, seed=7, speed=None, progress=lambda _: None)

    async def main() -> int:
        sent = await replay(done.folder, sink)
        await sink.close(60)
        return sent

    documents = list(read_documents(done.folder / "documents.jsonl"))
    assert asyncio.run(main()) == len(documents)
    assert sink.problem == ""
    found = catalog[documents[0][1]["uid"]]
    assert found.metadata["start"]["run_id"] == done.run_id
    (event,) = [document for name, document in documents if "reader_absorbance_504nm" in document.get("data", {})]
    read_back = found["read"]["reader_absorbance_504nm"].read()
    assert read_back.ravel().tolist() == event["data"]["reader_absorbance_504nm"]
    wells = found["read"].metadata["configuration"]["reader"]["data"]["reader_wells"]
    assert len(wells) == len(event["data"]["reader_absorbance_504nm"])


def test_of_a_run_with_images_the_readings_are_there_and_the_images_stay_in_its_folder(
    sink: Any, catalog: Any, lab: Lab, tmp_path: Path
) -> None:
    """The server has no way to the lab's disk; asked for files there it would refuse the whole run."""
    look = {"id": "look", "do": "measure", "kind": "image", "exposure": "20 ms"}
    author = {"kind": "human", "name": "Ana Example"}
    document = {"format": "lab-protocol/1", "name": "looks", "author": author, "steps": [look]}
    done = run(
        lab, check(from_document(document), view(lab)), "twin", runs=tmp_path, seed=3, speed=1, progress=lambda _: None
    )

    async def main() -> None:
        await replay(done.folder, sink)
        await sink.close(60)

    asyncio.run(main())
    assert sink.problem == ""
    documents = list(read_documents(done.folder / "documents.jsonl"))
    found = catalog[documents[0][1]["uid"]]["look"]
    assert found["camera_total"].read().ravel().tolist() == [document["data"]["camera_total"]
                                                            for name, document in documents if name == "event"]  # fmt: skip


def test_a_replay_changes_nothing_that_is_whole_and_mends_what_is_not(
    tiled_server: Any, catalog: Any, count: Count, tmp_path: Path
) -> None:
    from orchestrator.sinks.tiled import TiledSink

    file = FileSink(tmp_path / "documents.jsonl")

    async def main() -> str:
        uid = await count([file], 10)
        await file.close()
        documents = list(read_documents(tmp_path / "documents.jsonl"))
        part = TiledSink(tiled_server.address, tiled_server.api_key)
        for name, document in documents[:6]:
            part(name, document)
        await part.close(60)
        for _ in range(2):
            whole = TiledSink(tiled_server.address, tiled_server.api_key)
            await replay(tmp_path, whole)
            await whole.close(60)
            assert whole.problem == ""
        return uid

    uid = asyncio.run(main())
    assert catalog[uid].metadata["stop"]["num_events"] == {"primary": 10}
    assert len(catalog[uid]["primary"].read()["signal"]) == 10


def test_a_server_that_dies_in_mid_run_neither_slows_the_lab_nor_loses_the_run(
    tiled_server: Any, count: Count, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tiled.client import from_uri

    from orchestrator.sinks.tiled import TiledSink

    monkeypatch.setattr("tiled.client.utils.TILED_RETRY_TIMEOUT", 2.0)  # seconds, for 45
    sink = TiledSink(tiled_server.address, tiled_server.api_key)
    file = FileSink(tmp_path / "documents.jsonl")
    stalls: list[float] = []

    async def watch() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.002)
            stalls.append(time.perf_counter() - began - 0.002)

    async def main() -> str:
        watching = asyncio.ensure_future(watch())
        uid = await count([file, sink], 4000, run_id="unlucky", middle=tiled_server.kill)
        watching.cancel()
        await sink.close(patience_s=60)
        await file.close()
        return uid

    uid = asyncio.run(main())
    assert statistics.median(stalls) < 0.02
    assert "run unlucky: " in sink.problem
    assert len(list(read_documents(tmp_path / "documents.jsonl"))) == 4003

    tiled_server.start()

    async def later() -> str:
        again = TiledSink(tiled_server.address, tiled_server.api_key)
        await replay(tmp_path, again)
        await again.close(60)
        return again.problem

    assert asyncio.run(later()) == ""
    catalog = from_uri(tiled_server.address, api_key=tiled_server.api_key)
    assert len(catalog[uid]["primary"].read()["signal"]) == 4000
    catalog.context.close()


def test_a_wrong_key_is_told(tiled_server: Any, count: Count) -> None:
    from orchestrator.sinks.tiled import TiledSink

    sink = TiledSink(tiled_server.address, "wrong")

    async def main() -> None:
        await count([sink], 3, run_id="refused")
        await sink.close(60)

    asyncio.run(main())
    assert "run refused: " in sink.problem
    assert "401" in sink.problem
    assert "wrong" not in sink.problem


def test_secrets_come_from_the_environment_and_a_missing_one_is_told(
    tiled_server: Any, count: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestrator.sinks.tiled import TiledSink

    sink = TiledSink(tiled_server.address, "env:LAB_TEST_TILED_KEY")

    async def main() -> None:
        await count([sink], 3, run_id="no-key")
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(sink._queue.join(), sink._loop))
        monkeypatch.setenv("LAB_TEST_TILED_KEY", tiled_server.api_key)
        await count([sink], 3, run_id="with-key")
        await sink.close(60)

    asyncio.run(main())
    assert "run no-key: SecretMissing: 'env:LAB_TEST_TILED_KEY'" in sink.problem
    assert "with-key" not in sink.problem
