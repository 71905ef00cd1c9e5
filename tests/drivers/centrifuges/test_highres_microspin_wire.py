"""The bytes of a MicroSpin, both roles. Source: PyLabRobot 0.2.2, `centrifuge/highres` (texts recorded at a device)."""

import pytest

from drivers.centrifuges.highres_microspin import wire
from drivers.centrifuges.highres_microspin.wire import Request, Requests


@pytest.mark.parametrize(
    ("data", "requests"),
    [
        (b"home\r\n", [Request("home", "home")]),
        (b"hss\r\n", [Request("hss", "homedstatus")]),
        (b"spin 1000 100 20 10\r\n", [Request("spin 1000 100 20 10", "spin", ("1000", "100", "20", "10"))]),
        (b"cba\r\nabort\r\n", [Request("cba", "clearbuttonabort"), Request("abort", "abort")]),
        (b"\r\n \r\n", []),
        (b"open", []),
    ],
)
def test_requests(data, requests):
    assert Requests().feed(data) == requests


@pytest.mark.parametrize(
    ("args", "numbers"),
    [
        ("1000 100 20 10", (1000, 100, 20, 10)), ("3001 80 80 10", None), ("0 80 80 10", None),
        ("500 101 80 10", None), ("500 80 80 0", None), ("500 80 80", None), ("500 80 80 1.5", None),
    ],
)  # fmt: skip
def test_spins(args, numbers):
    assert wire.spin_numbers(tuple(args.split())) == numbers
