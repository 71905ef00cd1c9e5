"""`lab`: one command with many verbs; each verb's module is imported when it is called."""

import gc
import importlib
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from cli.output import EXIT_USAGE, Failure, Output

#: Verb -> its module in cli.commands (and the command's name there), and its line in the help.
VERBS: Mapping[str, tuple[str, str]] = {
    "abort": ("control:abort", "End a run safely."),
    "account": ("account", "Passwords of people."),
    "approvals": ("approve:approvals", "What waits for a person's word."),
    "approve": ("approve:approve", "A person's word on an approval."),
    "audit": ("audit", "Is the audit trail whole?"),
    "check": ("check", "Check lab.toml."),
    "choose": ("control:choose", "Say how a run goes on after a failure."),
    "clear": ("control:clear", "Say that sites are free again."),
    "devices": ("devices", "What is in the lab: role, address, limits, quality."),
    "doctor": ("doctor", "Look at this machine: versions, rooms, disk, clock, brokers."),
    "down": ("down", "End the lab's service."),
    "export": ("export", "Write a run as an RO-Crate."),
    "import": ("import_", "Turn a protocol of others into ours."),
    "pause": ("control:pause", "Begin nothing more of a run."),
    "plan": ("plan", "Run one of Bluesky's plans over a running lab's devices."),
    "plans": ("plan:listing", "Which of them there are, and their arguments."),
    "protocols": ("protocols", "The library of ready protocols."),
    "queue": ("queue", "What is under way and what waits, with its plan."),
    "registry": ("registry", "What this lab can do, signed."),
    "resume": ("control:resume", "Let a paused run go on."),
    "run": ("run", "Run a protocol on the twin or on the real lab."),
    "runs": ("runs", "What has been run."),
    "serve": ("serve", "One more HTTP and MCP interface of a lab."),
    "settle": ("control:settle", "Say what became of an action in doubt."),
    "simulate": ("simulate", "Dry-run a protocol on a fresh twin, in virtual time."),
    "sop": ("sop", "A protocol as people read it, to print."),
    "status": ("status", "Who works, what is under way, what waits for a person."),
    "stop": ("control:stop", "Stop every device at once."),
    "store": ("store", "Copy what the lab knows into another database."),
    "submit": ("submit", "Give a protocol to a running lab."),
    "token": ("token", "Tokens for the interface."),
    "twin": ("twin", "The simulated lab on real ports."),
    "up": ("up", "The lab as a service."),
    "validate": ("validate", "Check a protocol against this lab; nothing moves."),
}
#: What is asked of a running lab, at `--url` or by its store.
AT_URL = (
    "abort", "approvals", "approve", "choose", "clear", "pause", "plan", "queue", "resume", "runs", "settle", "status",
    "stop", "submit",
)  # fmt: skip
#: What the product calls itself, and nobody types.
HIDDEN = ("work",)


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS and cmd_name not in HIDDEN:
            return None
        module, _, name = VERBS.get(cmd_name, (cmd_name, ""))[0].partition(":")
        command: click.Command = getattr(importlib.import_module(f"cli.commands.{module}"), name or "command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, summary) for name, (_, summary) in VERBS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--lab", "lab_file", type=click.Path(path_type=Path), default=Path("lab.toml"), envvar="LAB_TOML", show_default=True
)
@click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), envvar="LAB_RUNS", show_default=True)
@click.option("--url", default="", envvar="LAB_URL", metavar="URL",
              help="Ask a running lab's interface, with the token in LAB_TOKEN.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.version_option(package_name="genesislab")
@click.pass_context
def cli(ctx: click.Context, lab_file: Path, runs: Path, url: str, as_json: bool) -> None:
    """Genesis Lab: a robotic laboratory and its twin."""
    typed = {name for name in ("url", "lab_file") if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if "url" in typed and ctx.invoked_subcommand not in AT_URL:
        raise click.UsageError(f"`lab {ctx.invoked_subcommand}` is not asked of an interface: leave --url out")
    if typed == {"lab_file"}:  # who names a lab does not mean the one of LAB_URL: `lab --lab other.toml stop`
        url = ""
    ctx.obj = Output(lab_file, runs, as_json, url)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every error is a sentence and an exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    # What is imported stays: it need not be looked through for garbage again and again meanwhile.
    gc.set_threshold(50_000, 20, 100)
    _set_up_logging()
    as_json = "--json" in arguments
    if as_json:  # it may stand anywhere
        arguments = ["--json", *(argument for argument in arguments if argument != "--json")]
    sys.exit(_run(_globals_first(arguments), as_json))


def _set_up_logging() -> None:
    """Libraries do not talk to the user; LAB_LOG=info (or debug) lets them, on standard error."""
    level = os.environ.get("LAB_LOG", "").upper()
    if level in logging.getLevelNamesMapping():
        logging.basicConfig(level=level)
    else:
        logging.getLogger().addHandler(logging.NullHandler())


def _globals_first(arguments: list[str]) -> list[str]:
    """`--lab`, `--runs` and `--url` may stand behind the verb as well."""
    front: list[str] = []
    rest: list[str] = []
    takes = iter(arguments)
    for argument in takes:
        if argument in ("--lab", "--runs", "--url"):
            front += [argument, *(value for value in [next(takes, None)] if value is not None)]
        elif argument.startswith(("--lab=", "--runs=", "--url=")):
            front.append(argument)
        else:
            rest.append(argument)
    return front + rest


def _run(arguments: list[str], as_json: bool) -> int:
    try:
        if {"--twin", "--real"} <= {*arguments}:  # the later one would win without a word, and it may be the real one
            raise click.UsageError("--twin and --real at once: which of them?")
        cli.main(args=arguments, prog_name="lab", standalone_mode=False)
        return 0
    except Failure as failure:
        failure.show(as_json)
        return failure.code
    except click.ClickException as error:
        usage = {"schema": "lab-error/1", "ok": False, "error": error.format_message()}
        if as_json:
            Output.print_json(usage)
        else:
            error.show()
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except BrokenPipeError:
        return 0
    except Exception as error:  # the last line of defence: never a traceback at a user, and nothing lost
        return _unforeseen(error, as_json)


def _unforeseen(error: Exception, as_json: bool) -> int:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="lab-error-", suffix=".txt", delete=False) as file:
        traceback.print_exception(error, file=file)
    message = (
        f"this is our mistake: {type(error).__name__}: {error}. What happened is kept in {file.name}; please send it."
    )
    document: dict[str, Any] = {"schema": "lab-error/1", "ok": False, "error": message}
    if as_json:
        Output.print_json(document)
    else:
        click.echo(f"lab: {message}", err=True)
    return 1


if __name__ == "__main__":
    main()
