"""How far pipetting errors carry: the whole program again, with every volume a distribution.

Monte Carlo propagation (JCGM 101:2008, GUM Supplement 1) through the very actions of the program: each pipette has
one bias for the run, each stroke its own scatter, both from the maker's figures (`drivers.core.accuracy`). The
samples are arrays, so that 1,000 trials cost about what one does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.core.accuracy import BIAS_SHARE_SD, pipetting
from drivers.core.labware import LabwareKind
from drivers.core.pipettes import Pipette, models
from protocols.ledger import TRASH, kind_of
from protocols.program import Action, Program

Samples = NDArray[np.float64]
TRIALS = 1000
_SEED = 20260101  # of the propagation itself: the same program gives the same uncertainty


@dataclass(slots=True)
class _Liquid:
    """Volume (uL) and amount of each species (mol), one entry a trial."""

    volume: Samples
    mol: dict[str, Samples] = field(default_factory=dict)

    def add(self, other: "_Liquid") -> None:
        self.volume = self.volume + other.volume
        for species, amount in other.mol.items():
            self.mol[species] = self.mol.get(species, 0.0) + amount

    def take(self, share: Samples) -> "_Liquid":
        taken = _Liquid(self.volume * share, {species: amount * share for species, amount in self.mol.items()})
        self.volume = self.volume - taken.volume
        self.mol = {species: amount - taken.mol[species] for species, amount in self.mol.items()}
        return taken


class Propagation:
    """The program's wells as distributions; `amounts(labware, well)` gives mol by CAS number, one entry a trial."""

    def __init__(self, program: Program) -> None:
        self._rng = np.random.default_rng(_SEED)
        self._kinds: dict[str, LabwareKind] = {name: kind_of(source) for name, source in program.labware.items()}
        self._wells: dict[tuple[str, str], _Liquid] = {}
        self._models: dict[str, Pipette] = {}
        self._exact: dict[str, str] = {}  # mount -> name of the exactness with the tip that is on it
        self._nozzles: dict[str, int] = {}
        self._bias: dict[str, Samples] = {}
        self._tips: dict[str, list[_Liquid]] = {}
        self._thought: dict[str, float] = {}
        verbs = {
            "fill": self._fill,
            "load_pipette": self._load,
            "pick_up_tip": self._pick_up,
            "aspirate": self._aspirate,
            "dispense": self._dispense,
            "blow_out": self._blow_out,
        }
        for action in program.actions:
            if action.verb in verbs:
                verbs[action.verb](action, action.args)

    def amounts(self, labware: str, well: str) -> Mapping[str, Samples]:
        """Amounts (mol) in a well at the end."""
        return self._well(labware, well).mol

    def volume_ul(self, labware: str, well: str) -> Samples:
        """Volume in a well at the end."""
        return self._well(labware, well).volume

    def _well(self, labware: str, well: str) -> _Liquid:
        return self._wells.setdefault((labware, well), _Liquid(np.zeros(TRIALS)))

    def _fill(self, _: Action, args: Mapping[str, Any]) -> None:
        for well, volume in args["volumes_ul"].items():
            mol = {cas: np.full(TRIALS, molar * volume * 1e-6) for cas, molar in args["species"].items()}
            self._well(args["labware"], well).add(_Liquid(np.full(TRIALS, float(volume)), mol))

    def _load(self, _: Action, args: Mapping[str, Any]) -> None:
        mount = args["mount"]
        self._models[mount] = models()[args["pipette"]]
        self._nozzles[mount] = args.get("nozzles") or self._models[mount].channels
        self._bias[mount] = np.clip(self._rng.normal(0.0, BIAS_SHARE_SD, TRIALS), -1.0, 1.0)

    def _pick_up(self, _: Action, args: Mapping[str, Any]) -> None:
        tips = args.get("tips") or self._nozzles[args["mount"]]
        self._tips[args["mount"]] = [_Liquid(np.zeros(TRIALS)) for _ in range(tips)]
        self._thought[args["mount"]] = 0.0
        holds_ul = self._kinds[args["labware"]].tip_capacity_ul
        self._exact[args["mount"]] = self._models[args["mount"]].exact(holds_ul)

    def _targets(self, args: Mapping[str, Any]) -> list[_Liquid]:
        if args["labware"] == TRASH:
            return [_Liquid(np.zeros(TRIALS)) for _ in self._tips[args["mount"]]]
        names = self._kinds[args["labware"]].covered(args["well"], len(self._tips[args["mount"]]))
        return [self._well(args["labware"], name) for name in names]

    def _actual(self, mount: str, volume_ul: float) -> Samples:
        systematic, scatter = pipetting(self._exact[mount], volume_ul)
        return volume_ul * (1 + systematic * self._bias[mount] + scatter * self._rng.normal(size=TRIALS))

    def _aspirate(self, _: Action, args: Mapping[str, Any]) -> None:
        mount, volume = args["mount"], args["volume_ul"]
        self._thought[mount] += volume
        for tip, well in zip(self._tips[mount], self._targets(args), strict=True):
            there = np.maximum(well.volume, 1e-12)
            tip.add(well.take(np.clip(self._actual(mount, volume) / there, 0.0, 1.0)))

    def _dispense(self, _: Action, args: Mapping[str, Any]) -> None:
        self._give(args, args["volume_ul"])

    def _blow_out(self, _: Action, args: Mapping[str, Any]) -> None:
        self._give(args, self._thought[args["mount"]])

    def _give(self, args: Mapping[str, Any], volume: float) -> None:
        """A share of what the tips hold; the last share gives all."""
        mount, thought = args["mount"], self._thought[args["mount"]]
        last = volume >= thought - 1e-6
        self._thought[mount] = 0.0 if last else thought - volume
        for tip, well in zip(self._tips[mount], self._targets(args), strict=True):
            share = np.ones(TRIALS) if last else np.clip(self._actual(mount, volume) / thought, 0.0, 1.0)
            well.add(tip.take(share))
