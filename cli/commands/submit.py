"""`lab submit`: give a protocol to a running lab."""

from datetime import datetime
from pathlib import Path

import click

from cli.approval import require_approval
from cli.output import EXIT_REFUSED, EXIT_UNREACHABLE, Output, failure, file_argument, param_option, world_option
from cli.service import ANSWER_S, require_worker, state_of, store, who, world_of


@click.command("submit")
@file_argument
@param_option
@world_option
@click.option("--any", "anywhere", is_flag=True, help="To whichever lab on this store has the devices and room first.")
@click.option("--priority", type=int, default=0, show_default=True, help="Higher goes first where there is a choice.")
@click.option("--deadline", type=click.DateTime(("%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")), default=None, metavar="WHEN",
              help="When it should have ended (local time): 2027-01-31T17:30.")  # fmt: skip
@click.option("--key", default=None, help="Yours: submitting twice under one key is submitting once.")
@click.pass_obj
def command(
    output: Output,
    file: Path,
    parameters: tuple[str, ...],
    world: str | None,
    anywhere: bool,
    priority: int,
    deadline: datetime | None,
    key: str | None,
) -> None:
    """Check a protocol, dry-run it, and queue it. Returns at once; `lab status` tells how it goes."""
    import uuid
    from dataclasses import replace

    from orchestrator.bands import predict
    from orchestrator.labview import view
    from orchestrator.run import new_run_id
    from orchestrator.simulate import simulate
    from orchestrator.state.views import wanted_sites
    from orchestrator.store.requests import Request, answer_of, any_of, ask, wait_for_answer
    from orchestrator.worker import cell_name
    from protocols.check import check

    checked = output.checked("submit", file, parameters)
    lab = output.lab("submit")
    world = world_of(lab, world)
    require_approval("submit", checked, world)
    engine = store(output, "submit", lab)
    cell = any_of(world) if anywhere else cell_name(lab, world)
    require_worker(engine, "submit", cell)
    seen = replace(view(lab), busy=wanted_sites(state_of(engine, cell)))
    program = check(checked.source, seen, clear=True).program
    if program is None:
        raise failure("submit", EXIT_REFUSED, "the protocol could not be bound")
    predicted = simulate(lab, program)
    if predicted.result.outcome != "completed":
        raise failure("submit", EXIT_REFUSED, f"the dry run did not succeed: {predicted.result.error}")
    run_id = new_run_id()
    body = {
        "about": {"protocol": checked.source.protocol.name, "document": checked.source.document,
                  "parameters": checked.source.parameters},
        "durations_s": {span.action: span.end_s - span.start_s for span in predicted.result.spans},
        "predicted": predict(program, predicted.result.readings),
        "priority": priority,
        "deadline": None if deadline is None else deadline.timestamp(),
    }  # fmt: skip
    request = Request(key or uuid.uuid4().hex, "submit", run_id, body, who(), cell)
    known = answer_of(engine, request.id)
    if known is None:
        ask(engine, request, program)
        known = wait_for_answer(engine, request.id, ANSWER_S)
    if known is None:
        raise failure("submit", EXIT_UNREACHABLE, f"{cell} did not answer within {ANSWER_S:g} s; the request stands")
    if not known["ok"]:
        raise failure("submit", EXIT_REFUSED, known["error"])
    document = {
        "ok": True, "run_id": known["run_id"], "cell": known["cell"], "state": "queued",
        "predicted_s": predicted.result.duration_s,
    }  # fmt: skip
    line = f"{known['run_id']} queued in {known['cell']}; {predicted.result.duration_s:,.0f} s by itself"
    output.show("submit", document, [line])
