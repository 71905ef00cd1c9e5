"""Who may do what: Cedar policies over the principal, the verb and the facts; whatever nothing permits is denied."""

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import cedarpy

from api.identity.principal import HAZARDS, Principal
from api.permission.verbs import VERBS

_ROOM = 8192


class BadPolicies(Exception):
    """The lab's own policies cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something is allowed, and which policies say so: ids of `permit`s, or of `forbid`s, in their order."""

    allowed: bool
    policies: tuple[str, ...]
    reason: str


class Permission:
    """The policies of one lab, parsed and held against the schema once. Decisions are pure, and remembered."""

    def __init__(self, lab: str, own: str = "") -> None:
        """`own` is the text of a lab's own policies, which may only forbid; raises `BadPolicies`."""
        text = _text("policies.cedar")
        if own:
            _only_forbids(own)
            text = f"{text}\n{own}"
        schema = _text("schema.cedarschema")
        checked = cedarpy.validate_policies(text, schema)
        if not checked.validation_passed:
            raise BadPolicies("; ".join(error.error for error in checked.errors))
        self.hash = hashlib.sha256(text.encode()).hexdigest()
        self._lab = lab
        self._policies = cedarpy.PolicySet.from_str(text)
        self._notes = _notes(text)
        self._schema = cedarpy.Schema.from_str(schema)
        self._decide = functools.lru_cache(_ROOM)(self._ask)

    def decide(self, who: Principal, verb: str, **facts: Any) -> Verdict:
        """Whether `who` may do `verb`, given the facts that its policies look at (`verbs.VERBS`) and the world.

        A fact that is missing makes the verdict no: Cedar denies what it cannot decide.
        """
        needs = f"approve:{facts.pop('level')}" if verb == "approve" else VERBS[verb].needs
        return self._decide(
            who.kind, who.name, tuple(sorted(who.may)), HAZARDS.index(who.hazard_ceiling), verb, needs,
            tuple(sorted(facts.items())),
        )  # fmt: skip

    def _ask(
        self, kind: str, name: str, may: tuple[str, ...], ceiling: int, verb: str, needs: str,
        facts: tuple[tuple[str, Any], ...],
    ) -> Verdict:  # fmt: skip
        entity = {"type": kind.capitalize(), "id": name}
        place = {"type": "Lab", "id": self._lab}
        request = {
            "principal": f"{entity['type']}::{json.dumps(name)}",
            "action": f'Action::"{verb}"',
            "resource": f"Lab::{json.dumps(self._lab)}",
            "context": {"needs": needs, **dict(facts)},
        }
        entities: list[dict[str, Any]] = [
            {"uid": entity, "attrs": {"may": list(may), "hazard_ceiling": ceiling}, "parents": []},
            {"uid": place, "attrs": {}, "parents": []},
        ]
        told = cedarpy.is_authorized(request, self._policies, entities, schema=self._schema)
        reasons = tuple(sorted(told.diagnostics.reasons, key=_number))
        if told.allowed:
            return Verdict(True, reasons, f"{name} may {verb}")
        if told.diagnostics.errors:
            return Verdict(False, reasons, f"it cannot be decided: {told.diagnostics.errors[0]}")
        why = " ".join(self._notes.get(policy, "") for policy in reasons)
        return Verdict(False, reasons, why or f"{name} has no '{needs}' in lab.toml, or not by this token")


def _text(name: str) -> str:
    return files("api.permission").joinpath(name).read_text("utf-8")


def _only_forbids(own: str) -> None:
    try:
        parsed: Mapping[str, Any] = json.loads(cedarpy.policies_to_json_str(own))
    except ValueError as error:
        raise BadPolicies(f"[policy] cedar cannot be read: {error}") from error
    if parsed.get("templates") or any(p["effect"] != "forbid" for p in parsed["staticPolicies"].values()):
        raise BadPolicies("[policy] cedar may only forbid: a lab's own policies tighten, and never widen")


def _notes(text: str) -> dict[str, str]:
    """The comment above each policy, by the id that Cedar gives it: `policy0`, `policy1`, in the order of the text."""
    notes: dict[str, str] = {}
    comment: list[str] = []
    for line in text.splitlines():
        if line.startswith("//"):
            comment.append(line.removeprefix("//").strip())
        elif line.startswith(("permit", "forbid")):
            notes[f"policy{len(notes)}"] = " ".join(comment)
            comment = []
        elif not line.strip():
            comment = []
    return notes


def _number(policy: str) -> int:
    return int("".join(filter(str.isdigit, policy)) or 0)
