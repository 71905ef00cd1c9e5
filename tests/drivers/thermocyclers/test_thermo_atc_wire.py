"""The bytes of an ATC, both roles. Source: PyLabRobot 0.2.2, `thermocycling/thermo_fisher` and its tests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.thermocyclers.thermo_atc import wire
from drivers.thermocyclers.thermo_atc.wire import Hold, Messages, Stage

#: As PyLabRobot's tests have it, shortened.
METHOD = b"""TBC2:Protocol -Volume=25 -RunMode=Fast cloning <multiline.outer>
        STAGe -repeat=30 2 OnePot_2 <multiline.stage>
                STEP 1 <multiline.step>
                        RAMP -rate=100 37 37
                        HOLD 300
                </multiline.step>
                STEP 2 <multiline.step>
                        RAMP -rate=100 16.5 16.5
                        HOLD 300
                </multiline.step>
        </multiline.stage>
        STAGe -repeat=1 4 FinalHold_4 <multiline.stage>
                STEP 1 <multiline.step>
                        CoverRAMP 30
                        RAMP -rate=100 4 4
                        HOLD
                </multiline.step>
        </multiline.stage>
</multiline.outer>\r\n"""


def test_a_message_with_a_body_is_one():
    stream = b"CHAL?\r\n" + METHOD + b"TBC2:ESTimatedTime?\r\n"
    first, method, last = Messages().feed(stream)
    assert (first, last) == ("CHAL?", "TBC2:ESTimatedTime?")
    request = wire.read_request(method)
    assert (request.verb, request.args) == ("TBC2:Protocol", ("cloning",))
    assert request.params == {"Volume": "25", "RunMode": "Fast"}
    assert wire.read_method(request.body) == (
        Stage((Hold(37.0, 300.0), Hold(16.5, 300.0)), 30),
        Stage((Hold(4.0, None),), 1),
    )


@given(st.data())
def test_messages_come_in_pieces_of_any_size(data):
    whole = METHOD + b"OK RUNS:NEW name\n" + METHOD
    stream, reader, found = whole, Messages(), []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        found += reader.feed(stream[:cut])
        stream = stream[cut:]
    assert found == Messages().feed(whole)


@pytest.mark.parametrize("body", [[], ["STAGe -repeat=1 1 a"], ["HOLD 3"], ["RAMP 5"], ["STAGe 1 a"]])
def test_a_method_that_is_none_is_refused(body):
    with pytest.raises((ValueError, IndexError, KeyError)):
        wire.read_method(body)


@pytest.mark.parametrize(
    ("message", "asked", "is_one"),
    [
        ('OK RUNS:EXISTs? -type=folders "runname" False', "RUNS:EXISTS?", True),
        ("NEXT TBC1:RunProtocol -User=Guest elute 'runname'", "TBC1:RunProtocol", True),
        ("OK TBC1:RunProtocol", "TBC1:RUNTitle?", False),
        ("ERRor NotAuthorized", "POWER", True),
        ("ERRor TBC1:RunProtocol old", "TBC1:RUNTitle?", False),
        ("", "POWER", False),
        ("OK", "POWER", False),
    ],
)
def test_answers(message, asked, is_one):
    assert wire.answers(message, asked) == is_one


def test_the_proof_is_that_of_pylabrobot():
    from pylabrobot.thermocycling.thermo_fisher.atc import ATCBackend

    assert wire.proof("abc") == ATCBackend(ip="127.0.0.1")._get_auth_token("abc")
