"""All that can be said of a protocol on a lab before anything runs: the program, or every problem at once."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from drivers.core.pipettes import models
from protocols.binder import Bound, bind
from protocols.expectations import expectations
from protocols.flow import Frame
from protocols.forecast import Forecast, forecasts
from protocols.labview import LabView
from protocols.lanes import in_time
from protocols.ledger import fold
from protocols.model import Centrifuge, Incubate, Lid, Thermocycle
from protocols.parse import Source, Unreadable
from protocols.problems import Problem, ProtocolError, blocking
from protocols.program import Action, Program, ways
from protocols.rules import examine
from protocols.setup import WATER


@dataclass(frozen=True, slots=True)
class Checked:
    """The verdict: a program where the protocol can be bound, the problems, and what the run would take."""

    source: Source
    program: Program | None
    problems: tuple[Problem, ...]
    stock: dict[str, Any]
    end_state: dict[str, Any]
    forecasts: tuple[Forecast, ...] = ()  # the predicted run on each way; none where the lab tells no times

    @property
    def ok(self) -> bool:
        """Whether it may run, be it after a person's approval."""
        return self.program is not None and not blocking(self.problems)

    @property
    def approvals(self) -> tuple[Problem, ...]:
        """What a person must approve before it runs on the real lab."""
        return tuple(problem for problem in self.problems if problem.severity == "approve")


def check(source: Source, lab: LabView, *, clear: bool = False) -> Checked:
    """Bind, then fold the belief over every action; problems of one rule in one step are told once.

    `clear` is the binder's: take labware out of the lab when it is no longer needed. Lanes side by side are written in
    the order of their forecast where that is sooner done.
    """
    checked = _checked(source, lab, clear=clear)
    if checked.program is None or not checked.forecasts or not any(f.lane for f in source.frames.values()):
        return checked
    other = in_time(source, checked.program, checked.forecasts[0])
    if other.steps == source.steps:
        return checked
    found = _checked(other, lab, clear=clear)
    return found if len(found.problems) <= len(checked.problems) and _takes_s(found) < _takes_s(checked) else checked


def _takes_s(checked: Checked) -> float:
    """The longest way through it; without end where nobody knows."""
    times = [told.duration_s for told in checked.forecasts]
    return max((math.inf if time is None else time for time in times), default=math.inf)


def _checked(source: Source, lab: LabView, *, clear: bool) -> Checked:
    """As the steps stand."""
    bound = bind(source, lab, clear=clear)
    program = bound.program
    if program is None:
        return Checked(source, None, _once(bound.problems, source.frames), {}, {})
    ledger, found = fold(program, way := next(ways(program)))
    for other in ways(program):
        found += [] if other == way else fold(program, other)[1]
    found += _small_volumes(program)
    found += _only_water(source)
    found += _beyond_limits(program, lab)
    found += _by_hand(source, program, lab)
    found += expectations(source)
    problems = [*bound.problems, *found]
    predicted = () if blocking(problems) else forecasts(program, lab)  # what cannot be done takes no time
    done = [filter(way, program.actions) for way in ways(program)]
    found += examine(_done(source, bound), program, lab, done, predicted, ledger.stock())
    told = _once(_surely([*bound.problems, *found], source, bound), source.frames)
    if bound.problems:
        return Checked(source, None, told, {}, {})
    return Checked(source, program, told, ledger.stock(), ledger.end_state(program), predicted)


def everything(error: ProtocolError, lab: LabView) -> tuple[Problem, ...]:
    """All that is wrong with a document that cannot be read: its own mistakes, and what the lab says of the rest."""
    variants = [check(source, lab).problems for source in (error.rest if isinstance(error, Unreadable) else ())]
    said = [{(problem.rule, problem.step, problem.message) for problem in problems} for problems in variants]
    sure = [p for p in next(iter(variants), ()) if all((p.rule, p.step, p.message) in others for others in said)]
    return tuple(dict.fromkeys([*error.problems, *sure]))


def _done(source: Source, bound: Bound) -> Source:
    """The protocol with those steps only that are bound."""
    if not bound.unbound:
        return source
    steps = [step for step in source.steps if step.id not in bound.unbound]
    return replace(source, protocol=source.protocol.model_copy(update={"steps": steps}))


def _surely(problems: list[Problem], source: Source, bound: Bound) -> list[Problem]:
    """Without what may only follow from steps that were left out or not bound."""
    order = {step.id: number for number, step in enumerate(source.steps)}
    unbound = bound.unbound & order.keys()
    first = min(map(order.__getitem__, unbound), default=None)
    why = set(bound.problems)
    left = [problem for problem in problems if problem in why or problem.step not in unbound]
    return replace(source.gaps, since=first).surely(source.gaps.surely(left, order), order, why)


#: Steps that a person does where the lab has no device for them.
_HANDS = {
    Incubate: ("Incubator", "HeaterShaker"), Centrifuge: ("Centrifuge",), Thermocycle: ("Thermocycler",),
    Lid: ("LidHandler",),
}  # fmt: skip


def _by_hand(source: Source, program: Program, lab: LabView) -> list[Problem]:
    """Steps that nobody would expect to need a person."""
    handwork = {action.step for action in program.actions if lab.roles.get(action.device) == "Operator"}
    found = []
    for step in source.steps:
        roles = _HANDS.get(type(step), ())
        if roles and step.id in handwork:
            has = any(lab.first(role) for role in roles)
            why = f"no {roles[0]} of this lab can do it" if has else f"this lab has no {' and no '.join(roles)}"
            found.append(Problem("HAND-001", step.id, f"{why}: a person does it", "", "warn"))
    return found


def _only_water(source: Source) -> list[Problem]:
    """Materials in labware that are named by a substance, but have none of it."""
    held = {fill if isinstance(fill, str) else fill.material
            for labware in source.protocol.labware.values() for fill in labware.holds.values()}  # fmt: skip
    found = []
    for name, material in source.protocol.materials.items():
        if name in held and material.cas not in (None, WATER) and material.concentration is None:
            message = f"nobody says how much {material.cas} '{name}' holds: it counts as water"
            hint = f"Give materials.{name}.concentration, such as 0.1 mol/L, or `pure` for a powder."
            found.append(Problem("MAT-002", "setup", message, hint, "warn"))
    return found


def _small_volumes(program: Program) -> list[Problem]:
    """Volumes below what the pipette's maker specifies: possible, but nobody says how exact."""
    found, mounts = [], {}
    for action in program.actions:
        if action.verb == "load_pipette":
            mounts[action.args["mount"]] = models()[action.args["pipette"]]
        model = mounts.get(action.args.get("mount"))
        if action.verb == "aspirate" and model is not None and action.args["volume_ul"] < model.min_ul:
            message = (
                f"{action.args['volume_ul']:g} uL is below the {model.min_ul:g} uL that {model.name} is specified for"
            )
            found.append(Problem("PIP-005", action.step, message, "Use a smaller pipette or more liquid.", "warn"))
    return found


#: Argument of a verb -> the limit that bounds it, as drivers name them.
_BOUNDED = {
    "volume_ul": "volume",
    "rate_ul_s": "rate",
    "speed_rpm": "speed",
    "force_g": "force",
    "ramp_c_min": "ramp",
    "rate_sccm": "flow",
    "duration_s": "duration",
    "temperature_c": "temperature",
    "wavelengths_nm": "wavelength",
    "position_mm": "position",
    "two_theta_deg": "two_theta",
    "exposure_s": "exposure",
    "lid_c": "lid_temperature",
}


def _given(action: Action) -> Iterator[tuple[str, float]]:
    """Every quantity of an action that a limit may bound, by the limit's name."""
    yield from ((_BOUNDED[argument], value) for argument, value in _values(action.args))
    for at_c, for_s in (hold for cycle in action.args.get("cycles", ()) for hold in cycle["holds"]):
        yield from (("temperature", at_c), ("duration", for_s))


def _beyond_limits(program: Program, lab: LabView) -> list[Problem]:
    """Values that a device of this lab would refuse."""
    found = []
    for action in program.actions:
        ranges = lab.limits[action.device].ranges if action.device in lab.limits else {}
        for name, value in _given(action):
            allowed = ranges.get(name)
            if allowed is not None and not allowed.low <= value <= allowed.high:
                message = f"{name} {value:g} {allowed.unit} is outside what {action.device} may do ({allowed})"
                found.append(Problem("LIM-001", action.step, message, "Change the value, or the limit in lab.toml."))
    return found


def _values(args: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The values of an action that a limit bounds, also those of its segments."""
    for argument, given in args.items():
        for value in given if isinstance(given, list) else [given]:
            if isinstance(value, Mapping):
                yield from _values(value)
            elif argument in _BOUNDED and value is not None:
                yield argument, value


def _once(problems: Iterable[Problem], frames: Mapping[str, Frame]) -> tuple[Problem, ...]:
    """Each once; of a step that is written out many times, what is wrong with the first."""
    found: dict[tuple[Any, ...], Problem] = {}
    for problem in problems:
        frame = frames.get(problem.step)
        repeated = frame is not None and frame.origin != problem.step
        key = (problem.rule, frame.origin) if frame is not None and repeated else (problem,)
        found.setdefault(key, problem)
    return tuple(found.values())
