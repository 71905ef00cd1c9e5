"""What every sealer must do."""

import pytest

from drivers.core.errors import LimitError
from hardware_tests import tray
from hardware_tests.bench import Bench

ROLE = "Sealer"


def test_does_its_work_and_gives_the_plate_back(bench: Bench) -> None:
    """Twice."""
    tray.works_twice(bench, "seal", sealed=False)


def test_a_stop_ends_it(bench: Bench) -> None:
    """In mid-command."""
    tray.stops(bench, "seal", sealed=False)


def test_another_process_goes_on_where_this_one_was(bench: Bench) -> None:
    """By what the device itself can tell."""
    tray.outlives_its_process(bench, "seal", sealed=False)


def test_limits_hold_before_the_wire(bench: Bench) -> None:
    """A heat that would melt the plate is refused."""

    async def story(bench: Bench) -> None:
        with pytest.raises(LimitError):
            await bench.do("seal", labware="plate", temperature_c=500.0)

    bench.run(story, bench.first("Operator"))
