"""How high every well of an imported document stands, read in two ways.

The source counts commands, not liquid: where it draws more than is there, its robot draws air, and counts on. A
document counts as the source does (`counted_ul`, with what is short there from the start); `real_ul` is the same with
air as air, so that a well which overflows in both really does.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from drivers.core.units import parse
from protocols.ledger import TRASH, Contents, Item, Ledger, kind_of, volume_of
from protocols.program import Action
from protocols.wells import parse_wells

Well = tuple[str, str]  # labware, well
_LENT = "lent"
_VERBS = {
    "pick_up": "pick_up_tip", "drop": "drop_tip", "aspirate": "aspirate", "dispense": "dispense",
    "blow_out": "blow_out", "touch_tip": "touch_tip", "go_to": "move_to",
}  # fmt: skip


class Counted(Ledger):
    """The ledger that checks a protocol, but that wells hold any volume and lend what is short."""

    def __init__(self, wells: Iterable[Well]) -> None:
        super().__init__(dict.fromkeys(wells, _LENT))
        self.peak_ul: dict[Well, float] = {}

    def _pour(self, labware: str, item: Item, well: str, contents: Contents) -> None:
        if well not in item.wells or labware == TRASH:
            return
        for liquid, volume in contents.items():
            item.wells[well][liquid] = item.wells[well].get(liquid, 0.0) + volume
        place = (labware, well)
        self.peak_ul[place] = max(self.peak_ul.get(place, 0.0), volume_of(item.wells[well]))
        item.used.add(well)


class Real(Counted):
    """With air as air: a well that was given something lends nothing, and tips give the share of liquid they hold."""

    def __init__(self, wells: Iterable[Well]) -> None:
        super().__init__(wells)
        self._told_ul: dict[str, float] = {}  # mount -> what the robot counts in each tip

    def _require(self, labware: str, item: Item, well: str, volume_ul: float) -> None:
        if (labware, well) not in self.peak_ul:
            super()._require(labware, item, well, volume_ul)

    def _pick_up_tip(self, device: str, mount: str, labware: str, well: str, tips: int | None = None) -> None:
        super()._pick_up_tip(device, mount, labware, well, tips)
        self._told_ul[mount] = 0.0

    def _aspirate(self, device: str, mount: str, labware: str, well: str, volume_ul: float, **more: Any) -> None:
        super()._aspirate(device, mount, labware, well, volume_ul, **more)
        self._told_ul[mount] += volume_ul

    def _dispense(self, device: str, mount: str, labware: str, well: str, volume_ul: float, **_: Any) -> None:
        tip, wells = self._loaded(mount), self._reach(device, mount, labware, well)
        told = self._told_ul[mount]
        self._told_ul[mount] = max(0.0, told - volume_ul)
        share = min(1.0, volume_ul / told) if told else 1.0
        for name, contents in zip(wells, tip.contents, strict=True):
            given = {liquid: part * share for liquid, part in contents.items()}
            for liquid, part in given.items():
                contents[liquid] -= part
            self._pour(labware, self.items[labware], name, given)

    def _blow_out(self, device: str, mount: str, labware: str, well: str) -> None:
        super()._blow_out(device, mount, labware, well)
        self._told_ul[mount] = 0.0


LedgerT = TypeVar("LedgerT", bound=Counted)


def run(
    kind: Callable[[Iterable[Well]], LedgerT], document: Mapping[str, Any], filled: Mapping[Well, Mapping[str, float]]
) -> LedgerT:
    """The whole document in a ledger; `filled` are the volumes at the start (liquid -> uL)."""
    kinds = {name: kind_of(spec.get("type") or spec["definition"]) for name, spec in document["labware"].items()}
    ledger = kind([(name, well) for name, found in kinds.items() for well in found.wells])
    for action in _actions(document, filled):
        ledger.apply(action)
    return ledger


def _actions(document: Mapping[str, Any], filled: Mapping[Well, Mapping[str, float]]) -> Iterator[Action]:
    """The document's liquid handling as the ledger reads it; places do not matter to volumes."""
    for name, spec in document["labware"].items():
        args = {"labware": name, "kind": spec.get("type"), "site": name, "definition": spec.get("definition")}
        yield Action("", "", "", "place", args)
    for (labware, well), held in filled.items():
        for liquid, volume in held.items():
            pour = {"labware": labware, "liquid": liquid, "volumes_ul": {well: volume}, "species": {}}
            yield Action("", "", "", "fill", pour)
    for need in document["pipettes"].values():
        few = {"nozzles": 1} if need.get("single_nozzle") else {}
        yield Action("", "", "", "load_pipette", {"mount": need["mount"], "pipette": need["model"], **few})
    for step in document["steps"]:
        for move in step.get("moves", ()):
            mount = document["pipettes"][step["pipette"]]["mount"]
            where = parse_wells(move.get("well") or move.get("tip") or move.get("into") or f"{TRASH}/A1")
            at: dict[str, Any] = {"mount": mount, "labware": where.labware, "well": where.names[0]}
            if "tips" in move:
                at["tips"] = move["tips"]
            if "volume" in move:
                at["volume_ul"] = parse(move["volume"], "volume")
            yield Action("", "", "", _VERBS[move["act"]], at)
