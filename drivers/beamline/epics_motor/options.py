"""The keys of an EPICS motor in `lab.toml`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """How long to wait for the record, and how near to its target a move must end."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connect_timeout_s: Annotated[float, Field(gt=0)] = Field(
        10.0, description="seconds within which every field of the record must answer"
    )
    reply_timeout_s: Annotated[float, Field(gt=0)] = Field(
        5.0, description="seconds within which a value or the word that one was taken must come"
    )
    move_timeout_s: Annotated[float, Field(gt=0)] = Field(
        300.0, description="seconds after which a move that has not ended counts as unknown"
    )
    tolerance_mm: Annotated[float, Field(gt=0)] = Field(
        0.01, description="how far from its target, in mm, a move may end"
    )
