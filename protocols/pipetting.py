"""Liquid steps on one liquid handler: which pipette, which tip, and each single command."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from drivers.core.labware import LabwareKind
from drivers.core.pipettes import Pipette, Pipetting, Tips
from protocols import model as m
from protocols import moves
from protocols.drafts import Draft
from protocols.labview import LabView
from protocols.layout import Layout
from protocols.ledger import TRASH
from protocols.problems import Problem, ProtocolError
from protocols.tips import TipStore, tip_volume
from protocols.unroll import largest_volume, unroll
from protocols.wells import Wells

_VERBS = {"go_to": "move_to"}  # where a verb is not called as the move
#: Commands of one program at most: days of work for a liquid handler, and what is checked in a minute. Ours.
MAX_COMMANDS = 100_000
AddLabware = Callable[[str, str | Mapping[str, Any], str | None, bool], None]
#: Of a lab without a liquid handler.
NONE = Pipetting({})


class LiquidSteps:
    """Binds liquid steps; remembers which pipettes hang where and which tips are used."""

    def __init__(
        self,
        protocol: m.Protocol,
        lab: LabView,
        layout: Layout,
        kinds: Mapping[str, LabwareKind],
        add: AddLabware,
    ) -> None:
        self.protocol, self.lab, self.layout, self.kinds, self._add = protocol, lab, layout, kinds, add
        self.able = lab.pipetting or NONE
        self.mounts: dict[str, Pipette] = {}  # those the program uses
        self.nozzles: dict[str, int] = {}
        self.carrying: set[str] = set()  # mounts with a tip on
        self.tips = TipStore()
        self.first_sites: dict[str, str] = dict(layout.home)
        for name, found in kinds.items():
            if found.is_tip_rack:
                self.tips.add(name, found)
        for need in protocol.pipettes.values():
            self._mount(need.mount, self._model(need.model), 1 if need.single_nozzle else None)

    @property
    def attached(self) -> dict[str, Pipette]:
        """Pipettes that a person must hang up first: mount -> model."""
        return {mount: model for mount, model in self.mounts.items() if self.lab.mounts.get(mount) != model.name}

    def loaded(self) -> Iterator[tuple[str, Pipette, dict[str, int]]]:
        """Mount, model, and the number of nozzles where not all are used."""
        for mount, model in self.mounts.items():
            few = self.nozzles[mount] != model.channels
            yield mount, model, {"nozzles": self.nozzles[mount]} if few else {}

    def step(self, step: Any) -> None:
        """Add the commands of one liquid step; raises `ProtocolError` when there are more than `MAX_COMMANDS`."""
        mount = self._choose(step)
        pipette = self.mounts[mount]
        self.fitting = pipette.tips_for(largest_volume(step))
        for cycle in unroll(step, tip_volume(pipette, largest_volume(step))):
            if len(self.layout.drafts) > MAX_COMMANDS:
                message = f"the protocol comes to more than {MAX_COMMANDS:,} commands"
                raise ProtocolError([Problem("FLOW-009", step.id, message, "Make several runs of it.")])
            for move in cycle:
                self._move(step.id, mount, pipette, move)

    # Pipettes

    def _model(self, name: str) -> Pipette:
        if name not in self.able.models:
            raise ProtocolError(
                [
                    Problem(
                        "PIP-003",
                        "setup",
                        f"no pipette '{name}' goes on {self.layout.handler}",
                        f"Known: {', '.join(self.able.models)}.",
                    )
                ]
            )
        return self.able.models[name]

    def _mount(self, mount: str, model: Pipette, nozzles: int | None = None) -> str:
        self.mounts[mount] = model
        self.nozzles[mount] = nozzles or model.channels
        return mount

    def _choose(self, step: Any) -> str:
        """The mount for a step: the pipette it names, else the best that hangs there, else one to be hung up."""
        if isinstance(step, m.PipetteStep) and step.pipette is not None:
            need = self.protocol.pipettes.get(step.pipette)
            if need is None:
                known = ", ".join(self.protocol.pipettes) or "none"
                raise ProtocolError(
                    [Problem("PIP-004", step.id, f"there is no pipette '{step.pipette}'", f"Declared: {known}.")]
                )
            return need.mount
        if isinstance(step, m.PipetteStep) and not isinstance(step.moves[0], moves.PickUp) and len(self.carrying) == 1:
            return next(iter(self.carrying))  # it goes on with the tip of a step before
        volume = largest_volume(step)
        hanging = {mount: self._model(name) for mount, name in self.lab.mounts.items()} | self.mounts
        fits = [
            (model.max_ul, mount) for mount, model in hanging.items()
            if model.channels == step.channels and (model.min_ul <= volume or not volume)
        ]  # fmt: skip
        if fits:
            enough = [fit for fit in fits if fit[0] >= volume]
            mount = min(enough)[1] if enough else max(fits)[1]
            return mount if mount in self.mounts else self._mount(mount, hanging[mount])
        return self._hang_up(step, volume)

    def _hang_up(self, step: Any, volume: float) -> str:
        free = [mount for mount in self.able.mounts if mount not in self.mounts]
        spare = [self.able.models[name] for name in self.able.spare]
        models = [p for p in spare if p.channels == step.channels and p.min_ul <= volume]
        if not free or not models:
            have = ", ".join(f"{p.name} ({mount})" for mount, p in self.mounts.items()) or "none"
            message = f"no pipette with {step.channels} nozzles for {volume:g} uL"
            raise ProtocolError(
                [Problem("PIP-002", step.id, message, f"In use: {have}. Change the volume or the channels.")]
            )
        enough = [p for p in models if p.max_ul >= volume]
        model = min(enough, key=lambda p: p.max_ul) if enough else max(models, key=lambda p: p.max_ul)
        return self._mount(free[0], model)

    # Moves

    def _move(self, step: str, mount: str, pipette: Pipette, move: Any) -> None:
        if isinstance(move, moves.PickUp):
            self._pick_up(step, mount, pipette, move)
            self.carrying.add(mount)
        elif isinstance(move, moves.DropTip):
            self.carrying.discard(mount)
            into = move.into or Wells(TRASH, ("A1",))
            self._emit(step, mount, "drop_tip", into, {})
        elif isinstance(move, moves.MixMove):
            extra = {"volume_ul": move.volume, "height_mm": move.height} | (
                {"rate_ul_s": move.rate} if move.rate else {}
            )
            for _ in range(move.times):
                self._emit(step, mount, "aspirate", move.well, extra)
                self._emit(step, mount, "dispense", move.well, extra)
        else:
            extra = {}
            if isinstance(move, moves.Aspirate | moves.Dispense):
                extra = {"volume_ul": move.volume} | ({"rate_ul_s": move.rate} if move.rate else {})
            if isinstance(move, moves.Aspirate | moves.Dispense | moves.GoTo) and move.height != 1.0:
                extra["height_mm"] = move.height
            self._emit(step, mount, _VERBS.get(move.act, move.act), move.well, extra)

    def _pick_up(self, step: str, mount: str, pipette: Pipette, move: moves.PickUp) -> None:
        nozzles = self.nozzles[mount]
        if move.tip is not None:
            self.tips.take(move.tip.labware, move.tip.names[0], move.tips or nozzles)
            self._emit(step, mount, "pick_up_tip", move.tip, {"tips": move.tips} if move.tips else {})
            return
        found = self.tips.next(self.fitting, nozzles)
        if found is None:
            self._add_rack(self.fitting[0])
            found = self.tips.next(self.fitting, nozzles)
        if found is None:
            raise ProtocolError(
                [Problem("TIP-002", step, f"no rack of the lab fits {nozzles} nozzles of {pipette.name}")]
            )
        self._emit(step, mount, "pick_up_tip", Wells(found[0], (found[1],)), {})

    def _add_rack(self, tips: Tips) -> None:
        rack = tips.rack
        name = next(n for i in range(1, 100) if (n := rack if i == 1 else f"{rack}_{i}") not in self.kinds)
        self._add(name, tips.definition() if tips.definition else rack, None, False)
        self.tips.add(name, self.kinds[name])
        self.first_sites[name] = self.layout.home[name]

    def _emit(self, step: str, mount: str, verb: str, where: Wells, extra: Mapping[str, Any]) -> None:
        labware, well = where.labware, where.names[0]
        if labware != TRASH:
            if labware not in self.kinds:
                known = ", ".join(self.kinds) or "none"
                raise ProtocolError(
                    [Problem("LAB-001", step, f"there is no labware '{labware}'", f"Declared: {known}.")]
                )
            self.layout.on_deck(step, labware)
        args = {"mount": mount, "labware": labware, "well": well, **extra}
        self.layout.drafts.append(Draft(step, self.layout.handler, verb, args, (labware,)))
