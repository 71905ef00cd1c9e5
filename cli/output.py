"""What every verb shares: where the lab file is, text or JSON, problems and exit codes."""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from labfile.lab import Lab
    from protocols.check import Checked
    from protocols.parse import Source
    from protocols.problems import Problem

EXIT_USAGE = 2
EXIT_UNREACHABLE = 3
EXIT_INVALID = 4
EXIT_REFUSED = 5
EXIT_FAILED = 6
EXIT_ABORTED = 7
EXIT_PERSON = 8


class Failure(Exception):
    """The verb ends here: with this exit code, these lines for a person, this object for a program."""

    def __init__(self, code: int, lines: Iterable[str], document: Mapping[str, Any]) -> None:
        super().__init__(code)
        self.code, self.lines, self.document = code, list(lines), dict(document)

    def show(self, as_json: bool) -> None:
        """Tell it."""
        if as_json:
            Output.print_json(self.document)
        else:
            for line in self.lines:
                click.echo(line, err=True)


def failure(verb: str, code: int, message: str) -> Failure:
    """A failure with one message."""
    return Failure(code, [f"lab {verb}: {message}"], {"schema": f"lab-{verb}/1", "ok": False, "error": message})


@dataclass(frozen=True, slots=True)
class Output:
    """The options in front of every verb."""

    lab_file: Path
    runs: Path
    as_json: bool
    url: str = ""

    @staticmethod
    def print_json(document: Mapping[str, Any]) -> None:
        """One object on standard output."""
        click.echo(json.dumps(document, default=str))

    def show(self, verb: str, document: Mapping[str, Any], lines: Iterable[str]) -> None:
        """The verb's answer, as JSON or as text."""
        if self.as_json:
            self.print_json({"schema": f"lab-{verb}/1", **document})
        else:
            for line in lines:
                click.echo(line)

    def lab(self, verb: str) -> "Lab":
        """The lab file, or every problem with it."""
        from labfile import LabFileError, read

        try:
            return read(self.lab_file)
        except LabFileError as error:
            errors = [asdict(problem) for problem in error.problems]
            document = {"schema": f"lab-{verb}/1", "ok": False, "errors": errors}
            raise Failure(EXIT_INVALID, [str(problem) for problem in error.problems], document) from error

    def source(self, verb: str, file: Path, parameters: Iterable[str]) -> "Source":
        """A protocol file with its parameters, or every problem with it."""
        from protocols.parse import read
        from protocols.problems import ProtocolError

        try:
            return read(file, values(parameters))
        except ProtocolError as error:
            raise problems_failure(verb, file, error.problems) from error

    def checked(self, verb: str, file: Path, parameters: Iterable[str]) -> "Checked":
        """A protocol checked against the lab; blocking problems end the verb."""
        from orchestrator.labview import view
        from protocols.check import check, everything
        from protocols.parse import read
        from protocols.problems import ProtocolError, blocking

        lab = view(self.lab(verb))
        try:
            checked = check(read(file, values(parameters)), lab)
        except ProtocolError as error:
            raise problems_failure(verb, file, everything(error, lab)) from error
        if blocking(checked.problems):
            extra = {"protocol_hash": checked.source.hash}
            raise problems_failure(verb, file, checked.problems, extra)
        return checked


def problems_failure(
    verb: str, file: Path, problems: Iterable["Problem"], extra: Mapping[str, Any] | None = None
) -> Failure:
    """A protocol that may not run: all its problems at once."""
    problems = list(problems)
    document = {"schema": f"lab-{verb}/1", "ok": False, **(extra or {}), "problems": [asdict(p) for p in problems]}
    return Failure(EXIT_INVALID, [f"{file}: {problem}" for problem in problems], document)


def values(parameters: Iterable[str]) -> dict[str, str]:
    """Options NAME=VALUE as a table."""
    found = {}
    for text in parameters:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{text!r} is not name=value", param_hint="--param")
        found[name] = value
    return found


def on_terminal() -> bool:
    """Whether progress may be drawn (standard error is a terminal)."""
    return sys.stderr.isatty()


file_argument = click.argument("file", type=click.Path(path_type=Path))
param_option = click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="Set a parameter.")


def world_option(command: Any) -> Any:
    """`--twin` or `--real` as the parameter `world`; None where the lab file's own mode is meant."""
    for world, told in (("real", "The instruments."), ("twin", "The simulated lab.")):
        command = click.option(f"--{world}", "world", flag_value=world, help=told)(command)
    return command
