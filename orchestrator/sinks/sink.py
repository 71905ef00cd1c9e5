"""What a sink is: something that takes a run's documents and can never slow, stop or surprise the lab."""

from collections.abc import Mapping
from typing import Any, Protocol

Document = Mapping[str, Any]
#: The kinds of documents that others refer to.
_PARENTS = frozenset({"descriptor", "resource", "stream_resource"})


class Sink(Protocol):
    """Takes documents as they are made. What it could not take is in the run's own file and can be replayed."""

    name: str

    def __call__(self, name: str, document: Document) -> None:
        """Take one document; returns at once and raises nothing. The document is not changed after this."""

    @property
    def problem(self) -> str:
        """What was not taken and why, in words for people; empty as long as all is well."""

    async def room(self) -> None:
        """Return when many more documents can be taken; for a replay, which is faster than any lab."""

    async def close(self, patience_s: float = 10.0) -> None:
        """Deliver what is left, for at most `patience_s`; what then is left is told as a problem."""


class RunOf:
    """Knows which run a document belongs to, by the uids inside the documents; a run is forgotten at its stop."""

    def __init__(self) -> None:
        self._parents: dict[str, dict[str, str]] = {}

    def __call__(self, name: str, document: Document) -> str:
        """The uid of the run's start document; else the `run_id` inside (a record of the journal), or nothing."""
        if name == "start":
            run: str = document["uid"]
            self._parents[run] = {run: run}
            return run
        if name == "stop":
            return self._parents.pop(document["run_start"], {}).get(document["run_start"], "")
        parent = self._parent(document)
        for run, known in self._parents.items():
            if parent in known:
                if name in _PARENTS:
                    known[document["uid"]] = run
                return run
        return str(document.get("run_id", ""))

    @staticmethod
    def _parent(document: Document) -> str:
        """The uid of whatever the document refers to; descriptors and resources name their run."""
        named = (document[key] for key in ("run_start", "descriptor", "resource", "stream_resource") if key in document)
        return next((uid for uid in named if uid), "")
