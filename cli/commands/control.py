"""`lab pause`, `resume`, `abort`, `stop`, `settle`, `choose`, `clear`: what a person may say to a running lab."""

import click

from cli.output import Output, world_option
from cli.service import desk

_run = click.argument("run_id")


def _said(output: Output, verb: str, run_id: str, state: str, line: str) -> None:
    output.show(verb, {"ok": True, "run_id": run_id, "state": state}, [line])


@click.command("pause")
@_run
@world_option
@click.pass_obj
def pause(output: Output, run_id: str, world: str | None) -> None:
    """Begin nothing more of a run; what is under way goes on to its end."""
    desk(output, "pause").say("pause", run_id, {}, world)
    _said(output, "pause", run_id, "paused", f"{run_id} pauses after what it does now")


@click.command("resume")
@_run
@world_option
@click.pass_obj
def resume(output: Output, run_id: str, world: str | None) -> None:
    """Let a paused run go on."""
    desk(output, "resume").say("resume", run_id, {}, world)
    _said(output, "resume", run_id, "running", f"{run_id} goes on")


@click.command("abort")
@_run
@world_option
@click.option("--reason", default="", help="For the record.")
@click.pass_obj
def abort(output: Output, run_id: str, world: str | None, reason: str) -> None:
    """End a run safely: what is under way ends, devices come to rest, a person takes the labware out."""
    desk(output, "abort").say("abort", run_id, {"reason": reason}, world)
    _said(output, "abort", run_id, "ending", f"{run_id} ends")


@click.command("stop")
@world_option
@click.pass_obj
def stop(output: Output, world: str | None) -> None:
    """Stop every device at once. Never gated; the emergency stop of the hardware is the safe one."""
    desk(output, "stop").say("stop", "", {}, world)
    _said(output, "stop", "", "stopped", "every device was told to stop")


@click.command("settle")
@_run
@click.argument("action")
@click.argument("verdict", type=click.Choice(["done", "not_done"]))
@click.option("--evidence", required=True, help="What you saw.")
@world_option
@click.pass_obj
def settle(output: Output, run_id: str, action: str, verdict: str, evidence: str, world: str | None) -> None:
    """Say what became of an action of which the lab does not know; the run goes on from there."""
    desk(output, "settle").say("settle", run_id, {"action": action, "verdict": verdict, "evidence": evidence}, world)
    _said(output, "settle", run_id, "running", f"{action} of {run_id}: {verdict}")


#: As `orchestrator.state.records.Choice`, which a test holds it to; its import would cost every command time.
CHOICES = ("retry", "skip", "by_hand", "go_back", "abort")


@click.command("choose")
@_run
@click.argument("action")
@click.argument("choice", type=click.Choice(CHOICES))
@click.option("--step", default="", help="go_back: the step to begin again at.")
@world_option
@click.pass_obj
def choose(output: Output, run_id: str, action: str, choice: str, step: str, world: str | None) -> None:
    """Say how a run goes on after a failed action: retry, skip, by_hand, go_back or abort."""
    desk(output, "choose").say("choose", run_id, {"action": action, "choice": choice, "note": step}, world)
    _said(output, "choose", run_id, "running", f"{action} of {run_id}: {choice}")


@click.command("clear")
@click.argument("sites", nargs=-1, required=True)
@world_option
@click.pass_obj
def clear(output: Output, sites: tuple[str, ...], world: str | None) -> None:
    """Say that you took away what ended runs had left on these sites."""
    desk(output, "clear").say("clear", "", {"things": list(sites)}, world)
    _said(output, "clear", "", "clear", f"free: {', '.join(sites)}")
