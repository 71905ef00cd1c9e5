"""A program: what a protocol becomes on one lab, as frozen actions that wait for one another."""

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import rfc8785

from protocols.conditions import Condition, Guard


@dataclass(frozen=True, slots=True)
class Action:
    """One command to one device; `after` names the actions that must have ended before it begins."""

    id: str
    step: str
    device: str
    verb: str
    args: Mapping[str, Any]
    after: tuple[str, ...] = ()
    harmless: bool = False  # repeating it changes nothing
    needs: tuple[str, ...] = ()  # devices and sites that nobody else may use meanwhile
    when: tuple[Guard, ...] = ()  # it is passed over unless all of these hold
    point: int | None = None  # of a scan: what is read there together is one event

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        optional: dict[str, Any] = {} if self.point is None else {"point": self.point}
        optional |= {"when": [list(guard) for guard in self.when]} if self.when else {}
        return optional | {
            "id": self.id, "step": self.step, "device": self.device, "verb": self.verb, "args": dict(self.args),
            "after": list(self.after), "harmless": self.harmless, "needs": list(self.needs),
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Action":
        """The action that `as_json` wrote."""
        when = tuple((str(name), bool(wanted)) for name, wanted in document.get("when", ()))
        lists = {"after": tuple(document["after"]), "needs": tuple(document["needs"]), "when": when}
        return cls(**{**document, **lists})


@dataclass(frozen=True, slots=True)
class Hold:
    """A device or site that is one run's from the begin of action `first` to the end of `last`.

    `last` None means that it is still occupied when the program has ended: labware stays on a site.
    """

    thing: str
    first: str
    last: str | None


@dataclass(frozen=True, slots=True)
class Limit:
    """Action `after` has ended at most `at_most_s` after action `before` has."""

    before: str
    after: str
    at_most_s: float


#: The device name of actions that only let time pass.
CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Program:
    """All actions of one run, in an order that respects `after`, with what the lab must know about them."""

    protocol_hash: str
    actions: tuple[Action, ...]
    #: Labware id -> kind name or carried definition, as the actions place it.
    labware: Mapping[str, Any]
    #: Material name -> its solutes and solvent in mol/L, keyed by CAS number; empty where nothing is known.
    species: Mapping[str, Mapping[str, float]]
    #: CAS number -> the name the author uses for it.
    names: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = field(default=())
    holds: tuple[Hold, ...] = ()
    limits: tuple[Limit, ...] = ()
    conditions: Mapping[str, Condition] = field(default_factory=dict)  # by the ids of `if` steps

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices the program uses, in order of first use."""
        return tuple(dict.fromkeys(action.device for action in self.actions if action.device != CLOCK))

    @property
    def hash(self) -> str:
        """sha256 of the program as canonical JSON."""
        return hashlib.sha256(rfc8785.dumps(self.as_json())).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """Plain data, for `program.json`."""
        limits = [[limit.before, limit.after, limit.at_most_s] for limit in self.limits]
        conditions = {name: asdict(condition) for name, condition in self.conditions.items()}
        optional = {"limits": limits, "conditions": conditions}
        return {key: value for key, value in optional.items() if value} | {
            "protocol_hash": self.protocol_hash,
            "actions": [action.as_json() for action in self.actions],
            "labware": dict(self.labware),
            "species": {name: dict(species) for name, species in self.species.items()},
            "names": dict(self.names),
            "notes": list(self.notes),
            "holds": [[hold.thing, hold.first, hold.last] for hold in self.holds],
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Program":
        """The program that `as_json` wrote."""
        conditions = {
            name: Condition(**{**told, "wells": None if told["wells"] is None else tuple(told["wells"])})
            for name, told in document.get("conditions", {}).items()
        }
        return cls(
            **{
                **document, "actions": tuple(map(Action.from_json, document["actions"])),
                "conditions": conditions, "notes": tuple(document["notes"]),
                "holds": tuple(Hold(*hold) for hold in document["holds"]),
                "limits": tuple(Limit(*limit) for limit in document.get("limits", ())),
            }
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Way:
    """One way through a program: of each condition, whether it is met."""

    met: Mapping[str, bool]

    def __call__(self, action: Action) -> bool:
        """Whether an action is done on this way."""
        return all(self.met[name] == wanted for name, wanted in action.when)


def ways(program: Program) -> Iterator[Way]:
    """Every way; the first is the one on which all conditions are met, whose stock and end are told."""
    names = list(program.conditions)
    for met in itertools.product((True, False), repeat=len(names)):
        yield Way(dict(zip(names, met, strict=True)))
