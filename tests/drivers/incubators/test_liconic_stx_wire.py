"""The bytes of a Liconic STX, both roles. Source: PyLabRobot 0.2.2, `storage/liconic` and its tests."""

import pytest

from drivers.incubators.liconic_stx import wire
from drivers.incubators.liconic_stx.wire import Request, Requests


@pytest.mark.parametrize(
    ("data", "requests"),
    [
        (b"CR\r", [Request("CR")]),
        (b"ST 1801\rRD 1915\r", [Request("ST", 1801), Request("RD", 1915)]),
        (b"WR DM890 00370\r", [Request("WR", 890, True, 370)]),
        (b"WR DM5 7\r", [Request("WR", 5, True, 7)]),
        (b"RD DM982\r", [Request("RD", 982, True)]),
        (b"WR 1904 1\r", [Request("")]),
        (b"WR DM5\r", [Request("")]),
        (b"ST 1904 1\r", [Request("")]),
        (b"?\r", [Request("")]),
        (b"\r\n", []),
        (b"ST 19", []),
    ],
)
def test_requests(data, requests):
    assert Requests().feed(data) == requests


def test_replies():
    assert wire.encode_reply("CC") == b"CC\r\n"
    assert wire.number(370) == "00370"
    fit = [(b"ST 1904\r", b"OK\r\n"), (b"CR\r", b"CC\r\n"), (b"WR DM5 7\r", b"E1\r\n"), (b"RD 1915\r", b"1\r\n"),
           (b"RD DM982\r", b"00370\r\n")]  # fmt: skip
    assert all(wire.answers(*pair) for pair in fit)
    assert not any(
        wire.answers(request, reply)
        for request, _ in fit
        for other, reply in fit
        if request[:2] == b"RD" and other[:2] == b"ST"
    )
    for reply in (b"", b"OK", b"E9\r\n", b"hello\r\n", b"123456\r\n"):
        assert not any(wire.answers(request, reply) for request, _ in fit)


def test_the_codes_are_those_of_pylabrobot():
    from pylabrobot.storage.liconic.constants import ControllerError, HandlingError

    known = {member.value for member in HandlingError}
    assert {wire.number(failure) for failure in wire.Failure if failure} <= known
    assert {wire.NO_RELAY, wire.NO_COMMAND} <= {member.value for member in ControllerError}
