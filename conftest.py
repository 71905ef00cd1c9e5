"""What holds for every test of every room: a test that runs too long ends, and tests of one group share a process."""

import gc
import os
import signal
from collections.abc import Generator
from types import FrameType
from typing import Any

import hypothesis
import pytest

# How long an example takes says more of the machine than of us. CI tries the same examples each time, so that what
# lands is not a matter of luck; elsewhere they are new every time.
hypothesis.settings.register_profile("lab", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("lab")


class TookTooLong(KeyboardInterrupt):
    """A test's time is over: of this kind, since asyncio gives others to the task that happened to run."""


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> bool:
    """Where pytest-timeout raises what a busy event loop swallows, raise what ends the loop."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise TookTooLong(f"the test took longer than {settings.timeout:g} s")

    def cancel() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    item.cancel_timeout = cancel  # type: ignore[attr-defined]
    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, settings.timeout)
    return True


def _failed() -> Generator[None, Any, Any]:
    try:
        return (yield)
    except TookTooLong as late:
        raise pytest.fail.Exception(str(late)) from late


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, Any, Any]:
    """A set-up that took too long is an error of its test, not the end of the session."""
    return (yield from _failed())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, Any, Any]:
    """A test that took too long has failed; the session goes on."""
    return (yield from _failed())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to run groups apart: xdist marks them in the name, which a newer pytest does not let it change."""
    if getattr(config.option, "loadgroup", False):
        apart = [one.nodeid for one in items if one.get_closest_marker("xdist_group") and "@" not in one.nodeid]
        if apart:
            raise pytest.UsageError(f"pytest-xdist does not know the groups of {len(apart)} tests, as {apart[0]}")


def pytest_collection_finish() -> None:
    """What was imported and collected stays: nobody looks through it for garbage again and again.

    What the tests leave behind is still looked for, and so are warnings of what nobody closed.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
