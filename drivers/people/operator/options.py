"""Keys of an operator in `lab.toml`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """What a lab says of the person who tends it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    patience_s: Annotated[float, Field(gt=0)] = Field(
        86400.0, description="seconds to wait for an answer before the task counts as unknown"
    )
