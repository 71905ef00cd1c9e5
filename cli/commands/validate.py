"""`lab validate`: may this protocol run on this lab?"""

from dataclasses import asdict
from pathlib import Path

import click

from cli.output import Output, file_argument, param_option


@click.command("validate")
@file_argument
@param_option
@click.pass_obj
def command(output: Output, file: Path, parameters: tuple[str, ...]) -> None:
    """Check a protocol against this lab; nothing moves."""
    from orchestrator.labview import forecasts

    checked = output.checked("validate", file, parameters)
    program = checked.program
    actions = len(program.actions) if program else 0
    told = forecasts(output.lab("validate"), program) if program else []
    longest, shortest = (told[0].duration_s, told[-1].duration_s) if told else (None, None)
    document = {
        "ok": True,
        "protocol_hash": checked.source.hash,
        "program_hash": program.hash if program else None,
        "steps": len(checked.source.protocol.steps),
        "actions": actions,
        "duration_s": longest,
        "duration_at_least_s": shortest,
        "approvals": len(checked.approvals),
        "stock": checked.stock,
        "problems": [asdict(problem) for problem in checked.problems],
    }
    size = f"{document['steps']} steps, {actions} actions{_lasting(longest, shortest)}"
    lines = [
        *(f"{file}: {problem}" for problem in checked.problems),
        f"{file} may run{_after(len(checked.approvals))}: {size}.",
    ]
    output.show("validate", document, lines)


def _lasting(longest: float | None, shortest: float | None) -> str:
    from orchestrator.text import duration

    if longest is None or shortest is None:
        return ""
    return f", {duration(shortest)} to {duration(longest)}" if shortest < longest else f", {duration(longest)}"


def _after(approvals: int) -> str:
    return f" once a person has approved {approvals} finding{'s' * (approvals > 1)}" if approvals else ""
