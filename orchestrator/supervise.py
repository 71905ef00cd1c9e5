"""Keeps a cell's worker alive: one that died or hangs is noticed within five seconds, ended, and replaced.

The supervisor has no devices and no state: it may die as well, and the worker goes on; the next supervisor adopts it
by its lease.
"""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Engine

from orchestrator.store.requests import alive

SILENT_S = 4.5  # a worker shows life twice a second; five are allowed to notice that it does not
LOOK_S = 0.25
GRACE_S = 30.0  # for a worker's start (imports, folding a long journal), and for its end
GIVE_UP_AFTER = 5  # workers in a row that died before they showed life
_SAID = 20  # lines of a worker's last words

Tell = Callable[[str], None]


class WorkerFailed(Exception):
    """Workers die as soon as they start; the message is what the last one said."""


def supervise(
    command: Sequence[str], engine: Engine, cell: str, tell: Tell, *, until: Callable[[], bool] = lambda: False
) -> None:
    """Run `command` as the cell's worker until it ends by itself (exit code 0) or `until` says so.

    A worker that another supervisor started and that lives is watched, and replaced when it is gone. What workers
    write on standard error is told, line by line.
    """
    failures = 0
    before = _holder(engine, cell)
    if before and _silent_s(engine, cell) < SILENT_S:
        tell(f"{before} works in {cell}; watching it")
        if _watch_adopted(engine, cell, before, until):
            return
        tell(f"{before} is gone")
    while not until():
        before = _holder(engine, cell)
        dead = ["--gone", before] if before and end(before) else []  # else its lease must run out first
        process = subprocess.Popen([*command, *dead], stderr=subprocess.PIPE, text=True)  # noqa: S603 - our own words
        said = _hear(process, tell)
        lived, code = _watch(process, engine, cell, before, tell, until)
        if code == 0 or until():
            return
        failures = 0 if lived else failures + 1
        last = "\n".join(said()) or f"the worker ended with {code}"
        if failures == GIVE_UP_AFTER or code == 2:
            raise WorkerFailed(last)
        tell(f"the worker of {cell} ended with {code}; starting another")


def end(holder: str) -> bool:
    """Make sure that a worker, named as in its lease, never wakes up again; whether that is certain.

    It is not for one of another machine, nor where this machine does not tell what a process is (only Linux's /proc
    does): then its lease must run out, and fences it.
    """
    host, pid, _ = holder.split(":")
    if host != socket.gethostname():
        return False
    if not _runs(int(pid)):
        return True
    if not _is_worker(int(pid)):
        return Path("/proc/self/cmdline").exists()  # its number is another's by now
    os.kill(int(pid), signal.SIGKILL)
    return True


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_worker(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"work" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return False


def _hear(process: "subprocess.Popen[str]", tell: Tell) -> Callable[[], Sequence[str]]:
    """Tell what a worker says while it says it (a full pipe would stop it); returns its last words, once it ended."""
    lines: deque[str] = deque(maxlen=_SAID)

    def listen() -> None:
        if (pipe := process.stderr) is None:
            return
        with pipe:
            for line in pipe:
                lines.append(line.rstrip())
                tell(lines[-1])

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()

    def last_words() -> Sequence[str]:
        listener.join(SILENT_S)  # a child of the worker may hold the pipe open
        return list(lines)

    return last_words


def _watch(
    process: "subprocess.Popen[str]", engine: Engine, cell: str, before: str, tell: Tell, until: Callable[[], bool]
) -> tuple[bool, int]:
    """Until the worker ends; one that shows no life is ended. Whether it ever worked, and its exit code."""
    lived, shown_at = False, time.monotonic()
    while process.poll() is None:
        if until():
            return lived, _let_end(process)
        time.sleep(LOOK_S)
        works = _holder(engine, cell) not in ("", before)
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


def _let_end(process: "subprocess.Popen[str]") -> int:
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _watch_adopted(engine: Engine, cell: str, holder: str, until: Callable[[], bool]) -> bool:
    """Until a worker that is no child of ours is gone; whether it ended because it was told to."""
    host, pid, _ = holder.split(":")
    near = host == socket.gethostname()
    told = False
    while _holder(engine, cell) == holder:
        if until() and not told:
            told = True
            if not near or not _is_worker(int(pid)):
                return True  # it is not ours to end
            os.kill(int(pid), signal.SIGTERM)
        if _silent_s(engine, cell) > SILENT_S or (near and not _runs(int(pid))):
            return told
        time.sleep(LOOK_S)
    return told or not _holder(engine, cell)


def _holder(engine: Engine, cell: str) -> str:
    return str(alive(engine).get(cell, {}).get("holder", ""))


def _silent_s(engine: Engine, cell: str) -> float:
    return float(alive(engine).get(cell, {}).get("silent_s", 0.0))
