"""The keys of an a4S in `lab.toml`."""

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """What the film on its roll needs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperature_c: float = Field(default=165.0, ge=50, le=200, description="Heater in degC, by the film's data sheet.")
    duration_s: float = Field(default=2.5, ge=0.5, le=10, description="Seconds under the heater, by its data sheet.")
