"""`lab simulate`: the full-stack dry run."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.faults import read_faults
from cli.output import EXIT_FAILED, EXIT_REFUSED, Failure, Output, failure, file_argument, param_option

if TYPE_CHECKING:
    from orchestrator.simulate import Prediction
    from protocols.check import Checked
    from protocols.program import Program


@click.command("simulate")
@file_argument
@param_option
@click.option("--seed", type=int, default=1, show_default=True, help="Of the instruments' errors.")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), help="Simulated seconds a second.")
@click.option("--wire", is_flag=True, help="Drivers and twins talk over real sockets.")
@click.option("--faults", "plan", type=click.Path(path_type=Path), help="A plan of what goes wrong.")
@click.pass_obj
def command(
    output: Output,
    file: Path,
    parameters: tuple[str, ...],
    seed: int,
    speed: float | None,
    wire: bool,
    plan: Path | None,
) -> None:
    """Run a protocol on a fresh twin in virtual time: drivers, bytes, engine, world."""
    from orchestrator.analysis.fits import evaluate
    from orchestrator.analysis.words import told
    from orchestrator.cell import RealTimeOnly
    from orchestrator.report.lines import what_came
    from orchestrator.simulate import simulate
    from orchestrator.text import counted, duration

    checked = output.checked("simulate", file, parameters)
    program = checked.program
    if program is None:
        raise failure("simulate", EXIT_FAILED, "the protocol could not be bound")
    lab = output.lab("simulate")
    faults = read_faults("simulate", lab, plan) if plan else None
    try:
        prediction = simulate(lab, program, seed=seed, speed=speed, wire=wire, faults=faults)
    except RealTimeOnly as error:
        raise failure("simulate", EXIT_REFUSED, str(error)) from error
    result = prediction.result
    document = _document(checked, program, prediction) | {"seed": seed}
    if result.outcome != "completed":
        raise Failure(EXIT_FAILED, [f"{file}: {result.error}"], {"schema": "lab-simulate/1", **document})
    evaluation = evaluate(checked.source.protocol, program, result.readings)
    document["evaluation"] = asdict(evaluation) if checked.source.protocol.expect else None
    tips = sum(result.stock["tips"].values())
    lines = [
        *(f"{file}: {problem}" for problem in checked.problems),
        f"Predicted: {duration(result.duration_s)}, {counted(len(program.actions), 'action')}, {counted(tips, 'tip')}, "
        f"{result.stock['waste_ul'] / 1000:.2f} mL waste, {counted(len(result.readings), 'reading')}.",
        *what_came(program, result),
        *told(evaluation),
        f"Took {prediction.wall_s:.2f} s ({result.duration_s / prediction.wall_s:,.0f} simulated seconds a second).",
        f"Trace {prediction.trace_hash}",
    ]
    output.show("simulate", document, lines)


def _document(checked: "Checked", program: "Program", prediction: "Prediction") -> dict[str, Any]:
    """All of it, for machines."""
    result = prediction.result
    return {
        "ok": result.outcome == "completed", "world": "twin", "outcome": result.outcome, "error": result.error,
        "protocol_hash": checked.source.hash, "program_hash": program.hash, "trace_hash": prediction.trace_hash,
        "duration_s": result.duration_s, "wall_s": prediction.wall_s, "actions": len(program.actions),
        "stock": result.stock, "spans": [asdict(span) for span in result.spans], "readings": list(result.readings),
        "end_state": result.end_state, "problems": [asdict(problem) for problem in checked.problems],
        "notes": list(program.notes),
    }  # fmt: skip
