"""The chain itself, pure: what a record's hash is taken over, and what is wrong with a chain."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import rfc8785

from api.keys import PublicKey

#: What the first record carries in the place of a hash before it.
GENESIS = "0" * 64
#: A head is signed at every run's end, and at the latest after so many records.
HEAD_EVERY = 64


@dataclass(frozen=True, slots=True)
class Entry:
    """What is recorded: who asked for what, in which world, of what (a run, an approval, ...), and the verdict.

    `event` marks what must be recorded once, however many replicas see it.
    """

    actor: str
    verb: str
    verdict: str  # "allowed", "refused", "failed" or "noted"
    world: str = ""
    target: str = ""
    reason: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)  # hashes, hazard, counts
    token: str = ""
    event: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A record as it is stored; `body` is canonical JSON, `hash` its sha256."""

    seq: int
    body: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The lab's word that record `seq` had this hash."""

    seq: int
    at: float
    hash: str
    key_id: str
    signature: str

    def signed_over(self) -> dict[str, Any]:
        """What the signature is over."""
        return head_document(self.seq, self.at, self.hash)


def head_document(seq: int, at: float, digest: str) -> dict[str, Any]:
    """The statement that a signed head makes."""
    return {"type": "lab-audit-head/1", "seq": seq, "at": at, "hash": digest}


def link(entry: Entry, seq: int, at: float, before: str) -> Row:
    """The record that follows the one with hash `before`."""
    document: dict[str, Any] = {
        "seq": seq, "at": at, "actor": entry.actor, "token": entry.token, "verb": entry.verb, "world": entry.world,
        "target": entry.target, "verdict": entry.verdict, "reason": entry.reason, "facts": dict(entry.facts),
        "event": entry.event, "before": before,
    }  # fmt: skip
    body = rfc8785.dumps(document)
    return Row(seq, body.decode(), digest(body))


def digest(body: bytes) -> str:
    """sha256 in hex."""
    return hashlib.sha256(body).hexdigest()


def faults(rows: Iterable[Row], heads: Sequence[Head], keys: Mapping[str, PublicKey]) -> Iterator[str]:
    """What is wrong with a chain, in words; nothing when it is whole and every head is the lab's word for it.

    `heads` are those of the store and those that were kept elsewhere; `keys` the ones that are trusted, by id.
    """
    good = []
    for head in heads:
        key = keys.get(head.key_id)
        if key is None:
            yield f"the head at record {head.seq} is signed with a key that is not trusted ({head.key_id})"
        elif not key.signed(head.signed_over(), head.signature):
            yield f"the signature of the head at record {head.seq} is wrong"
        else:
            good.append(head)
    wanted: dict[int, set[str]] = {}
    for head in good:
        wanted.setdefault(head.seq, set()).add(head.hash)
    before, last = GENESIS, 0
    for row in rows:
        yield from _faults_of(row, before, last)
        if wanted.pop(row.seq, {row.hash}) != {row.hash}:
            yield f"record {row.seq} is not the one that was signed: the trail was rewritten"
        before, last = row.hash, row.seq
    if wanted:
        yield f"records {last + 1} to {max(wanted)} were signed and are gone: the trail was cut off"
    covered = max((head.seq for head in good), default=0)
    if last - covered >= HEAD_EVERY:
        yield f"no signed head covers records {covered + 1} to {last}: the last part of the trail was rewritten"


def _faults_of(row: Row, before: str, last: int) -> Iterator[str]:
    if row.seq != last + 1:
        yield f"records {last + 1} to {row.seq - 1} are gone"
    if digest(row.body.encode()) != row.hash:
        yield f"record {row.seq} was edited: its hash does not fit"
    try:
        told = orjson.loads(row.body)
    except orjson.JSONDecodeError:
        yield f"record {row.seq} was edited: it cannot be read"
        return
    if told.get("before") != before or told.get("seq") != row.seq:
        yield f"record {row.seq} does not follow from the one before it"
