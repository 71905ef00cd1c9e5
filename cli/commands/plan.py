"""`lab plan` and `lab plans`: Bluesky's own plans over a running lab's devices, each under a reservation of them."""

import inspect
import json
from collections.abc import Callable
from typing import Any

import click

from cli.output import Output, world_option
from cli.service import Planning, desk


@click.command("plan", context_settings={"ignore_unknown_options": True})  # -5 is a place, not an option
@click.argument("name")
@click.argument("arguments", nargs=-1)
@world_option
@click.option("--key", default=None, help="Yours: asking twice under one key is asking once.")
@click.pass_obj
def command(output: Output, name: str, arguments: tuple[str, ...], world: str | None, key: str | None) -> None:
    """Put a plan of Bluesky's in line for its devices. Returns at once; `lab runs` tells how it ended.

    ARGUMENTS are the plan's, in its order, each as JSON or a bare word; NAME=VALUE gives one by its name:

      lab plan scan '["environment"]' axis 0 20 num=5
    """
    args = [_value(word) for word in arguments if not _named(word)]
    kwargs = {word.partition("=")[0]: _value(word.partition("=")[2]) for word in arguments if _named(word)}
    told = desk(output, "plan").plan(Planning(name, args, kwargs, world, key))
    output.show("plan", {"ok": True, **told}, [f"{told['run_id']} {told['state']} in {told['cell']}"])


@click.command("plans")
@click.pass_obj
def listing(output: Output) -> None:
    """Bluesky's plans that may be run here, with their arguments."""
    from protocols.scans import PLANS

    plans = [
        {"name": name, "arguments": _signature(plan), "what": (plan.__doc__ or "").strip()}
        for name, plan in PLANS.items()
    ]
    output.show("plans", {"ok": True, "plans": plans}, [f"{p['name']}{p['arguments']}  {p['what']}" for p in plans])


def _signature(plan: Callable[..., None]) -> str:
    """The arguments as one types them, without types."""
    told = inspect.signature(plan)
    bare = [one.replace(annotation=one.empty) for one in told.parameters.values()]
    return str(told.replace(parameters=bare, return_annotation=told.empty))


def _named(word: str) -> bool:
    return word.partition("=")[0].isidentifier() and "=" in word


def _value(word: str) -> Any:
    try:
        return json.loads(word)
    except ValueError:
        return word
