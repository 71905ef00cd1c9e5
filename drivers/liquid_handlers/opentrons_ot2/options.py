"""Keys of an OT-2 in `lab.toml`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from drivers.core.labware import pipettes


class Options(BaseModel):
    """What a lab says of its OT-2."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    left: str | None = Field(None, description="pipette on the left mount, such as p300_single_gen2")
    right: str | None = Field(None, description="pipette on the right mount")
    command_timeout_s: Annotated[float, Field(gt=0)] = Field(
        120.0, description="seconds after which a command without an answer counts as unknown"
    )

    @field_validator("left", "right")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None and name not in pipettes():
            raise ValueError(f"no pipette '{name}'; known: {', '.join(pipettes())}")
        return name
