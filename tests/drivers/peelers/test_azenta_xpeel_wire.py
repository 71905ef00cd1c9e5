"""The bytes of an XPeel, both roles. Sources: PyLabRobot 0.2.2 and later; the manual's examples in open drivers."""

import pytest

from drivers.peelers.azenta_xpeel import wire
from drivers.peelers.azenta_xpeel.wire import Peel, Requests


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"*xpeel:41\r\n", ["*xpeel:41"]),
        (b"*stat\r\n*reset\r\n", ["*stat", "*reset"]),
        (b"\r\n", []),
        (b"*xpeel:4", []),
    ],
)
def test_requests(data, lines):
    assert Requests().feed(data) == lines


@pytest.mark.parametrize(
    ("line", "peel"),
    [
        ("*xpeel:41", Peel(4, 2.5)), ("*xpeel:94", Peel(9, 10.0)), ("*xpeel:42.5", None), ("*xpeel:40", None),
        ("*xpeel:05", None), ("*xpeel:", None), ("*xpeel:412", None), ("*stat", None),
    ],
)  # fmt: skip
def test_peels(line, peel):
    assert wire.read_peel(line) == peel


@pytest.mark.parametrize(("seconds", "code"), [("2.5", 1), ("5.0", 2), ("7.5", 3), ("10.0", 4)])
def test_the_adhere_time_goes_as_a_digit(seconds, code):
    assert wire.mended(f"*xpeel:4{seconds}\r\n".encode()) == f"*xpeel:4{code}\r\n".encode()


def test_answers():
    assert wire.encode_ready() == b"*ready:00,00,00\r\n"
    assert wire.encode_ready(7, 20) == b"*ready:07,20,00\r\n"
    assert wire.ready("*ready:07,20,00 [Out of tape or tape broke]") == (7, 20)  # as PyLabRobot hands it on
    for wrong in ("*ready:", "*ready:1,2", "*ready:xx,00,00"):
        with pytest.raises(ValueError, match="codes|invalid"):
            wire.ready(wrong)


def test_the_codes_are_those_of_pylabrobot():
    from pylabrobot.peeling.xpeel_backend import XPeelBackend

    assert set(wire.CODES) == set(XPeelBackend._ERROR_DEFINITIONS) - {0}
