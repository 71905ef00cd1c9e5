"""The keys of a Liconic STX in `lab.toml`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """What can be set of the incubator. Its line: `serial:///dev/ttyUSB0?parity=E&rtscts=1` (9600 baud 8E1)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Literal["STX44_IC", "STX44_HC", "STX44_HR", "STX44_AR"] = Field(
        default="STX44_IC", description="Which STX44 it is, by PyLabRobot's name; HC is a cooler."
    )
