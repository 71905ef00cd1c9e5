"""The TCS grammar, held against the maker's guide and against what PyLabRobot sends and reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.arms.precise_pf400 import wire
from drivers.arms.precise_pf400.wire import Replies, Reply, Request, Requests, TcsError
from drivers.core.errors import ProtocolViolation

GUIDE = "Precise Automation, TCS User's Guide 3.0C1"
REQUESTS = [
    (b"Move 1 5\n", Request("move", ("1", "5")), f"{GUIDE}, 3.3.1"),
    (b"WaitForEom\n", Request("waitforeom"), f"{GUIDE}, 3.3.1; 4.1: the case is ignored"),
    (b"Sig 13 1\r\n", Request("sig", ("13", "1")), f"{GUIDE}, 4.1: a CR before the LF is ignored"),
    (b"version\n", Request("version"), f"{GUIDE}, 2.4.3"),
    (b"mode 0\n", Request("mode", ("0",)), "PyLabRobot 0.2.2, precise_flex_backend_tests.py, test_setup"),
    (b"hp 1 20\n", Request("hp", ("1", "20")), "the same"),
    (b"GraspData 10.0 50.0 10.0\n", Request("graspdata", ("10.0", "50.0", "10.0")), "the same, grasp data"),
    (b"moveC 1 1 2 3 0 90 180 \n", Request("movec", ("1", "1", "2", "3", "0", "90", "180", "")), "as move_c writes"),
    (b"\n", Request(""), "an empty line is answered with success (TCS source, Class_command.gpl)"),
]  # fmt: skip
REPLIES = [
    (b"0\r\n", Reply(0), f"{GUIDE}, 2.5: 0 is success"),
    (b"0 0\r\n", Reply(0, "0"), f"{GUIDE}, 4.4.1: attach of a robot that is not attached"),
    (
        b"0 174.45 -46.05 569.41 -7.78 90 180 2\r\n",
        Reply(0, "174.45 -46.05 569.41 -7.78 90 180 2"),
        f"{GUIDE}, 4.4.2, wherec; the numbers are a real arm's (pharmbio/robotlab)",
    ),
    (b"-2805 *Unknown command*\r\n", Reply(-2805, "*Unknown command*"), f"{GUIDE}, appendix B"),
    (b"-2814 *Invalid location index*\r\n", Reply(-2814, "*Invalid location index*"), f"{GUIDE}, appendix B"),
    (b"-1009\r\n", Reply(-1009), "an error of GPL comes as its code alone in PC mode (TCS source, Class_command.gpl)"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "request_", "source"), REQUESTS)
def test_requests_byte_by_byte(line, request_, source):
    assert Requests().feed(line) == [request_], source


@pytest.mark.parametrize(("line", "reply", "source"), REPLIES)
def test_replies_byte_by_byte(line, reply, source):
    assert Replies().feed(line) == [reply], source
    assert wire.encode_reply(Reply(reply.code, reply.data if reply.code == 0 else "")) == line, source


def test_what_the_driver_asks():
    assert wire.encode_request("GraspPlate", 85.48, 50.0, 10.0) == b"GraspPlate 85.48 50 10\n"
    assert wire.encode_request("selectRobot", 1) == b"selectRobot 1\n"


@given(st.lists(st.binary(min_size=1, max_size=7), max_size=20))
def test_pieces_of_any_size_give_the_same_requests(pieces):
    whole = b"".join(pieces)
    cut, once = Requests(), Requests()
    assert [r for piece in pieces for r in cut.feed(piece)] == once.feed(whole)


@given(st.floats(-1e5, 1e5))
def test_numbers_are_written_to_a_thousandth_and_read_again(value):
    text = wire.number(value)
    assert "e" not in text
    assert abs(float(text) - value) <= 0.0005 + 1e-9
    assert Request("x", (text,)).numbers() == (float(text),)


@pytest.mark.parametrize("word", ["abc", "1,5", "nan", "inf", "0x10"])
def test_what_is_no_number(word):
    with pytest.raises(TcsError, match="-717"):
        Request("speed", ("1", word)).numbers()


def test_a_reply_without_a_code_breaks_the_protocol():
    with pytest.raises(ProtocolViolation, match="hello"):
        Replies().feed(b"hello\r\n")
