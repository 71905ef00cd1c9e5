"""What the verbs that speak to a running lab share: who asks, which world, and where the lab answers."""

import getpass
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cli.output import EXIT_UNREACHABLE, Output, failure

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from cli.interface import Interface
    from labfile.lab import Lab


@dataclass(frozen=True, slots=True)
class Submitting:
    """What `lab submit` was told."""

    file: Path
    parameters: tuple[str, ...]
    world: str | None
    anywhere: bool
    priority: int
    deadline: datetime | None
    key: str | None
    approval: str | None


@dataclass(frozen=True, slots=True)
class Planning:
    """What `lab plan` was told."""

    name: str
    args: list[Any]
    kwargs: dict[str, Any]
    world: str | None
    key: str | None


class Desk(Protocol):
    """Where a running lab is asked. Every answer is what `--json` shows; a refusal or silence is a `Failure`."""

    def cells(self) -> list[dict[str, Any]]:
        """Every cell: its worker, its runs, what is held and what was left behind."""

    def queue(self, world: str | None, *, gantt: bool) -> dict[str, Any]:
        """Runs that have not ended, by planned end; with plan and reality where a Gantt chart is wanted."""

    def runs(self) -> list[dict[str, Any]]:
        """What has been run, the newest first."""

    def run(self, run_id: str) -> dict[str, Any]:
        """One run with its files."""

    def submit(self, asked: Submitting) -> dict[str, Any]:
        """Check, dry-run and queue a protocol."""

    def plan(self, asked: Planning) -> dict[str, Any]:
        """Check a plan of Bluesky's, and put it in line for its devices."""

    def say(self, kind: str, run_id: str, body: Mapping[str, Any], world: str | None) -> None:
        """Pause, resume, abort, stop, settle, choose or clear."""


def desk(output: Output, verb: str) -> Desk:
    """The interface at `--url`, else the store of the lab file; decided here and nowhere else."""
    if output.url:
        return interface(output, verb)
    from cli.own_store import OwnStore

    return OwnStore(output, verb)


def interface(output: Output, verb: str) -> "Interface":
    """The interface at `--url`, else where `[api]` of the lab file has it."""
    from cli.interface import Interface

    return Interface(output, verb, output.url or _url_of(output, verb))


def _url_of(output: Output, verb: str) -> str:
    lab = output.lab(verb)
    if lab.api.port == 0:
        raise failure(verb, EXIT_UNREACHABLE, f"{output.lab_file} leaves the port open: give --url, or set LAB_URL")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(lab.api.host, lab.api.host)  # noqa: S104 - to be asked, not to listen
    return f"{'https' if lab.api.certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{lab.api.port}"


def world_of(lab: "Lab", world: str | None) -> str:
    """The world that was asked for, else the lab file's own."""
    return world or lab.mode


def store(output: Output, verb: str, lab: "Lab") -> "Engine":
    """The lab's store."""
    from labfile.secret import SecretMissing
    from orchestrator.store.database import StoreError, open_store, url_of

    try:
        return open_store(url_of(lab))
    except (StoreError, SecretMissing) as error:
        raise failure(verb, EXIT_UNREACHABLE, str(error)) from error


def tell_warnings(*loggers: str) -> None:
    """Say on standard error what goes wrong there, also where nobody asked for a log."""
    for name in loggers if "LAB_LOG" not in os.environ else ():
        logging.getLogger(name).addHandler(logging.StreamHandler())
        logging.getLogger(name).setLevel(logging.WARNING)


def who() -> str:
    """Who asks: LAB_USER, else the name of the account. Proof of identity is the API's matter."""
    return os.environ.get("LAB_USER") or getpass.getuser()


def by_planned_end(runs: Mapping[str, Mapping[str, Any]], plan: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs with when they are planned to begin and to end, in the order of their ends."""
    told = []
    for run_id, run in runs.items():
        mine = [task for task in plan if task["run_id"] == run_id]
        start = min((task["start"] for task in mine), default=None)
        end = max((task["end"] for task in mine), default=None)
        told.append({"run_id": run_id, **run, "planned_start": start, "planned_end": end})
    return sorted(told, key=lambda run: run["planned_end"] or float("inf"))
