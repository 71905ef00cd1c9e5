"""The keys of an MT-SICS balance in `lab.toml`."""

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """How patient to be with a load that does not come to rest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tries: int = Field(
        default=3, ge=1, le=10, description="How often rest is waited for before the balance counts as unsteady."
    )
