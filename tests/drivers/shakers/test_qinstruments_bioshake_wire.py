"""The shaker's words, held against what PyLabRobot and two other open drivers send and read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.shakers.qinstruments_bioshake import wire
from drivers.shakers.qinstruments_bioshake.wire import Replies, Request, Requests

PLR = "PyLabRobot 0.2.2, heating_shaking/bioshake_backend.py"
REQUESTS = [
    (b"resetDevice\r", Request("resetDevice"), f"{PLR}, reset"),
    (b"shakeGoHome\r", Request("shakeGoHome"), f"{PLR}, home"),
    (b"setShakeTargetSpeed500\r", Request("setShakeTargetSpeed", 500), f"{PLR}, start_shaking"),
    (b"setShakeAcceleration0\r", Request("setShakeAcceleration", 0), f"{PLR}, start_shaking"),
    (b"getShakeAccelerationMin\r", Request("getShakeAccelerationMin"), f"{PLR}, start_shaking"),
    (b"shakeOn\r", Request("shakeOn"), f"{PLR}, start_shaking"),
    (b"shakeOnWithRuntime30\r", Request("shakeOnWithRuntime", 30), "control-lab-ly, qinstruments_api.py"),
    (b"shakeOff\r", Request("shakeOff"), f"{PLR}, stop_shaking"),
    (b"setElmLockPos\r", Request("setElmLockPos"), f"{PLR}, lock_plate"),
    (b"setTempTarget370\r", Request("setTempTarget", 370), f"{PLR}, set_temperature: 0.1 degC"),
    (b"setTempTarget-50\r", Request("setTempTarget", -50), "control-lab-ly: down to -20 degC"),
    (b"ssts200\r\n", Request("setShakeTargetSpeed", 200), "Galago, tools/bioshake: short words, CR LF"),
    (b"gel\r\n", Request("getErrorList"), "Galago, tools/bioshake"),
    (b"son\r\n", Request("shakeOn"), "Galago, tools/bioshake"),
    (b"sonwr10\r\n", Request("shakeOnWithRuntime", 10), "Galago, tools/bioshake"),
    (b"dance\r", Request("dance"), "not a word"),
    (b"shakeOnx5\r", Request("shakeOnx5"), "not a word either"),
]
REPLIES = [
    (b"ok\r\n", "ok", f"{PLR}, _send_command"),
    (b"e\r\n", "e", f"{PLR}, _send_command"),
    (b"u -> dance\r\n", "u -> dance", f"{PLR}, _send_command"),
    (b"23.5\r\n", "23.5", f"{PLR}, get_current_temperature"),
    (b"Initialization complete\r\n", wire.BOOTED, f"{PLR}, reset"),
]


@pytest.mark.parametrize(("line", "request_", "source"), REQUESTS)
def test_requests_byte_by_byte(line, request_, source):
    assert Requests().feed(line) == [request_], source
    assert request_.is_known == (request_.word in wire.WORDS)


@pytest.mark.parametrize(("line", "reply", "source"), REPLIES)
def test_replies_byte_by_byte(line, reply, source):
    assert Replies().feed(line) == [reply], source
    assert wire.encode_reply(reply) == line, source


@given(st.sampled_from(sorted(wire.WORDS)), st.none() | st.integers(-99999, 999999))
def test_a_device_reads_what_a_client_writes(word, value):
    assert Requests().feed(wire.encode_request(word, value)) == [Request(word, value)]


@given(st.lists(st.binary(min_size=1, max_size=5), max_size=20))
def test_pieces_of_any_size_give_the_same_requests(pieces):
    whole = b"".join(pieces)
    cut, once = Requests(), Requests()
    assert [r for piece in pieces for r in cut.feed(piece)] == once.feed(whole)


def test_an_empty_list_of_errors():
    assert wire.errors("{}") == []
