"""`[sinks]` in `lab.toml`: what it allows, and what becomes of it."""

import asyncio
import csv
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from labfile import Lab, check, read
from orchestrator.sinks import Sink, read_documents
from orchestrator.sinks.configured import far_sinks, run_sinks

Count = Callable[..., Awaitable[str]]
HEAD = 'schema = 1\n[lab]\nname = "small"\nfacility = "Test"\ntimezone = "UTC"\n[devices]\n[sinks]\n'


def lab_of(folder: Path, table: str) -> Lab:
    (folder / "lab.toml").write_text(HEAD + table)
    return read(folder / "lab.toml")


def closed(sinks: Sequence[Sink]) -> list[str]:
    async def main() -> None:
        for sink in sinks:
            await sink.close()

    asyncio.run(main())
    return [sink.name for sink in sinks]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('tiled = "file:///var"', "must begin with http:// or https://"),
        ('mqtt = "http://127.0.0.1"', "must begin with mqtt:// or mqtts://"),
        ('mqtt = "mqtt://lab:secret@127.0.0.1"', "holds a password"),
        ('tiled_api_key = "secret"', "must name an environment variable"),
        ('mqtt_password = "secret"', "must name an environment variable"),
        ('parquet = "yes"', "must be true or false"),
        ('tilde = "http://127.0.0.1"', "unknown key"),
    ],
)
def test_what_is_wrong_is_told_without_the_secret(table: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "lab.toml").write_text(HEAD + table)
    (problem,) = check(tmp_path / "lab.toml")
    assert says in problem.message
    assert problem.line == 8
    assert "secret" not in str(problem).replace("never be the secret itself", "").replace("name a secret", "")


def test_without_a_table_a_run_has_its_own_file(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, "")
    assert far_sinks(lab) == ()
    assert closed(run_sinks(lab, tmp_path)) == [str(tmp_path / "documents.jsonl")]


def test_servers_are_made_without_being_asked_anything(tmp_path: Path) -> None:
    """A lab comes up while its servers are away, and while their secrets are not set."""
    pytest.importorskip("bluesky_tiled_plugins", reason="the extra 'tiled' is not installed")
    lab = lab_of(
        tmp_path, 'tiled = "env:LAB_TEST_TILED"\nmqtt = "mqtt://127.0.0.1:1"\nmqtt_password = "env:LAB_TEST_NO"'
    )
    assert closed(far_sinks(lab)) == ["Tiled at env:LAB_TEST_TILED", "MQTT at mqtt://127.0.0.1:1"]


def test_a_run_gets_its_tables_at_its_end(tmp_path: Path, count: Count) -> None:
    pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")
    sinks = run_sinks(lab_of(tmp_path, "parquet = true"), tmp_path)

    async def main() -> None:
        await count(sinks, 4)
        for sink in sinks:
            await sink.close()

    asyncio.run(main())
    assert [sink.problem for sink in sinks] == ["", ""]
    assert len(list(read_documents(tmp_path / "documents.jsonl"))) == 7
    with (tmp_path / "readings.csv").open() as file:
        assert [row["value"] for row in csv.DictReader(file)] == ["1.5"] * 4
    assert (tmp_path / "readings.parquet").stat().st_size > 0


def test_tables_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    _, tables = sinks = run_sinks(lab_of(tmp_path, "parquet = true"), tmp_path)
    (tmp_path / "documents.jsonl").write_bytes(b"garbage\n")
    closed(sinks)
    assert "documents.jsonl:1" in tables.problem
