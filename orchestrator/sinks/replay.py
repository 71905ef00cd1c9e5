"""Send the documents of finished runs again, from their own files."""

from pathlib import Path

from orchestrator.sinks.file import FILE_NAME, read_documents
from orchestrator.sinks.sink import Sink


async def replay(folder: Path, sink: Sink) -> int:
    """Give a sink every document of a run's folder, as it did when the run was made; returns how many.

    What the sink makes of it is in its `problem` after `close`. Raises `FileNotFoundError` and `DamagedFile`.
    """
    count = 0
    for name, document in read_documents(folder / FILE_NAME):
        await sink.room()
        sink(name, document)
        count += 1
    return count
