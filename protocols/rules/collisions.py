"""A rule about what stands in an arm's way: boxes of the lab, and labware on the sites. Pure; how light it is, says
`drivers.core.motion`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers.core.labware import LabwareKind
from drivers.core.motion import Box, Hit, Motion, first_hit
from drivers.core.timing import CannotDo
from protocols.holds import arrives, leaves
from protocols.labview import LabView
from protocols.ledger import kind_of
from protocols.program import Action, ways
from protocols.rules.rule import Case, Finding, Rule


def _collisions(case: Case) -> Iterator[Finding]:
    lab, kinds = case.lab, {name: kind_of(told) for name, told in case.program.labware.items()}
    arms = [device for device in case.program.devices if lab.roles.get(device) == "PlateMover"]
    if lab.motions is None or not arms:
        return
    known: dict[object, tuple[Hit | None, Any]] = {}
    for way in ways(case.program):
        walk = _Walk(lab, kinds, {name: moved for name, moved in lab.motions(arms).items() if moved is not None}, known)
        for action in filter(way, case.program.actions):
            yield from walk.step(action)


@dataclass(slots=True)
class _Walk:
    """Follows the labware over the sites, and looks at each move of an arm."""

    lab: LabView
    kinds: Mapping[str, LabwareKind]
    motions: dict[str, Motion]
    known: dict[object, tuple[Hit | None, Any]]  # what came of a move that was alike, and where the arm stood then
    standing: dict[str, str] = field(default_factory=dict)  # site -> labware

    def step(self, action: Action) -> Iterator[Finding]:
        """One action: a finding where an arm that makes it would hit something."""
        motion = self.motions.get(action.device)
        if motion is not None and action.verb == "move_labware":
            hit = self._move(action, motion)
            if hit is not None:
                message = f"{action.device}, {hit.leg} ({action.args['labware']}), hits {hit.box} with its {hit.part}"
                yield Finding(action.step, message, _HINT)
        if (left := leaves(action)) is not None:
            self.standing.pop(left, None)
        if (came := arrives(action)) is not None:
            self.standing[came] = action.args["labware"]

    def _move(self, action: Action, motion: Motion) -> Hit | None:
        source, destination = action.args["source"], action.args["destination"]
        size = _size(self.kinds[action.args["labware"]])
        boxes = self._boxes(action.device, motion, {source, destination})
        key = action.device, motion.stands, source, destination, size, tuple(boxes)
        if key not in self.known:
            try:
                self.known[key] = first_hit(motion.move(source, destination, size), boxes), motion.stands
            except CannotDo:  # that is told by another rule
                self.known[key] = None, motion.stands
        hit, motion.stands = self.known[key]
        return hit

    def _boxes(self, arm: str, motion: Motion, used: set[str]) -> list[Box]:
        """What stands round an arm: the lab's boxes, and the labware on all other sites whose place is known."""
        places = self.lab.places.get(arm, {})
        found = list(self.lab.boxes.get(arm, ()))
        for site, labware in sorted(self.standing.items()):
            if site in places and site not in used and labware in self.kinds:
                x, y, z, yaw_deg = places[site]
                size = _size(self.kinds[labware])
                found.append(Box(f"{labware} on {site}", (x, y, z - motion.grip_mm), size, yaw_deg))
        return found


def _size(kind: LabwareKind) -> tuple[float, float, float]:
    told = kind.definition["dimensions"]
    return float(told["xDimension"]), float(told["yDimension"]), float(told["zDimension"])


_HINT = ("Move that away before, choose another site, or let a person carry it (`by: person`); where nothing is in the "
         "way, mend [boxes] or [sites] of lab.toml.")  # fmt: skip
RULES = (
    Rule("COLL-001", "An arm that would hit something", "block",
         "ours: capsules and boxes, by the arm's link lengths (its driver's package) and [boxes], [decks] of lab.toml",
         _collisions),
)  # fmt: skip
