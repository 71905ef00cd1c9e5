"""Keys of a LADS reader in `lab.toml`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """What a lab says of its reader."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: str = Field("", description="its name in the server's DeviceSet; empty for the only one that has units")
    unit: str = Field("Absorbance", description="name of the functional unit that measures")
    tray: str = Field("Tray", description="name of the cover function that is the plate tray")
    program: str = Field("Absorbance", description="name of the program template to start")
    reply_timeout_s: Annotated[float, Field(gt=0)] = Field(10.0, description="seconds one OPC UA request may take")
    tray_timeout_s: Annotated[float, Field(gt=0)] = Field(30.0, description="seconds the tray may take")
    read_late_s: Annotated[float, Field(gt=0)] = Field(
        300.0, description="seconds a reading may take over the reader's own estimate before it counts as lost"
    )
