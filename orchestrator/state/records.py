"""The journal's vocabulary: everything that may be said of a cell, as frozen records.

A record is a fact that was durable before anyone acted on it. Times (`at`) are seconds of the cell's own clock: since
1970 in a lab, since the loop began in a dry run. State is `reduce`d from these and from nothing else (ADR 0007).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from drivers.core.command import Reading, Readings
from drivers.core.errors import Outcome
from protocols.program import Action, Hold, Program

RunOutcome = Literal["completed", "aborted", "failed", "interrupted"]
Verdict = Literal["done", "not_done"]
Choice = Literal["retry", "skip", "by_hand", "go_back", "abort"]
#: Who says so, when the device itself does (`Settled.by`).
BY_DEVICE = "device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One fact; `run_id` is empty where it concerns the whole cell."""

    at: float
    run_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed(Record):
    """A worker took the cell over: what the one before had begun and not ended is unknown from here on.

    `world` names the world it commands; when it is another one than before, what was under way there is lost.
    """

    holder: str
    epoch: int
    world: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted(Record):
    """A program waits to be run; `about` is what its documents say of it (protocol, hashes, author)."""

    program: Program
    by: str = ""
    priority: int = 0
    deadline: float | None = None
    about: Mapping[str, Any]
    durations_s: Mapping[str, float] = field(default_factory=dict)  # by action, as a dry run found them
    predicted: tuple[Mapping[str, Any], ...] = ()  # readings of the dry run, with their bands (`orchestrator.bands`)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun(Record):
    """The intent to command: on disk before the command goes out. `attempt` counts from 1."""

    action: str
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Record):
    """The device reported success."""

    action: str
    readings: Readings = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(Record):
    """The device, or the way to it, failed; `outcome` says whether anything happened in the physical world."""

    action: str
    error: str
    kind: str  # the error's class
    outcome: Outcome
    recoverable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver(Record):
    """The conditions under which an action is done are not met: no command went out."""

    action: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled(Record):
    """What became of an action whose outcome was not known, who says so (`by`), and on what evidence."""

    action: str
    verdict: Verdict
    by: str  # "device", "harmless", "measurement", or a person's name
    evidence: str
    readings: Readings = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen(Record):
    """How a run goes on after a failed action: chosen by the policy or by a person."""

    action: str
    choice: Choice
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(Record):
    """No further action of the run begins; running ones go on to their end."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(Record):
    """The run goes on."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortAsked(Record):
    """The run shall end safely: nothing more of its program begins. One that is `stopped` moves nothing any more."""

    by: str
    reason: str = ""
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended(Record):
    """Actions that a run got on its way, such as its safe end; what had not begun before is dropped."""

    actions: tuple[Action, ...]
    holds: tuple[Hold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebound(Record):
    """A visit of the run goes to a stand-in: from action `first` to the visit's end, `places` are others (old: new)."""

    first: str
    places: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarmed(Record):
    """Something left its predicted band; the message names the step."""

    action: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Record):
    """The run has ended."""

    outcome: RunOutcome
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved(Record):
    """Someone who is no run of a program (a plan, a person at the bench) has these things until `until`."""

    holder: str
    things: tuple[str, ...]
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(Record):
    """The holder gave everything back, or its lease ran out (`interrupted`)."""

    holder: str
    outcome: RunOutcome = "completed"
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared(Record):
    """A person took away what an ended run had left on these sites."""

    things: tuple[str, ...]
    by: str


KINDS: Mapping[str, type[Record]] = {
    kind.__name__.lower(): kind
    for kind in (
        Claimed, Submitted, Begun, Done, Failed, PassedOver, Settled, Chosen, Paused, Resumed, AbortAsked, Amended,
        Rebound, Alarmed, Finished, Reserved, Released, Cleared,
    )
}  # fmt: skip


class Codec:
    """Records as plain data and back; programs travel by hash, beside the journal."""

    #: Fields that are not JSON's own, with what makes them again.
    _REVIVE: ClassVar[Mapping[str, Any]] = {
        "readings": lambda value: tuple(Reading(**reading) for reading in value),
        "things": tuple,
        "predicted": tuple,
        "holds": lambda value: tuple(Hold(**hold) for hold in value),
        "actions": lambda value: tuple(map(Action.from_json, value)),
    }

    def __init__(self, programs: Mapping[str, Program] | None = None) -> None:
        self.programs: dict[str, Program] = dict(programs or {})

    @staticmethod
    def kind(record: Record) -> str:
        """The record's name in the journal."""
        return type(record).__name__.lower()

    def encode(self, record: Record) -> dict[str, Any]:
        """The fields that say something beyond `at` and `run_id`; values may still be dataclasses (orjson's matter)."""
        body = {name: getattr(record, name) for name in _fields(type(record))}
        if isinstance(record, Submitted):
            body["program"] = record.program.hash
            self.programs[record.program.hash] = record.program
        return body

    def decode(self, kind: str, at: float, run_id: str, body: Mapping[str, Any]) -> Record:
        """The record again."""
        fields = {name: self._REVIVE[name](value) if name in self._REVIVE else value for name, value in body.items()}
        if kind == "submitted":
            fields["program"] = self.programs[body["program"]]
        return KINDS[kind](at=at, run_id=run_id, **fields)


_FIELDS: dict[type[Record], tuple[str, ...]] = {}


def _fields(kind: type[Record]) -> tuple[str, ...]:
    if kind not in _FIELDS:
        names = tuple(getattr(kind, "__dataclass_fields__", {}))
        _FIELDS[kind] = tuple(name for name in names if name not in ("at", "run_id"))
    return _FIELDS[kind]
