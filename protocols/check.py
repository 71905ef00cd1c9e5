"""All that can be said of a protocol on a lab before anything runs: the program, or every problem at once."""

from dataclasses import dataclass
from typing import Any

from drivers.core.labware import pipettes
from protocols.binder import bind
from protocols.labview import LabView
from protocols.ledger import fold
from protocols.parse import Source
from protocols.problems import Problem, ProtocolError, blocking
from protocols.program import Program


@dataclass(frozen=True, slots=True)
class Checked:
    """The verdict: a program where the protocol can be bound, the problems, and what the run would take."""

    source: Source
    program: Program | None
    problems: tuple[Problem, ...]
    stock: dict[str, Any]
    end_state: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Whether it may run."""
        return self.program is not None and not blocking(self.problems)


def check(source: Source, lab: LabView, *, clear: bool = False) -> Checked:
    """Bind, then fold the belief over every action; problems of one rule in one step are told once.

    `clear` is the binder's: take labware out of the lab when it is no longer needed.
    """
    try:
        program = bind(source, lab, clear=clear)
    except ProtocolError as error:
        return Checked(source, None, _once(error.problems), {}, {})
    ledger, problems = fold(program)
    problems += _small_volumes(program)
    problems += _beyond_limits(program, lab)
    return Checked(source, program, _once(problems), ledger.stock(), ledger.end_state(program))


def _small_volumes(program: Program) -> list[Problem]:
    """Volumes below what the pipette's maker specifies: possible, but nobody says how exact."""
    found, models = [], {}
    for action in program.actions:
        if action.verb == "load_pipette":
            models[action.args["mount"]] = pipettes()[action.args["pipette"]]
        model = models.get(action.args.get("mount"))
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
    "duration_s": "duration",
    "temperature_c": "temperature",
    "wavelengths_nm": "wavelength",
    "position_mm": "position",
}


def _beyond_limits(program: Program, lab: LabView) -> list[Problem]:
    """Values that a device of this lab would refuse."""
    found = []
    for action in program.actions:
        ranges = lab.limits[action.device].ranges if action.device in lab.limits else {}
        for argument, name in _BOUNDED.items():
            if argument not in action.args or name not in ranges:
                continue
            given = action.args[argument]
            for value in given if isinstance(given, list) else [given]:
                allowed = ranges[name]
                if not allowed.low <= value <= allowed.high:
                    message = f"{name} {value:g} {allowed.unit} is outside what {action.device} may do ({allowed})"
                    found.append(
                        Problem("LIM-001", action.step, message, "Change the value, or the limit in lab.toml.")
                    )
    return found


def _once(problems: Any) -> tuple[Problem, ...]:
    return tuple(dict.fromkeys(problems))
