"""Documents into a Tiled server, by the `TiledWriter` of bluesky-tiled-plugins. Needs the extra `tiled`."""

import gc
import importlib
from typing import Any

from labfile.secret import resolve
from orchestrator.sinks.sink import Document
from orchestrator.sinks.worker import CAPACITY, Worker

#: Events that are sent in one request: a table of 1,000 rows costs the thread a few ms at a time.
BATCH_SIZE = 1000
#: Documents about files of the lab's own disk, which a server elsewhere cannot read: the readings go there without.
_OUTSIDE = ("stream_resource", "stream_datum")
#: What Tiled's client imports only when it first meets such data.
_LAZY = (
    "bluesky_tiled_plugins.clients.bluesky_run",
    "bluesky_tiled_plugins.clients.catalog_of_bluesky_runs",
    "tiled.client.array",
    "tiled.client.dataframe",
)


class TiledMissing(ImportError):
    """The packages of the extra `tiled` are not installed."""


class TiledRefused(PermissionError):
    """The server wants a key, and the lab file names none."""


class TiledSink(Worker):
    """One writer a run. A run that is in Tiled whole stays; a part of one is replaced, so a replay mends it."""

    def __init__(self, address: str, api_key: str | None = None, *, capacity: int = CAPACITY) -> None:
        """Load Tiled's client, which takes about 2 s once; `address` and `api_key` may be env:NAME.

        Nothing is connected before the first run, and what fails then is told. Raises `TiledMissing`.
        """
        _load()
        self._address, self._api_key = address, api_key
        self._context: Any = None
        self._catalog: Any = None
        self._writers: dict[str, Any] = {}
        super().__init__(f"Tiled at {address}", capacity)

    async def deliver(self, run: str, name: str, document: Document) -> None:
        """Write one document; blocks this thread for as long as the server takes."""
        if name in _OUTSIDE:
            return
        try:
            if name == "start":
                self._begin(run)
            if run in self._writers:
                self._writers[run](name, document)
        except Exception:
            self._writers.pop(run, None)
            self._disconnect()
            raise
        if name == "stop":
            self._writers.pop(run, None)

    async def release(self) -> None:
        """Close the connection."""
        self._disconnect()

    def _begin(self, run: str) -> None:
        """Make the run's writer, unless the run is in Tiled already and whole."""
        from bluesky_tiled_plugins import TiledWriter

        if self._context is None:
            self._connect()
        if run in self._catalog:
            if self._catalog[run].metadata.get("stop"):
                return
            self._catalog.delete_contents(run, recursive=True, external_only=False)
        self._writers[run] = TiledWriter(self._catalog, batch_size=BATCH_SIZE)

    def _connect(self) -> None:
        from tiled.client import from_context
        from tiled.client.context import Context

        key = None if self._api_key is None else resolve(self._api_key)
        self._context, path = Context.from_any_uri(resolve(self._address), api_key=key, show_progress=False)
        if key is None and self._context.server_info.authentication.required:  # else its client asks at the terminal
            raise TiledRefused("the server wants an API key - name one: tiled_api_key = 'env:NAME'")
        self._catalog = from_context(self._context, node_path_parts=path, remember_me=False)

    def _disconnect(self) -> None:
        """A connection that failed is made anew for the next run; writers of other runs keep theirs until they end."""
        if self._context is not None and not self._writers:
            self._context.close()
            self._context = self._catalog = None


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
