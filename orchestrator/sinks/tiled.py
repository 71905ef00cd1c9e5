"""Documents into a Tiled server, by the `TiledWriter` of bluesky-tiled-plugins. Needs the extra `tiled`."""

import gc
import importlib
from typing import Any

from labfile.secret import resolve
from orchestrator.sinks.sink import Document
from orchestrator.sinks.worker import CAPACITY, Worker

#: Events that are sent in one request: a table of 1,000 rows costs the thread a few ms at a time.
BATCH_SIZE = 1000
#: What Tiled's client imports only when it first meets such data.
_LAZY = (
    "bluesky_tiled_plugins.clients.bluesky_run",
    "bluesky_tiled_plugins.clients.catalog_of_bluesky_runs",
    "tiled.client.array",
    "tiled.client.dataframe",
)


class TiledMissing(ImportError):
    """The packages of the extra `tiled` are not installed."""


class TiledSink(Worker):
    """One writer a run. A run that is in Tiled whole stays; a part of one is replaced, so a replay mends it."""

    def __init__(self, address: str, api_key: str | None = None, *, capacity: int = CAPACITY) -> None:
        """Load Tiled's client, which takes about 2 s once; `address` and `api_key` may be env:NAME.

        Nothing is connected before the first run. Raises `TiledMissing`.
        """
        _load()
        self._address, self._api_key = address, api_key
        self._client: Any = None
        self._writers: dict[str, Any] = {}
        super().__init__(f"Tiled at {address}", capacity)

    async def deliver(self, run: str, name: str, document: Document) -> None:
        """Write one document; blocks this thread for as long as the server takes."""
        if name == "start" and self._begin(run):
            return
        if run not in self._writers:
            return
        try:
            self._writers[run](name, document)
        except Exception:
            self._client = None
            del self._writers[run]
            raise
        if name == "stop":
            del self._writers[run]

    def _begin(self, run: str) -> bool:
        """Make the run's writer; True when the run is in Tiled already, whole."""
        from bluesky_tiled_plugins import TiledWriter
        from tiled.client import from_uri

        if self._client is None:
            key = None if self._api_key is None else resolve(self._api_key)
            self._client = from_uri(resolve(self._address), api_key=key)
        try:
            if run in self._client:
                if self._client[run].metadata.get("stop"):
                    return True
                self._client.delete_contents(run, recursive=True, external_only=False)
            self._writers[run] = TiledWriter(self._client, batch_size=BATCH_SIZE)
        except Exception:
            self._client = None
            raise
        return False

    async def release(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.context.close()


def _load() -> None:
    """Import Tiled's client before time counts: in the thread, imports would hold up the lab's loop."""
    try:
        for module in ("bluesky_tiled_plugins", *_LAZY):
            importlib.import_module(module)
    except ImportError as error:
        hint = "install the extra: pip install 'genesislab[tiled]'"
        raise TiledMissing(f"{error.name} is not installed - {hint}") from error
    # What was imported stays; a full collection walks through all of it, and stops the lab's loop for 0.1 s.
    gc.collect()
    gc.freeze()
