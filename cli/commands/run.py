"""`lab run`: from a file to a checked result."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.approval import require_approval
from cli.output import (
    EXIT_ABORTED,
    EXIT_FAILED,
    EXIT_PERSON,
    EXIT_REFUSED,
    EXIT_UNREACHABLE,
    Failure,
    Output,
    failure,
    file_argument,
    param_option,
    world_option,
)

if TYPE_CHECKING:
    from orchestrator.run import Run
    from protocols.program import Program


@click.command("run")
@file_argument
@param_option
@world_option
@click.option("--seed", type=int, default=None, help="Of the twin's errors; drawn when absent.")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), help="Twin: simulated seconds a second.")
@click.pass_obj
def command(
    output: Output,
    file: Path,
    parameters: tuple[str, ...],
    world: str | None,
    seed: int | None,
    speed: float | None,
) -> None:
    """Dry-run a protocol, run it, and write its record and report."""
    import secrets

    from cli.progress import follow
    from orchestrator.analysis.fits import evaluate
    from orchestrator.cell import RealTimeOnly
    from orchestrator.report import write_report
    from orchestrator.run import run
    from orchestrator.simulate import simulate
    from orchestrator.sinks.tiled import TiledMissing
    from orchestrator.text import duration

    if world is None:
        raise click.UsageError("say --twin or --real: there is no world by default")
    checked = output.checked("run", file, parameters)
    lab, program = output.lab("run"), checked.program
    if program is None:
        raise failure("run", EXIT_FAILED, "the protocol could not be bound")
    require_approval("run", checked, world)
    try:
        predicted = simulate(lab, program, speed=1 if speed == 1 else None)
        if predicted.result.outcome != "completed":
            raise failure("run", EXIT_REFUSED, f"the dry run did not succeed: {predicted.result.error}")
        _say(output, f"Dry run: {duration(predicted.result.duration_s)} predicted, in {predicted.wall_s:.2f} s.")
        with follow(predicted.result, quiet=output.as_json) as progress:
            done = run(
                lab, checked, world, runs=output.runs, progress=progress, speed=speed,
                seed=secrets.randbelow(2**31) if seed is None else seed,
            )  # fmt: skip
    except (RealTimeOnly, TiledMissing) as error:
        raise failure("run", EXIT_REFUSED, str(error)) from error
    before = evaluate(checked.source.protocol, program, predicted.result.readings)
    complete = done.result.outcome == "completed"
    after = evaluate(checked.source.protocol, program, done.result.readings if complete else [])
    report = write_report(done.folder, done, checked, after, predicted, before)
    document = _document(done, report) | {"evaluation": asdict(after), "ok": complete}
    if not complete:
        raise Failure(
            _code(done),
            [f"lab run: {done.result.error}", *_not_taken(done), f"Record: {done.folder}"],
            {"schema": "lab-run/1", **document},
        )
    output.show("run", document, [*_summary(done, program, after), *_not_taken(done), f"Report: {report}"])


def _say(output: Output, line: str) -> None:
    if not output.as_json:
        click.echo(line, err=True)


def _code(done: "Run") -> int:
    """Which exit code a run that did not complete gives."""
    if done.result.outcome == "aborted":
        return EXIT_ABORTED
    if "nobody is" in done.result.error:
        return EXIT_PERSON
    return EXIT_UNREACHABLE if not done.result.spans else EXIT_FAILED


def _document(done: "Run", report: Path) -> dict[str, Any]:
    return {
        "run_id": done.run_id,
        "world": done.world,
        "outcome": done.result.outcome,
        "error": done.result.error,
        "duration_s": done.result.duration_s,
        "documents": str(done.folder / "documents.jsonl"),
        "report": str(report),
        "seed": done.seed,
        "stock": done.result.stock,
        "readings": list(done.result.readings),
        "end_state": done.result.end_state,
        "not_taken": list(done.not_taken),
    }


def _not_taken(done: "Run") -> list[str]:
    return [f"Not taken: {problem}" for problem in done.not_taken]


def _summary(done: "Run", program: "Program", evaluation: Any) -> list[str]:
    from orchestrator.analysis.words import told
    from orchestrator.report.lines import what_came
    from orchestrator.text import duration

    return [
        f"Run {done.run_id} on the {done.world}: {done.result.outcome}, {duration(done.result.duration_s)}.",
        *what_came(program, done.result),
        *told(evaluation),
    ]
