"""What it takes to make the problem of a plan for long programs: it must grow with them, and not with their square."""

import time

from benchmarks.interface.delays import PROTOCOLS, protocol
from labfile import Lab
from orchestrator.labview import view
from orchestrator.planner import outlook
from orchestrator.state import records as r
from orchestrator.state.cell import fold
from protocols.check import check
from protocols.parse import from_document

TRIES = 5


def problem_ms(lab: Lab, times: int) -> float:
    """For one run of each of `PROTOCOLS`, its steps so many times; the best of a few tries, ms of the processor."""
    journal: list[r.Record] = [r.Claimed(at=0.0, holder="bench", epoch=1, world="twin")]
    for name in PROTOCOLS:
        program = check(from_document(protocol(name, times)), view(lab), clear=True).program
        if program is None:
            raise SystemExit(f"{name} cannot be done in this lab")
        journal.append(r.Submitted(at=1.0, run_id=name, program=program, about={}))
    state, took = fold(journal), []
    for _ in range(TRIES):
        began = time.process_time()
        outlook(state, 2.0, lambda run: run.program.holds)
        took.append(time.process_time() - began)
    return min(took) * 1e3
