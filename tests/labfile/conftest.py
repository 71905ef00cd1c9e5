"""Small drivers and a good lab file, for the tests of the labfile room."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from drivers.core.driver import Driver
from drivers.core.limits import between
from labfile import plugins
from labfile.secret import Secret


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HandlerOptions(Options):
    left: Literal["p300", "p20"] | None = Field(default=None, description="the pipette on the left mount")
    deck: str = Field(description="the deck's name")


class Channel(Options):
    topic: str
    scale: float = 1.0


class SensorOptions(Options):
    channels: list[Channel] = []
    password: Secret | None = None


def _driver(role: str, scheme: str, options: type[BaseModel] = Options, sites: tuple[str, ...] = ()) -> Driver:
    limits = {"volume": between("1 uL", "1 mL", "volume")} if role == "LiquidHandler" else {}
    return Driver(f"a {role}", role, "nowhere:Nothing", options, (scheme, "sim"), limits, sites)


@pytest.fixture(scope="session")
def drivers() -> dict[str, plugins.Driver]:
    """Four drivers, by name."""
    return {
        "fake.arm": _driver("PlateMover", "tcp"),
        "fake.handler": _driver("LiquidHandler", "http", HandlerOptions, ("1", "2", "3")),
        "fake.reader": _driver("PlateReader", "opc.tcp", sites=("tray",)),
        "fake.sensor": _driver("Sensor", "mqtt", SensorOptions),
    }


GOOD = """\
schema = 1
[lab]
name = "cell-1"
facility = "Example Laboratory"
timezone = "America/Chicago"
[devices.handler]
driver = "fake.handler"
real = "http://handler.lab.example:31950"
twin = "sim:"
deck = "standard"
[devices.handler.limits]
volume = ["5 uL", "0.3 mL"]
[devices.arm]
driver = "fake.arm"
real = "tcp://arm.lab.example:10100"
twin = "sim:"
[devices.reader]
driver = "fake.reader"
real = "opc.tcp://reader.lab.example:4840"
twin = "none"
[devices.sensor]
driver = "fake.sensor"
real = "mqtt://broker.lab.example"
twin = "sim:"
channels = [{ topic = "t1" }, { topic = "t2", scale = 2 }]
[storage.hotel]
slots = 2
[sites."reader.tray"]
arm = "arm"
at_mm = [1, 2.5, 3]
yaw_deg = 90
[sites."hotel.2"]
arm = "arm"
at_mm = [1, 2, 3]
yaw_deg = 0
access = "horizontal"
[people.ana]
may = ["run", "approve:low"]
[agents.explorer]
may = ["submit"]
budget = { runs_per_day = 4 }
"""


@pytest.fixture(scope="session")
def good() -> str:
    """The text of a lab file without a mistake."""
    return GOOD


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | bytes], Path]:
    """Writes a text as `lab.toml` into a new working directory; returns its name there."""
    monkeypatch.chdir(tmp_path)

    def write(text: str | bytes) -> Path:
        Path("lab.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return Path("lab.toml")

    return write
