"""The keys of an XPeel in `lab.toml`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """How films come off best."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    begin_mm: Literal[-2, 0, 2, 4] = Field(default=0, description="Where peeling begins, from the maker's default.")
    fast: bool = Field(default=False, description="Whether it peels fast.")
    adhere_s: Annotated[float, Field(ge=2.5, le=10.0, multiple_of=2.5)] = Field(
        default=2.5, description="Seconds its tape is pressed on the film: 2.5, 5, 7.5 or 10."
    )
