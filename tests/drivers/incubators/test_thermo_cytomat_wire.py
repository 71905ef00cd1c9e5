"""The bytes of a Cytomat, both roles. Sources: PyLabRobot 0.2.2 `storage/cytomat`, smartlab-network/open-cytomat."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.incubators.thermo_cytomat import wire
from drivers.incubators.thermo_cytomat.wire import Refusal, Request, Requests, Status


@pytest.mark.parametrize(
    ("data", "requests"),
    [
        (b"ll:in\r\n", [Request("ll:in")]),  # PyLabRobot ends with CR LF,
        (b"ll:in\r", [Request("ll:in")]),  # open-cytomat with CR
        (b"mv:ts 007\r\n", [Request("mv:ts", "007")]),
        (b"ll:it 37.0\r", [Request("ll:it", "37.0")]),
        (b"ch:bs\r\nrs:be\r\n", [Request("ch:bs"), Request("rs:be")]),
        (b"\r\n", []),
        (b"mv:ts 0", []),
    ],
)
def test_requests(data, requests):
    assert Requests().feed(data) == requests


@given(st.lists(st.sampled_from([b"ch:bs\r\n", b"mv:st 012\r", b"ll:gp 001\r\n"]), max_size=5), st.data())
def test_requests_come_in_pieces_of_any_size(telegrams, data):
    stream, reader, found = b"".join(telegrams), Requests(), []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        found += reader.feed(stream[:cut])
        stream = stream[cut:]
    assert found == Requests().feed(b"".join(telegrams))


@pytest.mark.parametrize(("text", "slot"), [("007", 7), ("042", 42), ("7", None), ("007?", None), ("", None)])
def test_slots_have_three_digits(text, slot):
    assert Request("mv:ts", text).slot == slot


def test_replies():
    assert wire.encode_ok(Status.BUSY) == b"ok 01\r"
    assert wire.encode_refusal(Refusal.STATION_EMPTY) == b"er 31\r"
    assert wire.encode_value("ch:it", "+37.0 +34.1") == b"it +37.0 +34.1\r"
    asked = b"ch:it\r\n"
    assert all(wire.answers(reply, asked) for reply in (b"ok 01\r", b"\ner 31\r", b"it +37.0 +34.1\r"))
    wrong = (b"", b"ok 01", b"ok\r", b"hello\r", b"\xff\xfe 01\r", b"bs 01\r", b"it +37.0 +34.1")
    assert not any(wire.answers(reply, asked) for reply in wrong)


def test_the_overview_register_is_that_of_pylabrobot():
    from pylabrobot.storage.cytomat.schemas import OverviewRegisterState

    names = {
        Status.BUSY: "busy_bit_set", Status.READY: "ready_bit_set", Status.WARNING: "warning_register_set",
        Status.ERROR: "error_register_set", Status.SHOVEL: "handler_occupied", Status.GATE: "automatic_gate_open",
        Status.DOOR: "device_door_open", Status.STATION: "transfer_station_occupied",
    }  # fmt: skip
    for bit in Status:
        state = OverviewRegisterState.from_resp(f"{bit:02X}")
        assert [name for name in names.values() if getattr(state, name)] == [names[bit]]


def test_the_codes_are_those_of_pylabrobot():
    from pylabrobot.storage.cytomat.constants import ErrorRegister
    from pylabrobot.storage.cytomat.errors import error_map

    assert set(Refusal) <= set(error_map)
    assert {f"{fault:02X}" for fault in wire.Fault} <= {member.value for member in ErrorRegister}
