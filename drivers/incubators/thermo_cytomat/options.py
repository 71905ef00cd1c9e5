"""The keys of a Cytomat in `lab.toml`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """What can be set of the incubator."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Literal["C6000", "C6002", "C2C_450_SHAKE", "C5C"] = Field(
        default="C6002", description="Which Cytomat it is, by PyLabRobot's name."
    )
