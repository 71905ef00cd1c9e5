"""Plans of faults on the command line."""

from pathlib import Path
from typing import TYPE_CHECKING

from cli.output import EXIT_INVALID, Failure, failure

if TYPE_CHECKING:
    from labfile.lab import Lab
    from sim_lab.faults import Fault, Plan


def faults_of(lab: "Lab") -> dict[str, tuple["Fault", ...]]:
    """The faults that each device of a lab may have on the twin."""
    from sim_lab.faults import applicable
    from sim_lab.session import twin_class

    return {name: applicable(entry.driver, twin_class(entry.driver).has_line) for name, entry in lab.devices.items()}


def read_faults(verb: str, lab: "Lab", file: Path) -> "Plan":
    """A plan that fits a lab, or every problem with it."""
    from sim_lab.faults import PlanError, read_plan

    try:
        return read_plan(file.read_bytes(), faults_of(lab))
    except OSError as error:
        raise failure(verb, EXIT_INVALID, f"{file}: {error.strerror}") from error
    except PlanError as error:
        document = {"schema": f"lab-{verb}/1", "ok": False, "errors": list(error.problems)}
        raise Failure(EXIT_INVALID, [f"{file}: {problem}" for problem in error.problems], document) from error
