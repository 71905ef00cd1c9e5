"""Where a run's documents go: its own file first, then Tiled, MQTT and tables. No sink can slow or stop the lab."""

from orchestrator.sinks.file import DamagedFile, FileSink, read_documents
from orchestrator.sinks.replay import replay
from orchestrator.sinks.sink import Document, Sink

__all__ = ["DamagedFile", "Document", "FileSink", "Sink", "read_documents", "replay"]
