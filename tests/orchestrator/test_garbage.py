"""A worker's whole is looked through at rest, and at work only once an hour."""

import gc
from collections.abc import Iterator

import pytest

from orchestrator.garbage import Garbage

#: These look through everything there is, and so find what tests before them in this process have left.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


class Ring:
    """What only the collector frees: it holds itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def now() -> Iterator[list[float]]:
    before = gc.get_threshold()
    yield [0.0]
    gc.set_threshold(*before)
    gc.unfreeze()


def rings() -> int:
    gc.disable()
    try:
        return sum(type(thing) is Ring for thing in gc.get_objects())
    finally:
        gc.enable()


def test_at_rest_a_minute_is_enough_at_work_an_hour(now: list[float]) -> None:
    garbage = Garbage(lambda: now[0])
    looks = []
    for at, at_rest in [(59, True), (61, False), (61, True), (3600, False), (3662, False), (3700, True)]:
        now[0] = float(at)
        looks.append(garbage.look(at_rest=at_rest))
    assert looks == [False, False, True, False, True, False]


def test_what_was_alive_at_one_look_and_is_not_at_the_next_is_freed(now: list[float]) -> None:
    garbage = Garbage(lambda: now[0])
    kept = Ring()
    now[0] = 100.0
    assert garbage.look(at_rest=True)
    assert kept.itself
    del kept
    now[0] = 4000.0
    assert garbage.look(at_rest=False)
    gc.unfreeze()
    assert rings() == 1  # it was frozen, and only a look at rest thaws
    now[0] = 4100.0
    assert garbage.look(at_rest=True)
    gc.unfreeze()
    assert rings() == 0
