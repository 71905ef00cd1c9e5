"""From a protocol to a program for one lab: devices, deck, tips, fills and moves that the author need not say."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from drivers.core.labware import COMMON_KINDS, LabwareKind, UnknownLabware
from drivers.core.vessels import VESSELS
from protocols import model as m
from protocols.bench import BenchSteps
from protocols.branches import Branches, condition_of
from protocols.calls import bind_call
from protocols.drafts import Draft, sequence
from protocols.flow import Frame
from protocols.holds import holds
from protocols.labview import LabView
from protocols.layout import OFF, Layout
from protocols.ledger import TRASH, kind_of
from protocols.limits import limits, reserve
from protocols.measuring import ReadSteps
from protocols.parse import Source
from protocols.pipetting import MAX_COMMANDS, LiquidSteps
from protocols.problems import Problem, ProtocolError
from protocols.program import CLOCK, Limit, Program
from protocols.setup import fills, species_of_all
from protocols.wells import AddressError, parse_wells

_ALONE = Frame("")
KINDS = (
    f"`type` is one of {', '.join([*COMMON_KINDS, *VESSELS])}, or an Opentrons load name; `definition` is for labware "
    "of your own, in Opentrons' schema 2."
)
_DEVICES = {"seal": "Sealer", "peel": "Peeler", "centrifuge": "Centrifuge", "thermocycle": "Thermocycler"}


@dataclass(frozen=True, slots=True)
class Bound:
    """The program of a protocol, of those steps that can be bound; why the others (`unbound`) cannot."""

    program: Program | None
    problems: tuple[Problem, ...] = ()
    unbound: frozenset[str] = frozenset()


def bind(source: Source, lab: LabView, *, clear: bool = False) -> Bound:
    """The program of a protocol on a lab; none where nothing of it can be bound.

    With `clear` a person takes all labware out of the lab as soon as it is no longer needed, so that others can run.
    """
    try:
        binder = _Binder(source, lab, clear)
    except ProtocolError as error:
        return Bound(None, error.problems)
    try:
        program = binder.program()
    except ProtocolError as error:
        return Bound(None, (*binder.problems, *error.problems))
    return Bound(program, tuple(binder.problems), frozenset(binder.unbound))


class _Binder:
    def __init__(self, source: Source, lab: LabView, clear: bool) -> None:
        self.clear = clear
        self.source, self.protocol, self.lab = source, source.protocol, lab
        self.problems: list[Problem] = []
        self.unbound: set[str] = set()  # steps
        self.drafts: list[Draft] = []
        self.kinds: dict[str, LabwareKind] = {}
        self.sources: dict[str, Any] = {}  # labware -> kind name or carried definition
        self.operator = self._device("Operator", "setup")
        self.handler = self.lab.first("LiquidHandler") or ""
        self.layout = Layout(lab, self.handler, self.operator, self.drafts)
        self._steps: dict[type, Callable[[Any], None]] = {
            m.PipetteStep: self._pipette, m.Transfer: self._pipette, m.SerialDilute: self._pipette,
            m.Mix: self._pipette, m.Shake: self._shake, m.MoveLabware: self._move,
            m.Wait: self._wait, m.OperatorStep: self._operator_step,
            m.Seal: self._seal, m.Distribute: self._pipette, m.Incubate: self._incubate,
            m.Centrifuge: self._centrifuge, m.Thermocycle: self._thermocycle, m.Lid: self._lid,
            m.Call: lambda step: bind_call(step, self.lab, self.layout),
        }  # fmt: skip

    def program(self) -> Program:
        """Bind every step that can be, then write the set-up that they need."""
        self._guard("setup", self._declare_labware)
        self.pipetting = LiquidSteps(self.protocol, self.lab, self.layout, self.kinds, self._add_labware)
        self.species = species_of_all(self._materials(), self.source.steps)
        self.bench = BenchSteps(self.lab, self.layout, self.kinds, self.species, self._device, self._known)
        self.reads = ReadSteps(self.lab, self.layout, self.kinds, self.bench, self._device, self._known)
        self._steps |= self.bench.steps | self.reads.steps
        self.branches = Branches(self.source, self.layout, self.pipetting)
        broken = (self.protocol.labware.keys() - self.kinds.keys()) | self.source.gaps.labware
        self._guard("", self.branches.check)
        for step in self.source.steps:
            if broken and _mentions(step.model_dump(), broken):
                self.unbound.add(step.id)
                continue  # what is wrong with the labware has been told
            frame = self.source.frames.get(step.id, _ALONE)
            self._guard(step.id, lambda frame=frame: self.branches.enter(frame.when))  # type: ignore[misc]
            begun, self.reads.when = len(self.drafts), frame.when
            self._guard(step.id, lambda step=step: self._steps[type(step)](step))  # type: ignore[misc]
            self._place(begun, frame)
        self._guard("", lambda: self.branches.enter(()))
        self._guard("setup", self._check_materials)
        if len(self.drafts) > MAX_COMMANDS:
            raise ProtocolError([])  # too long to be looked at any further, as has been told
        if self.clear and not self.problems:
            self.layout.clear()
        body = list(self.drafts)
        drafts = [self._with_definition(draft) for draft in [*self._setup(body), *body]]
        actions = sequence(drafts, self.lab.roles, frozenset(self.lab.all_sites()))
        found: tuple[Limit, ...] = ()
        try:
            found = limits(self.source.steps, actions, self.source.frames)
        except ProtocolError as error:
            self.problems += error.problems
        actions, held = reserve(actions, holds(actions, self.lab.roles), found, self.lab.roles)
        return Program(
            protocol_hash=self.source.hash,
            actions=actions,
            holds=held,
            limits=found,
            labware=self.sources,
            species=self.species,
            names=_names(self._materials()),
            notes=tuple(self.protocol.assumptions),
            conditions={name: condition_of(part) for name, part in self.source.conditions.items()},
        )

    def _place(self, begun: int, frame: Frame) -> None:
        """Give the drafts since `begun` the lane and the conditions of their step."""
        if frame.lane or frame.when:
            marked = [
                self.branches.marked(replace(draft, lane=frame.lane), frame.when) for draft in self.drafts[begun:]
            ]
            self.drafts[begun:] = marked

    def _guard(self, step: str, work: Callable[[], None]) -> None:
        """Do one piece of work; what is wrong with it does not hide what is wrong with the next."""
        try:
            work()
            return
        except ProtocolError as error:
            self.problems += error.problems
        except UnknownLabware as error:  # of a definition, or of a name
            self.problems.append(Problem("LAB-001", step, str(error), KINDS))
        except AddressError as error:
            self.problems.append(Problem("UNIT-001", step, str(error)))
        self.unbound.add(step)

    def _device(self, role: str, step: str) -> str:
        device = self.lab.first(role)
        if device is None:
            hint = f"Add a device with the role {role} to lab.toml, or choose another lab."
            raise ProtocolError([Problem("ROLE-001", step, f"this lab has no {role}", hint)])
        return device

    # Labware

    def _declare_labware(self) -> None:
        travels = {labware for step in self.source.steps if (labware := _carried(step, self.lab))}
        if self.protocol.labware:
            self.handler = self.layout.handler = self._device("LiquidHandler", "setup")
        pinned = sorted(self.protocol.labware.items(), key=lambda item: (item[1].slot is None, item[0] not in travels))
        for name, spec in pinned:
            self._guard("setup", lambda name=name, spec=spec: self._declare(name, spec, name in travels))  # type: ignore[misc]

    def _declare(self, name: str, spec: m.Labware, travels: bool) -> None:
        if name == TRASH:
            raise ProtocolError(
                [Problem("LAB-010", "setup", "labware 'trash' is the lab's own", "Choose another name.")]
            )
        if (spec.type is None) == (spec.definition is None):
            message = f"labware {name}: give either `type` or `definition`"
            raise ProtocolError([Problem("LAB-011", "setup", message, KINDS)])
        source = spec.type if spec.type is not None else spec.definition
        try:
            self._add_labware(name, source, spec.slot, travels)  # type: ignore[arg-type]
        except UnknownLabware as error:
            raise UnknownLabware(f"labware {name}: {error}") from None
        for wells in spec.holds:
            names = parse_wells(f"{name}/{wells}").names
            unknown = [well for well in names if well not in self.kinds[name].wells]
            if unknown:
                raise ProtocolError([Problem("LAB-002", "setup", f"labware {name} has no well {', '.join(unknown)}")])

    def _add_labware(self, name: str, source: str | Mapping[str, Any], slot: str | None, travels: bool) -> None:
        found = kind_of(source)
        self.layout.settle(name, slot, travels, tips=found.is_tip_rack)
        self.kinds[name] = found
        is_library = isinstance(source, str) and source not in VESSELS
        self.sources[name] = found.load_name if is_library else found.definition

    def _known(self, step: str, labware: str) -> str:
        if labware not in self.kinds:
            known = ", ".join(self.kinds) or "none"
            raise ProtocolError([Problem("LAB-001", step, f"there is no labware '{labware}'", f"Declared: {known}.")])
        return labware

    def _with_definition(self, draft: Draft) -> Draft:
        """`load_labware` carries the kind itself, put in once all labware is known."""
        if draft.verb != "load_labware":
            return draft
        return replace(draft, args={**draft.args, "definition": self.sources[draft.args["labware"]]})

    # Steps

    def _pipette(self, step: Any) -> None:
        self._device("LiquidHandler", step.id)
        self.pipetting.step(step)

    def _shake(self, step: m.Shake) -> None:
        shaker = self._device("HeaterShaker", step.id)
        site = self.lab.sites[shaker][0]
        self.layout.move(step.id, self._known(step.id, step.labware), site)
        uses = (step.labware, site)
        if step.at is not None:
            self.drafts.append(Draft(step.id, shaker, "set_temperature", {"temperature_c": step.at}, uses))
        self.drafts.append(Draft(step.id, shaker, "shake", {"speed_rpm": step.speed, "duration_s": step.for_}, uses))
        if step.at is not None:
            self.drafts.append(Draft(step.id, shaker, "deactivate", {}, uses))

    def _incubate(self, step: m.Incubate) -> None:
        """In an incubator that can be so warm, else on the heater of a shaker at rest, else by hand."""
        labware = self._known(step.id, step.labware)
        incubator = self.lab.able("Incubator", "temperature", step.at)
        transfer, *slots = self.lab.sites[incubator] if incubator else ("",)
        slot = next((site for site in slots if site not in self.layout.where.values()), None)
        if incubator is not None and slot is not None and self.layout.reaches(labware, transfer):
            self.drafts.append(Draft(step.id, incubator, "set_temperature", {"temperature_c": step.at}, (labware,)))
            self.layout.move(step.id, labware, slot)
            uses = (labware, slot, incubator)
            self.drafts.append(Draft(step.id, CLOCK, "wait", {"duration_s": step.for_}, uses))
            self.layout.move(step.id, labware, transfer)
            return
        shaker = self.lab.first("HeaterShaker")
        if shaker is None:
            self._away(step.id, labware, f"into an incubator at {step.at:g} degC", step.for_)
            return
        site = self.lab.sites[shaker][0]
        self.layout.move(step.id, labware, site)
        uses = (labware, site, shaker)
        self.drafts.append(Draft(step.id, shaker, "set_temperature", {"temperature_c": step.at}, uses))
        self.drafts.append(Draft(step.id, CLOCK, "wait", {"duration_s": step.for_}, uses))
        self.drafts.append(Draft(step.id, shaker, "deactivate", {}, uses))

    def _centrifuge(self, step: m.Centrifuge) -> None:
        labware = self._known(step.id, step.labware)
        device = self.lab.able("Centrifuge", "force", step.force) if step.at is None else None
        if device is not None and self.layout.reaches(labware, self.lab.sites[device][0]):
            site = self.lab.sites[device][0]
            self.layout.move(step.id, labware, site)
            args = {"force_g": step.force, "duration_s": step.for_}
            self.drafts.append(Draft(step.id, device, "spin", args, (labware, site)))
            self.layout.tray_open[device] = False
            return
        at = "" if step.at is None else f" at {step.at:g} degC"
        self._away(step.id, step.labware, f"into a centrifuge: {step.force:g} x g{at}", step.for_)

    def _thermocycle(self, step: m.Thermocycle) -> None:
        labware = self._known(step.id, step.labware)
        device = self._at_hand("Thermocycler", labware)
        if device is not None:
            site = self.lab.sites[device][0]
            self.layout.move(step.id, labware, site)
            profile = [{"holds": [[hold.at, hold.for_] for hold in c.holds], "times": c.times} for c in step.cycles]
            args: dict[str, Any] = {"cycles": profile} | ({} if step.lid is None else {"lid_c": step.lid})
            self.drafts.append(Draft(step.id, device, "run_profile", args, (labware, site)))
            self.layout.tray_open[device] = False
            return
        cycles = "; ".join(
            f"{cycle.times} x ({', '.join(f'{hold.at:g} degC {in_words(hold.for_)}' for hold in cycle.holds)})"
            for cycle in step.cycles
        )
        lid = "" if step.lid is None else f", lid {step.lid:g} degC"
        lasts_s = sum(cycle.times * hold.for_ for cycle in step.cycles for hold in cycle.holds)
        self._away(step.id, step.labware, f"into a thermocycler{lid}: {cycles}", lasts_s)

    def _lid(self, step: m.Lid) -> None:
        labware = self._known(step.id, step.labware)
        what = "Put the lid on" if step.put == "on" else "Take the lid off"
        self._by_hand(step.id, labware, f"{what} {labware}.")

    def _away(self, step: str, labware: str, where: str, lasts_s: float) -> None:
        """A person takes labware to a device that the lab does not control, and brings it back after its time."""
        self._known(step, labware)
        self._by_hand(step, labware, f"Put {labware} {where}, for {in_words(lasts_s)}. Say so when it has begun.")
        self.drafts.append(Draft(step, CLOCK, "wait", {"duration_s": lasts_s}, (labware,)))
        self._by_hand(step, labware, f"Put {labware} back where it stood.")

    def _by_hand(self, step: str, labware: str, message: str) -> None:
        uses = (labware, *([self.handler] if self.handler else []))
        self.drafts.append(Draft(step, self.operator, "confirm", {"message": message}, uses))

    def _move(self, step: m.MoveLabware) -> None:
        labware = self._known(step.id, step.labware)
        if step.to == OFF:
            self.layout.take_away(step.id, labware)
            return
        site = self._site(step)
        self.layout.move(step.id, labware, site, by_person=step.by == "person")
        if self.lab.owner(site) == self.handler:
            self.layout.home[labware] = site

    def _site(self, step: m.MoveLabware) -> str:
        """A site by its whole name, a deck slot by its number, a device by its name, or any free slot of a rack."""
        sites = self.lab.all_sites()
        stored = [site for site in self.lab.storage if site.startswith(f"{step.to}.")]
        stored = [site for site in stored if site not in self.layout.where.values()]
        candidates = [
            step.to,
            *sorted(stored, key=lambda site: self.lab.busy.get(site, 0))[:1],
            f"{self.handler}.{step.to}",
            *self.lab.sites.get(step.to, ())[:1],
        ]
        found = next((site for site in candidates if site in sites), None)
        if found is None:
            raise ProtocolError(
                [Problem("REACH-002", step.id, f"there is no site '{step.to}'", f"Sites: {', '.join(sites)}.")]
            )
        return found

    def _wait(self, step: m.Wait) -> None:
        self.drafts.append(Draft(step.id, CLOCK, "wait", {"duration_s": step.for_}, barrier=True))

    def _operator_step(self, step: m.OperatorStep) -> None:
        self.drafts.append(Draft(step.id, self.operator, "confirm", {"message": step.message}, barrier=True))

    def _seal(self, step: m.Seal) -> None:
        labware = self._known(step.id, step.labware)
        device = self._at_hand(_DEVICES[step.do], labware)
        if device is None:
            uses = (labware, *([self.handler] if self.handler else []))
            self.drafts.append(Draft(step.id, self.operator, step.do, {"labware": labware}, uses))
            return
        site = self.lab.sites[device][0]
        self.layout.move(step.id, labware, site)
        self.drafts.append(Draft(step.id, device, step.do, {"labware": labware}, (labware, site)))

    def _at_hand(self, role: str, labware: str) -> str | None:
        """The lab's device of a role, if labware can come to it without a person; else a person does its work."""
        device = self.lab.first(role)
        return device if device and self.layout.reaches(labware, self.lab.sites[device][0]) else None

    # Set-up

    def _materials(self) -> dict[str, m.Material]:
        return {"water": m.Material(cas="7732-18-5"), **self.protocol.materials}

    def _check_materials(self) -> None:
        known = self._materials()
        for name, spec in self.protocol.labware.items():
            for fill in spec.holds.values():
                material = fill if isinstance(fill, str) else fill.material
                if material not in known:
                    hint = f"Declare it under materials; declared: {', '.join(known)}."
                    raise ProtocolError(
                        [
                            Problem(
                                "MAT-001",
                                "setup",
                                f"labware {name} holds '{material}', which is no material",
                                hint,
                            )
                        ]
                    )

    def _setup(self, body: list[Draft]) -> list[Draft]:
        """What a person loads and the devices are told before the first step."""
        drafts = [
            Draft(
                "setup",
                self.operator,
                "attach_pipette",
                {"device": self.handler, "mount": mount, "pipette": model.name},
                (self.handler,),
            )
            for mount, model in self.pipetting.attached.items()
        ]
        layout = Layout(self.lab, self.handler, self.operator, [], dict(self.layout.home))
        for name, site in self.pipetting.first_sites.items():
            source = self.sources[name]
            args: dict[str, Any] = {"labware": name, "kind": self.kinds[name].load_name, "site": site}
            if not isinstance(source, str):
                args["definition"] = source
            if name in self.protocol.labware and self.protocol.labware[name].sealed:
                args["sealed"] = True
            drafts.append(Draft("setup", self.operator, "place", args, (name, site)))
        loading = [
            Draft("setup", self.handler, "load_pipette", {"mount": mount, "pipette": model.name, **nozzles}, ())
            for mount, model, nozzles in self.pipetting.loaded()
        ]
        for name, site in self.pipetting.first_sites.items():
            layout.where[name] = site
            if self.lab.owner(site) == self.handler:
                layout.announce("setup", name)
        needed = [*drafts, *loading, *layout.drafts, *body]
        drafts += fills(self.protocol, self.species, self.kinds, needed, self.operator, self.lab.roles)
        return [*drafts, *loading, *layout.drafts]


def _mentions(part: Any, labware: Collection[str]) -> bool:
    """Whether a step, or a part of one, names any of this labware."""
    if isinstance(part, Mapping):
        return any(_mentions(value, labware) for value in part.values())
    if isinstance(part, list | tuple):
        return any(_mentions(value, labware) for value in part)
    return isinstance(part, str) and part in labware


def _carried(step: m.PlainStep, lab: LabView) -> str | None:
    """The labware that a step wants at a device; what no device does is done where it stands."""
    match step:
        case m.Dose():
            return step.into.labware
        case m.Shake() | m.Incubate() | m.Measure() | m.Scan() | m.MoveLabware() | m.Heat() | m.FurnaceStep():
            return step.labware
        case m.Seal() | m.Centrifuge() | m.Thermocycle() if lab.first(_DEVICES[step.do]):
            return step.labware
    return None


def in_words(duration_s: float) -> str:
    """A duration for people.

    >>> in_words(5400.0)
    '1.5 h'
    """
    unit, factor = ("h", 3600.0) if duration_s >= 3600 else ("min", 60.0) if duration_s >= 120 else ("s", 1.0)
    return f"{duration_s / factor:.4g} {unit}"


def _names(materials: Mapping[str, m.Material]) -> dict[str, str]:
    names = {material.cas: name for name, material in materials.items() if material.cas}
    return {"7732-18-5": "water", **names}
