"""What every peeler must do."""

from hardware_tests import tray
from hardware_tests.bench import Bench

ROLE = "Peeler"


def test_does_its_work_and_gives_the_plate_back(bench: Bench) -> None:
    """Twice."""
    tray.works_twice(bench, "peel", sealed=True)


def test_a_stop_ends_it(bench: Bench) -> None:
    """In mid-command."""
    tray.stops(bench, "peel", sealed=True)


def test_another_process_goes_on_where_this_one_was(bench: Bench) -> None:
    """By what the device itself can tell."""
    tray.outlives_its_process(bench, "peel", sealed=True)
