"""`lab approvals`, `lab approve`: what waits for a person's word, and the word. Always over the interface."""

from typing import TYPE_CHECKING

import click

from cli.output import Output
from cli.service import interface

if TYPE_CHECKING:
    from api.models import ApprovalOut


@click.command("approvals")
@click.pass_obj
def approvals(output: Output) -> None:
    """Approvals that were asked for and wait, with the dry run to decide on (`--json`); LAB_TOKEN says who looks."""
    found = interface(output, "approvals").approvals()
    lines = [line for approval in found for line in _lines(approval)]
    document = {"ok": True, "approvals": [approval.model_dump() for approval in found]}
    output.show("approvals", document, lines or ["nothing waits for a person's word"])


@click.command("approve")
@click.argument("approval_id")
@click.option("--refuse", is_flag=True, help="Refuse it: that is the end of it.")
@click.option("--note", default="", help="For the record.")
@click.pass_obj
def approve(output: Output, approval_id: str, refuse: bool, note: str) -> None:
    """Grant an approval, or refuse it, as the person whose token LAB_TOKEN is; never the one who asked."""
    approval = interface(output, "approve").speak(approval_id, granted=not refuse, note=note)
    granted = sum(said.verdict == "granted" for said in approval.spoken)
    document = {"ok": True, "approval": approval.id, "state": approval.state, "granted": granted,
                "needed": approval.needed}  # fmt: skip
    line = f"{approval.id}: {approval.state}; {granted} of {approval.needed} people have granted it"
    output.show("approve", document, [line])


def _lines(approval: "ApprovalOut") -> list[str]:
    """In a few lines what is asked; words of those who ask are shown without control characters."""
    from api.untrusted import untrusted
    from orchestrator.text import duration

    asked = f"{untrusted(approval.protocol).untrusted_text}, asked for by {approval.requested_by}"
    lasts = duration(float(approval.dry_run["duration_s"]))
    lines = [f"{approval.id}  {approval.world}  hazard {approval.hazard}  {lasts}  {asked}"]
    if approval.why:
        lines.append(f"  why: {untrusted(approval.why).untrusted_text}")
    lines += [
        f"  {untrusted(f'{found.step}: {found.rule} {found.message}').untrusted_text}" for found in approval.findings
    ]
    return lines
