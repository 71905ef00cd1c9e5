"""Keeps a cell's worker alive: one that died or hangs is noticed within five seconds, ended, and replaced.

The supervisor has no devices and no state: it may die as well, and the worker goes on; the next supervisor adopts it
by its lease.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Engine

from orchestrator.store.requests import alive

SILENT_S = 3.0  # a worker shows life every second
LOOK_S = 0.25
GRACE_S = 30.0  # for a worker's start: imports, and folding a long journal
GIVE_UP_AFTER = 5  # workers in a row that died before they showed life

Tell = Callable[[str], None]


class WorkerFailed(Exception):
    """Workers die as soon as they start; the message is what the last one said."""


def supervise(
    command: Sequence[str], engine: Engine, cell: str, tell: Tell, *, until: Callable[[], bool] = lambda: False
) -> None:
    """Run `command` as the cell's worker until it ends by itself (exit code 0) or `until` says so.

    A worker that another supervisor started and that lives is watched, and replaced when it is gone.
    """
    failures = 0
    holder = _holder(engine, cell)
    if holder and _silent_s(engine, cell) < SILENT_S:
        tell(f"{holder} works in {cell}; watching it")
        if _watch_adopted(engine, cell, holder, until):
            return
        tell(f"{holder} is gone")
    while not until():
        gone = _holder(engine, cell)
        process = subprocess.Popen(  # noqa: S603 - our own command line
            [*command, "--gone", gone] if gone else command, stderr=subprocess.PIPE, text=True
        )
        lived, code = _watch(process, engine, cell, gone, tell, until)
        if code == 0 or until():
            return
        failures = 0 if lived else failures + 1
        said = process.stderr.read().strip() if process.stderr else ""
        if failures == GIVE_UP_AFTER or code == 2:
            raise WorkerFailed(said or f"the worker ended with {code}")
        tell(f"the worker of {cell} ended with {code}; starting another" + (f": {said}" if said else ""))


def _watch(
    process: "subprocess.Popen[str]", engine: Engine, cell: str, gone: str, tell: Tell, until: Callable[[], bool]
) -> tuple[bool, int]:
    """Until the worker ends; one that shows no life is ended. Whether it ever worked, and its exit code."""
    lived, shown_at = False, time.monotonic()
    while process.poll() is None:
        if until():
            process.send_signal(signal.SIGTERM)
            return lived, process.wait()
        time.sleep(LOOK_S)
        works = _holder(engine, cell) not in ("", gone)
        lived = lived or works
        if not works:  # it starts, or it has given the cell back and ends: both may take their time
            silent, patience = time.monotonic() - shown_at, GRACE_S
        else:
            silent, patience, shown_at = _silent_s(engine, cell), SILENT_S, time.monotonic()
        if silent > patience:
            tell(f"the worker of {cell} has shown no life for {silent:.1f} s; ending it")
            process.kill()
            process.wait()
    return lived, process.returncode


def _watch_adopted(engine: Engine, cell: str, holder: str, until: Callable[[], bool]) -> bool:
    """Until a worker that is no child of ours is gone; whether we were told to end first."""
    pid = int(holder.split(":")[1])
    while _holder(engine, cell) == holder:
        if until():
            return True
        if _silent_s(engine, cell) > SILENT_S:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)  # it hangs: its lease is lost, and it must not wake up again
            return False
        time.sleep(LOOK_S)
    return not _holder(engine, cell)


def _holder(engine: Engine, cell: str) -> str:
    return str(alive(engine).get(cell, {}).get("holder", ""))


def _silent_s(engine: Engine, cell: str) -> float:
    return float(alive(engine).get(cell, {}).get("silent_s", 0.0))
