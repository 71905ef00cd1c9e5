"""The wire of Alicat's flow controllers: a unit's letter, a word, CR; both roles.

A poll (the letter alone), a new set-point and a new gas are answered by the data frame: unit, absolute pressure (psia),
temperature (degC), volumetric flow, mass flow, set-point, gas, and then perhaps codes of state. A register is answered
by its number and value; what is not understood by `?`.

Source: Alicat, Serial Communications Primer (Rev. 2, February 2023): "Polling", "The Alicat Data Frame", "Status/Error
Codes", "Setpoint", "Gas Select" and its table of gases; registers as the PyPI package alicat 0.9.0 uses them.
"""

import re
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


class Requests:
    """DEVICE role: commands as unit and word, in capitals and without blanks."""

    def __init__(self) -> None:
        self._lines = Lines(b"\r")

    def feed(self, data: bytes) -> list[tuple[str, str]]:
        """The commands that `data` completes."""
        texts = (line.decode("latin-1").strip().upper().replace(" ", "") for line in self._lines.feed(data))
        return [(text[0], text[1:]) for text in texts if text]


class Replies:
    """CLIENT role: data frames; raises `ValueError` for a line that is none."""

    def __init__(self) -> None:
        self._lines = Lines(b"\r")

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes."""
        return [_frame(line.decode("latin-1")) for line in self._lines.feed(data)]


def _frame(line: str) -> Frame:
    words = line.split()
    if len(words) < 7 or not all(re.fullmatch(r"[+-]?\d+(\.\d*)?", word) for word in words[1:6]):
        raise ValueError(f"{line!r} is no data frame")
    unknown = set(words[7:]) - STATES.keys()
    if unknown or len(words[0]) != 1:
        raise ValueError(f"{line!r} is no data frame")
    pressure, temperature, volumetric, mass, setpoint = (float(word) for word in words[1:6])
    return Frame(words[0], pressure, temperature, volumetric, mass, setpoint, words[6], tuple(words[7:]))
