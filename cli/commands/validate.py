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
    checked = output.checked("validate", file, parameters)
    program = checked.program
    actions = len(program.actions) if program else 0
    document = {
        "ok": True,
        "protocol_hash": checked.source.hash,
        "program_hash": program.hash if program else None,
        "steps": len(checked.source.protocol.steps),
        "actions": actions,
        "approvals": len(checked.approvals),
        "stock": checked.stock,
        "problems": [asdict(problem) for problem in checked.problems],
    }
    lines = [
        *(f"{file}: {problem}" for problem in checked.problems),
        f"{file} may run{_after(len(checked.approvals))}: {document['steps']} steps, {actions} actions.",
    ]
    output.show("validate", document, lines)


def _after(approvals: int) -> str:
    return f" once a person has approved {approvals} finding{'s' * (approvals > 1)}" if approvals else ""
