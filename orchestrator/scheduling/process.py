"""The solver in a process of its own: the lab's event loop and memory never carry OR-Tools.

Pipes are read in the loop's executor, which a virtual clock counts and waits for.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from orchestrator.scheduling.model import InvalidProblem, NoSchedule, Problem, Schedule
from orchestrator.scheduling.plain import to_schedule

ROOT = Path(__file__).resolve().parents[2]


class SolverFailed(RuntimeError):
    """The solver's process died, or met a defect of ours; the text says which. The next solve starts a new one."""


class SolverProcess:
    """One solver process, started when first needed and kept for the next problem. Use as an async context."""

    def __init__(self, *, workers: int = 2, seed: int = 0) -> None:
        self._workers, self._seed = workers, seed
        self._child: subprocess.Popen[bytes] | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> "SolverProcess":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def pid(self) -> int | None:
        """The process id of the solver while it lives."""
        return None if self._child is None or self._child.poll() is not None else self._child.pid

    async def solve(self, problem: Problem, seconds: float, hint: Schedule | None = None) -> AsyncGenerator[Schedule]:
        """Better and better plans, the first within some 50 ms of a warm process, for `seconds` of real time.

        A caller that stops listening (cancelled, or `aclose()`) kills the process. One problem at a time; others wait.
        Raises InvalidProblem, NoSchedule, or SolverFailed.
        """
        async with self._turn:
            ended = False
            try:
                child = await self._ready()
                await self._in_thread(self._send, child, problem, seconds, hint)
                while not ended:
                    answer = await self._answer(child)
                    if isinstance(answer, Schedule):
                        yield answer
                        continue
                    ended = True
                    _raise(answer)
            finally:
                if not ended:
                    await self._kill()

    async def close(self) -> None:
        """End the process."""
        await self._kill()

    async def _ready(self) -> "subprocess.Popen[bytes]":
        if self.pid is None:
            await self._kill()
            self._child = await self._in_thread(_start)
        assert self._child is not None  # noqa: S101 - for the type checker
        return self._child

    async def _answer(self, child: "subprocess.Popen[bytes]") -> Schedule | dict[str, Any]:
        answer = await self._in_thread(_listen, child)
        if answer is None:
            raise SolverFailed(f"the solver's process ended in mid-answer (code {await self._in_thread(child.wait)})")
        return answer  # type: ignore[no-any-return]

    async def _kill(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            await asyncio.shield(self._in_thread(_reap, child))

    def _send(self, child: "subprocess.Popen[bytes]", problem: Problem, seconds: float, hint: Schedule | None) -> None:
        asked = {
            "problem": problem, "seconds": seconds, "hint": hint, "workers": self._workers, "seed": self._seed,
        }  # fmt: skip
        try:
            assert child.stdin is not None  # noqa: S101 - for the type checker
            child.stdin.write(orjson.dumps(asked, option=orjson.OPT_APPEND_NEWLINE))
            child.stdin.flush()
        except BrokenPipeError:
            raise SolverFailed("the solver's process ended before it took the problem") from None

    async def _in_thread(self, job: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(None, job, *arguments)


def _start() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "orchestrator.scheduling.worker"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip


def _listen(child: "subprocess.Popen[bytes]") -> Schedule | dict[str, Any] | None:
    """The next line of the child: a schedule, another message, or None at its end."""
    assert child.stdout is not None  # noqa: S101 - for the type checker
    line = child.stdout.readline()
    message: dict[str, Any] | None = orjson.loads(line) if line else None
    return message if message is None or "schedule" not in message else to_schedule(message["schedule"])


def _reap(child: "subprocess.Popen[bytes]") -> None:
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                continue


def _raise(answer: dict[str, Any]) -> None:
    """The error of a failed solve, if it is one."""
    kinds: dict[str, type[Exception]] = {"InvalidProblem": InvalidProblem, "NoSchedule": NoSchedule}
    if "failed" in answer:
        raise kinds.get(answer["failed"], SolverFailed)(answer["text"])
