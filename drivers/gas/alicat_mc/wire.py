"""The wire of Alicat's flow controllers: a unit's letter, a word, CR; both roles.

A poll (the letter alone), a new set-point and a new gas are answered by the data frame: unit, absolute pressure (psia),
temperature (degC), volumetric flow, mass flow, set-point, gas, and then perhaps codes of state. A register is answered
by its number and value; what is not understood by `?`. `??M*` ("Manufacturing info", from firmware 8v28 on) is answered
by ten lines `A M01 ...`, of which the fifth is the serial number and the ninth the software.

Source: Alicat, Serial Communications Primer (Rev. 2, February 2023): "Polling", "The Alicat Data Frame", "Status/Error
Codes", "Setpoint", "Gas Select" and its table of gases; registers as the PyPI package alicat 0.9.0 uses them;
the numbers of the lines of `??M*` as the tests of the package alicatlib have them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from drivers.core.lines import Lines

BAUD = 19200
#: Gas Select numbers.
GASES = ("Air", "Ar", "CH4", "CO", "CO2", "C2H6", "H2", "He", "N2", "N2O", "Ne", "O2")
STATES = {
    "ADC": "its electronics fail",
    "MOV": "the mass flow is above its range",
    "VOV": "the volumetric flow is above its range",
    "POV": "the pressure is above its range",
    "TOV": "the temperature is out of its range",
    "OPL": "an over-pressure limit was reached",
    "HLD": "its valve is held",
    "LCK": "its keys are locked",
    "EXH": "its exhaust is open",
    "TMF": "its totaliser has missed some",
}
#: States that are no trouble.
CALM = frozenset({"HLD", "LCK", "EXH", "TMF"})
#: Lines of `??M*`.
MADE_SERIAL, MADE_SOFTWARE = 5, 9
REGISTER_GAS, REGISTER_LOOP, MASS_FLOW_LOOP = 46, 122, 37


@dataclass(frozen=True, slots=True)
class Frame:
    """One data frame; pressure in psia, temperature in degC, flows in the unit of the display."""

    unit: str
    pressure_psia: float
    temperature_c: float
    volumetric: float
    mass: float
    setpoint: float
    gas: str
    states: tuple[str, ...] = field(default=())


def encode_request(unit: str, word: str = "") -> bytes:
    """CLIENT role: one command; without a word it is a poll.

    >>> encode_request("A", "S 15.44")
    b'AS 15.44\\r'
    """
    return f"{unit}{word}\r".encode("ascii")


def encode_frame(frame: Frame) -> bytes:
    """DEVICE role: the data frame.

    >>> encode_frame(Frame("A", 13.542, 24.57, 16.667, 15.444, 15.44, "N2"))
    b'A +013.54 +024.57 +0016.67 +0015.44 0015.44 N2\\r'
    """
    numbers = f"{frame.pressure_psia:+07.2f} {frame.temperature_c:+07.2f} {frame.volumetric:+08.2f} {frame.mass:+08.2f}"
    return " ".join((frame.unit, numbers, f"{frame.setpoint:07.2f}", frame.gas, *frame.states)).encode("ascii") + b"\r"


def encode_register(unit: str, number: int, value: int) -> bytes:
    """DEVICE role: the answer about a register.

    >>> encode_register("A", 46, 8)
    b'A   046 = 8\\r'
    """
    return f"{unit}   {number:03} = {value}\r".encode("ascii")


@dataclass(frozen=True, slots=True)
class Made:
    """Of what its maker says: serial number and software."""

    serial: str
    software: str


def encode_made(unit: str, lines: Sequence[str]) -> bytes:
    """DEVICE role: the answer to `??M*`, a line each, numbered from 1.

    >>> encode_made("A", ["Alicat Scientific", "www.alicat.com"])
    b'A M01 Alicat Scientific\\rA M02 www.alicat.com\\r'
    """
    return "".join(f"{unit} M{number:02} {line}\r" for number, line in enumerate(lines, start=1)).encode("ascii")


class Requests:
    """DEVICE role: commands as unit and word, in capitals and without blanks."""

    def __init__(self) -> None:
        self._lines = Lines(b"\r")

    def feed(self, data: bytes) -> list[tuple[str, str]]:
        """The commands that `data` completes."""
        texts = (line.decode("latin-1").strip().upper().replace(" ", "") for line in self._lines.feed(data))
        return [(text[0], text[1:]) for text in texts if text]


class Replies:
    """CLIENT role: data frames, and what the maker says; raises `ValueError` for a line that is neither."""

    def __init__(self) -> None:
        self._lines = Lines(b"\r")
        self._made: dict[int, str] = {}

    def feed(self, data: bytes) -> list[Frame | Made]:
        """What `data` completes."""
        found: list[Frame | Made] = []
        for line in self._lines.feed(data):
            text = line.decode("ascii", "replace")
            told = re.fullmatch(r"[A-Z] +M(\d\d) ?([ -~]*)", text)
            if told is None:
                found.append(_frame(line.decode("latin-1")))
                continue
            self._made[int(told[1])] = told[2].strip()
            if int(told[1]) == MADE_SOFTWARE:
                found.append(Made(_value(self._made.get(MADE_SERIAL, "")), _value(told[2])))
        return found


def _value(told: str) -> str:
    """A line may have its label in front of its value.

    >>> _value("Serial Number 123456"), _value("123456"), _value("Software Revision 10v05.0-R24")
    ('123456', '123456', '10v05.0-R24')
    """
    return re.sub(r"^(Serial Number|Software Revision|Software Version):?\s+", "", told.strip())


def _frame(line: str) -> Frame:
    words = line.split()
    if len(words) < 7 or not all(re.fullmatch(r"[+-]?\d+(\.\d*)?", word) for word in words[1:6]):
        raise ValueError(f"{line!r} is no data frame")
    unknown = set(words[7:]) - STATES.keys()
    if unknown or len(words[0]) != 1:
        raise ValueError(f"{line!r} is no data frame")
    pressure, temperature, volumetric, mass, setpoint = (float(word) for word in words[1:6])
    return Frame(words[0], pressure, temperature, volumetric, mass, setpoint, words[6], tuple(words[7:]))
