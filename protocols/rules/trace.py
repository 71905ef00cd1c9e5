"""What happens in a run that rules look at: liquids that meet, what gets warm, what goes to waste. Pure.

The belief of `protocols.ledger` is folded once more, and what each action is about to do is told before it is done.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from protocols.ledger import TOLERANCE_UL, TRASH, Ledger, volume_of
from protocols.program import Action

Liquids = frozenset[str]
Event = TypeVar("Event", "Met", "Warmed", "Drawn", "Soiled")
_NOTHING: Liquids = frozenset()


@dataclass(frozen=True, slots=True)
class Met:
    """Liquids `a` come to liquids `b`, at a place such as `plate/A1`, `a tip` or `the waste`."""

    step: str
    where: str
    a: Liquids
    b: Liquids


@dataclass(frozen=True, slots=True)
class Warmed:
    """Labware that is brought to a temperature, with what it holds then."""

    step: str
    labware: str
    temperature_c: float
    sealed: bool
    liquids: Liquids


@dataclass(frozen=True, slots=True)
class Drawn:
    """Liquid is drawn from a well in which `left_ul` stay, below the `dead_ul` that a tip needs to be wet."""

    step: str
    where: str
    left_ul: float
    dead_ul: float


@dataclass(frozen=True, slots=True)
class Soiled:
    """A tip that touched `liquids` goes into a stock of `stock` alone."""

    step: str
    where: str
    stock: str
    liquids: Liquids


@dataclass(frozen=True, slots=True)
class Trace:
    """What happens on one way through a protocol."""

    met: tuple[Met, ...]
    warmed: tuple[Warmed, ...]
    drawn: tuple[Drawn, ...]
    soiled: tuple[Soiled, ...]
    wasted: Mapping[str, str]  # liquid -> step in which some of it first went to waste
    waste_ul: float
    ends_with: Mapping[str, str]  # liquid -> a labware that holds some of it at the end
    sealed: Mapping[str, frozenset[str]]  # step -> labware that was sealed before it


def trace(actions: Iterable[Action], warm: Mapping[str, float], stocks: Mapping[tuple[str, str], str]) -> Trace:
    """What happens in these actions.

    `warm`: steps whose labware a person takes to a temperature (degC), by step; `stocks`: wells that hold one
    declared material at the start.
    """
    return _Tracer(warm, stocks).run(actions)


@dataclass(slots=True)
class _Tracer:
    warm: Mapping[str, float]
    stocks: Mapping[tuple[str, str], str]
    ledger: Ledger = field(default_factory=Ledger)
    met: list[Met] = field(default_factory=list)
    warmed: list[Warmed] = field(default_factory=list)
    drawn: list[Drawn] = field(default_factory=list)
    soiled: list[Soiled] = field(default_factory=list)
    wasted: dict[str, str] = field(default_factory=dict)
    sealed: dict[str, frozenset[str]] = field(default_factory=dict)
    chambers: dict[str, float] = field(default_factory=dict)  # device -> temperature it was set to
    touched: dict[str, Liquids] = field(default_factory=dict)  # mount -> what its tip has touched
    returned: dict[tuple[str, str], Liquids] = field(default_factory=dict)  # rack, well -> what the tip there touched
    seen: set[tuple[object, ...]] = field(default_factory=set)

    def run(self, actions: Iterable[Action]) -> Trace:
        before: dict[str, Callable[[Action], None]] = {
            "aspirate": self._aspirate, "dispense": self._dispense, "drop_tip": self._drop, "fill": self._fill,
            "set_temperature": self._heat, "heat": self._heat, "run_program": self._fire, "confirm": self._taken,
            "withdraw": self._withdraw, "infuse": self._infuse, "blow_out": self._dispense,
            "pick_up_tip": self._pick_up,
            "move_labware": self._enter, "run_profile": self._cycle,
        }  # fmt: skip
        for action in actions:
            if action.step not in self.sealed:
                items = self.ledger.items.items()
                self.sealed[action.step] = frozenset(name for name, item in items if item.sealed)
            look = before.get(action.verb)
            if look is not None:
                look(action)
            self.ledger.apply(action)
        trash = volume_of(self.ledger.items[TRASH].wells["A1"])
        return Trace(
            tuple(self.met), tuple(self.warmed), tuple(self.drawn), tuple(self.soiled), self.wasted,
            self.ledger.waste_ul + trash, dict(self._left()), self.sealed,
        )  # fmt: skip

    def _left(self) -> Iterator[tuple[str, str]]:
        for name, item in self.ledger.items.items():
            for contents in item.wells.values():
                for liquid, volume in contents.items():
                    if name != TRASH and volume > TOLERANCE_UL:
                        yield liquid, name

    def _wells(self, action: Action) -> list[tuple[str, Liquids, float]]:
        """The wells that a pipette is over, with what they hold; none where the belief does not allow the action."""
        item = self.ledger.items.get(action.args["labware"])
        mounted = self.ledger.mounts.get(action.args["mount"])
        if item is None or mounted is None or action.args["well"] not in item.kind.wells:
            return []
        covered = item.kind.covered(action.args["well"], action.args.get("tips") or mounted.in_use)
        return [(well, _liquids(item.wells.get(well, {})), volume_of(item.wells.get(well, {}))) for well in covered]

    def _in_tips(self, action: Action) -> list[Liquids]:
        mounted = self.ledger.mounts.get(action.args["mount"])
        return [_liquids(contents) for contents in mounted.tip.contents] if mounted and mounted.tip else []

    def _aspirate(self, action: Action) -> None:
        mount, labware = action.args["mount"], action.args["labware"]
        tips = self._in_tips(action)
        for (well, there, held_ul), inside in zip(self._wells(action), tips, strict=False):
            self._meet(action.step, "a tip", inside, there)
            stock = self.stocks.get((labware, well))
            dirt = self.touched.get(mount, _NOTHING) - there
            if stock is not None and there == {stock} and dirt:
                self._once(self.soiled, Soiled(action.step, f"{labware}/{well}", stock, dirt), labware)
            shape = self.ledger.items[labware].kind.wells[well]
            dead_ul = shape.area_mm2 * action.args.get("height_mm", 1.0)
            left_ul = held_ul - action.args["volume_ul"]
            if dead_ul > TOLERANCE_UL and -TOLERANCE_UL <= left_ul < dead_ul * _WET:
                self._once(self.drawn, Drawn(action.step, f"{labware}/{well}", max(left_ul, 0.0), dead_ul), labware)
            self.touched[mount] = self.touched.get(mount, _NOTHING) | there

    def _dispense(self, action: Action) -> None:
        mount, labware = action.args["mount"], action.args["labware"]
        for (well, there, _), inside in zip(self._wells(action), self._in_tips(action), strict=False):
            if labware == TRASH:
                self._waste(action.step, inside)
                continue
            self._meet(action.step, f"{labware}/{well}", inside, there)
            self.touched[mount] = self.touched.get(mount, _NOTHING) | there

    def _withdraw(self, action: Action) -> None:
        """A syringe is not washed between: what it touched meets what comes."""
        there, held = self._in_well(action), _liquids(self.ledger.syringes.get(action.device, {}))
        touched = self.touched.get(action.device, _NOTHING)
        self._meet(action.step, f"the syringe of {action.device}", held | touched, there)
        self.touched[action.device] = touched | there

    def _infuse(self, action: Action) -> None:
        where = f"{action.args['labware']}/{action.args['well']}"
        self._meet(action.step, where, self.touched.get(action.device, _NOTHING), self._in_well(action))

    def _in_well(self, action: Action) -> Liquids:
        item = self.ledger.items.get(action.args["labware"])
        return _liquids(item.wells.get(action.args["well"], {})) if item is not None else _NOTHING

    def _pick_up(self, action: Action) -> None:
        for well, _, _ in self._wells(action):
            dirt = self.returned.pop((action.args["labware"], well), _NOTHING)
            if dirt:
                self.touched[action.args["mount"]] = self.touched.get(action.args["mount"], _NOTHING) | dirt

    def _drop(self, action: Action) -> None:
        dirt = self.touched.pop(action.args["mount"], _NOTHING)
        if action.args["labware"] != TRASH:
            self.returned.update({(action.args["labware"], well): dirt for well, _, _ in self._wells(action)})
        for inside in self._in_tips(action):
            self._waste(action.step, inside)

    def _waste(self, step: str, inside: Liquids) -> None:
        self._meet(step, "the waste", inside, frozenset(self.wasted))
        for liquid in inside:
            self.wasted.setdefault(liquid, step)

    def _fill(self, action: Action) -> None:
        item = self.ledger.items.get(action.args["labware"])
        for well in action.args["volumes_ul"] if item is not None else ():
            there = _liquids(item.wells.get(well, {})) if item is not None else _NOTHING
            self._meet(action.step, f"{action.args['labware']}/{well}", frozenset({action.args["liquid"]}), there)

    def _heat(self, action: Action) -> None:
        """Whatever stands on the device that is set to a temperature."""
        self.chambers[action.device] = action.args["temperature_c"]
        self._all_on(action, action.args["temperature_c"])

    def _all_on(self, action: Action, temperature_c: float) -> None:
        for name, item in self.ledger.items.items():
            if item.site is not None and item.site.partition(".")[0] == action.device:
                self._warm(action.step, name, temperature_c)

    def _cycle(self, action: Action) -> None:
        """What stands in a thermocycler comes to the highest of its temperatures."""
        hottest_c = max(at_c for cycle in action.args["cycles"] for at_c, _ in cycle["holds"])
        self._all_on(action, hottest_c)

    def _enter(self, action: Action) -> None:
        """Labware that an incubator takes in comes to its temperature."""
        if action.device in self.chambers and action.args["labware"] in self.ledger.items:
            self._warm(action.step, action.args["labware"], self.chambers[action.device])

    def _fire(self, action: Action) -> None:
        """What stands in a furnace comes to the highest temperature of its program."""
        hottest_c = max(segment["temperature_c"] for segment in action.args["segments"])
        for name, item in self.ledger.items.items():
            if item.site is not None and item.site.partition(".")[0] == action.device:
                self._warm(action.step, name, hottest_c)

    def _taken(self, action: Action) -> None:
        """Labware that a person takes to a device of their own."""
        for name in self.ledger.items if action.step in self.warm else ():
            if f" {name} " in f" {action.args['message']} ":
                self._warm(action.step, name, self.warm[action.step])

    def _warm(self, step: str, labware: str, temperature_c: float) -> None:
        item = self.ledger.items[labware]
        liquids = frozenset(liquid for contents in item.wells.values() for liquid in _liquids(contents))
        self._once(self.warmed, Warmed(step, labware, temperature_c, item.sealed, liquids), labware)

    def _meet(self, step: str, where: str, a: Liquids, b: Liquids) -> None:
        """Told once for the same liquids in one step: hundreds of wells say the same."""
        if a and b and a != b and (step, where.partition("/")[0], a, b) not in self.seen:
            self.seen.add((step, where.partition("/")[0], a, b))
            self.met.append(Met(step, where, a, b))

    def _once(self, told: list[Event], event: Event, where: str) -> None:
        if (type(event), event.step, where) not in self.seen:
            self.seen.add((type(event), event.step, where))
            told.append(event)


#: Share of the dead volume that must stay, or the tip draws air. Ours.
_WET = 0.5


def _liquids(contents: Mapping[str, float]) -> Liquids:
    return frozenset(liquid for liquid, volume in contents.items() if volume > TOLERANCE_UL)
