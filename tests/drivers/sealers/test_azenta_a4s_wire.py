"""The bytes of an a4S, both roles. Sources: frames recorded by AD-SDL `a4s_sealer_module`; PyLabRobot 0.2.2."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.sealers.azenta_a4s import wire
from drivers.sealers.azenta_a4s.wire import Code, Command, Commands, Heater, Sensor, State, System

RECORDED = [
    b"*T01:26:12=0224,0,0,00,00,188,000GD!", b"*T01:26:34=0224,0,0,00,00,188,000FP!",
    b"*T01:29:23=0432,0,2,00,00,188,000FL!", b"*D515A=0000272060,0000000000FL!", b"*D515A=0000271701,0000000000FK!",
    b"*Y00PM!", b"*N01AG!", b"*N00AH!",
]  # fmt: skip


@pytest.mark.parametrize("frame", RECORDED)
def test_the_check_of_recorded_frames(frame):
    assert wire.check_letters(frame[:-3]) == frame[-3:-1]


def test_recorded_frames_are_made_again():
    closed = Sensor.CLOSED | Sensor.CLEAN_DOOR | Sensor.ROLL | Sensor.HEATER_UP | Sensor(0x80)
    at_s = 1 * 3600 + 26 * 60
    assert State(22.4, System.IDLE, Heater.OFF, 0, closed).encode(at_s + 12) == RECORDED[0] + b"\r"
    assert State(43.2, System.IDLE, Heater.HEATING, 0, closed).encode(at_s + 203) == RECORDED[2] + b"\r"
    assert RECORDED[5] + b"\r" == wire.ACCEPTED
    assert wire.encode_refusal(Code.FORM) == RECORDED[6] + b"\r"


@pytest.mark.parametrize(
    ("data", "commands"),
    [
        (b"*00DH=0160zz!", [Command("DH", 160)]),
        (b"*00DT=0025zz!*00GS=zz!", [Command("DT", 25), Command("GS")]),
        (b"*00H0ZZ!", [Command("H0")]),  # PyLabRobot's frame, which lacks the end
        (b"*00H0ZZ*00SR=zz!", [Command("SR")]),
        (b"*00SR=" + wire.check_letters(b"*00SR=") + b"!", [Command("SR")]),
        (b"*00SR=AB!", [Command("", code=Code.FORM)]),
        (b"*0MC=zz!", [Command("", code=Code.FORM)]),
        (b"!!", []),
        (b"*00GS=z", []),
    ],
)
def test_commands(data, commands):
    assert Commands().feed(data) == commands


@given(st.binary(max_size=60))
def test_whatever_comes_is_a_command_or_none(data):
    for command in Commands().feed(data + b"!"):
        assert command.verb or command.code is not None


def test_a_refusal_is_heard_among_other_frames():
    assert wire.refusal(b"".join(RECORDED)) == 1
    assert wire.refusal(b"".join(RECORDED[:6])) is None
