"""`python -m orchestrator.scheduling.worker`: solves problems read from its input, one JSON line each.

In: {"problem", "seconds", "hint", "workers", "seed"}. Out, per problem: {"schedule"} lines, each better than the last,
then {"done": true}, or {"failed": kind, "text": why}. It ends at the end of its input. OR-Tools lives here only.
"""

import faulthandler
import os
import sys
from typing import Any, BinaryIO

import orjson

from orchestrator.scheduling.model import InvalidProblem, NoSchedule, Schedule
from orchestrator.scheduling.plain import to_problem, to_schedule
from orchestrator.scheduling.solver import plan

#: Seconds past its time after which a solve counts as hung, and the process ends itself.
GRACE_S = 20.0
NICENESS = 10


def serve(lines: BinaryIO, out: BinaryIO) -> None:
    """Solve what comes in until it ends."""

    def say(message: dict[str, Any]) -> None:
        out.write(orjson.dumps(message, option=orjson.OPT_APPEND_NEWLINE))
        out.flush()

    def better(schedule: Schedule) -> None:
        say({"schedule": schedule})

    for line in lines:
        asked = orjson.loads(line)
        faulthandler.dump_traceback_later(asked["seconds"] + GRACE_S, exit=True)
        try:
            hint = None if asked["hint"] is None else to_schedule(asked["hint"])
            plan(
                to_problem(asked["problem"]), asked["seconds"], on_better=better, hint=hint,
                workers=asked["workers"], seed=asked["seed"],
            )  # fmt: skip
        except (InvalidProblem, NoSchedule) as error:
            say({"failed": type(error).__name__, "text": str(error)})
        except Exception as error:  # Whatever it is, the lab hears of it; this process stays good for the next.
            say({"failed": "SolverFailed", "text": f"{type(error).__name__}: {error}"})
        else:
            say({"done": True})
        finally:
            faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    if hasattr(os, "nice"):  # not on Windows; the worker has the devices, and goes first
        os.nice(NICENESS)
    serve(sys.stdin.buffer, sys.stdout.buffer)
