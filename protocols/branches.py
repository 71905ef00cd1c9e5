"""Steps that are done only when a reading says so: what both ways through an `if` must have in common.

Which way is taken is known only when the run is there. So each way ends as it began: labware goes back to where it
stood, trays to how they were, and no tip is taken up in one way only. What comes after need not know.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from protocols.conditions import Condition, Guard
from protocols.drafts import Draft
from protocols.flow import Guard as Mark
from protocols.layout import Layout
from protocols.model import If
from protocols.parse import Source
from protocols.pipetting import LiquidSteps
from protocols.problems import Problem, ProtocolError


def condition_of(part: If) -> Condition:
    """What an `if` step compares."""
    quantity = part.quantity if part.at is None else f"absorbance_{part.at:g}nm"
    wells = None if part.wells is None else part.wells.names
    return Condition(part.reading, quantity, wells, part.above, part.below)


@dataclass(frozen=True, slots=True)
class _Before:
    """How things were where a way began."""

    where: dict[str, str]
    trays: dict[str, bool]
    carrying: set[str]


class Branches:
    """Follows the ways while steps are bound one by one."""

    def __init__(self, source: Source, layout: Layout, pipetting: LiquidSteps) -> None:
        self.source, self.layout, self.pipetting = source, layout, pipetting
        self._open: list[tuple[Mark, _Before]] = []

    def check(self) -> None:
        """Every condition looks at a step that has read before; raises `ProtocolError`."""
        place = {step.id: number for number, step in enumerate(self.source.steps)}
        problems = []
        for name, part in self.source.conditions.items():
            inside = [step.id for step in self.source.steps
                      if any(mark.condition == name for mark in self.source.frames[step.id].when)]  # fmt: skip
            if part.reading in self.source.gaps.readings:
                continue
            read = self.source.steps[place[part.reading]] if part.reading in place else None
            if read is None or read.do != "measure" or (inside and place[part.reading] > place[inside[0]]):
                message = f"the condition looks at '{part.reading}', which is no measure step before it"
                known = ", ".join(step.id for step in self.source.steps if step.do == "measure") or "none"
                problems.append(Problem("FLOW-008", name, message, f"Measure steps: {known}."))
                continue
            frame = self.source.frames[read.id].when
            if inside and self.source.frames[inside[0]].when[: len(frame)] != frame:
                message = f"'{part.reading}' is itself done only on a condition; here nobody can tell what it read"
                problems.append(Problem("FLOW-008", name, message, "Put this `if` into the same branch."))
        if problems:
            raise ProtocolError(problems)

    def enter(self, when: Sequence[Mark]) -> None:
        """The next step has these marks: end the ways that it is not in, begin those that it is in."""
        marks = [mark for mark, _ in self._open]
        same = next((n for n, pair in enumerate(zip(marks, when, strict=False)) if pair[0] != pair[1]),
                    min(len(marks), len(when)))  # fmt: skip
        while len(self._open) > same:
            self._leave()
        for mark in when[same:]:
            layout = self.layout
            before = _Before(dict(layout.where), dict(layout.tray_open), set(self.pipetting.carrying))
            self._open.append((mark, before))

    def marked(self, draft: Draft, when: Sequence[Mark]) -> Draft:
        """The draft with its conditions."""
        guards: tuple[Guard, ...] = tuple((mark.condition, mark.wanted) for mark in when)
        return replace(draft, when=guards, awaits=tuple(self.source.conditions[name].reading for name, _ in guards))

    def _leave(self) -> None:
        """Bring everything back to how it was; these actions are of the way that ends."""
        when = [mark for mark, _ in self._open]
        mark, before = self._open.pop()
        if self.pipetting.carrying != before.carrying:
            self.pipetting.carrying = set(before.carrying)
            message = f"one way through '{mark.condition}' ends with a tip on, or without the one it began with"
            raise ProtocolError(
                [Problem("FLOW-007", mark.condition, message, "Take and drop tips in the same branch.")]
            )
        begun = len(self.layout.drafts)
        for labware, site in before.where.items():
            if self.layout.where[labware] != site:
                self.layout.move(mark.condition, labware, site, by_person=site.startswith("bench."))
        for device, was_open in before.trays.items():
            if not was_open:
                self.layout.close_tray(mark.condition, device)
        for device in [name for name, is_open in self.layout.tray_open.items() if is_open]:
            if not before.trays.get(device):
                self.layout.close_tray(mark.condition, device)
        lane = self.layout.drafts[begun - 1].lane if begun else ()
        back = [self.marked(replace(draft, lane=lane), when) for draft in self.layout.drafts[begun:]]
        self.layout.drafts[begun:] = back
