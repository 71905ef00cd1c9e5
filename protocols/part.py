"""What all parts of the format have in common: no other keys, nothing that changes."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A mapping of a document."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
