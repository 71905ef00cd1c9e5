"""`lab validate`: may this protocol run on this lab?"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.output import Output, file_argument, param_option

if TYPE_CHECKING:
    from protocols.program import Program


@click.command("validate")
@file_argument
@param_option
@click.pass_obj
def command(output: Output, file: Path, parameters: tuple[str, ...]) -> None:
    """Check a protocol against this lab; nothing moves."""
    from orchestrator.text import counted

    checked = output.checked("validate", file, parameters)
    program = checked.program
    actions = len(program.actions) if program else 0
    known = [told.duration_s for told in checked.forecasts if told.duration_s is not None]
    longest, shortest = (max(known), min(known)) if known else (None, None)
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
    steps = counted(len(checked.source.protocol.steps), "step")
    size = f"{steps}, {counted(actions, 'action')}{_lasting(longest, shortest)}"
    lines = [
        *(f"{file}: {problem}" for problem in checked.problems),
        f"{file} may run{_after(len(checked.approvals))}: {size}.",
        *_real_time(output, program),
    ]
    output.show("validate", document, lines)


def _real_time(output: Output, program: "Program | None") -> list[str]:
    """What a twin cannot do faster than it takes."""
    names = output.lab("validate").in_real_time(program.devices if program else ())
    return [f"{', '.join(names)}: in real time only; simulate and run it with --speed 1."] if names else []


def _lasting(longest: float | None, shortest: float | None) -> str:
    from orchestrator.text import duration

    if longest is None or shortest is None:
        return ""
    return f", {duration(shortest)} to {duration(longest)}" if shortest < longest else f", {duration(longest)}"


def _after(approvals: int) -> str:
    return f" once a person has approved {approvals} finding{'s' * (approvals > 1)}" if approvals else ""
