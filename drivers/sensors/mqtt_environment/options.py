"""The keys of an MQTT room sensor in `lab.toml`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from labfile.secret import Secret


class Options(BaseModel):
    """Where the sensor publishes, and how old a value may be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    topic: Annotated[str, Field(min_length=1, pattern=r"^[^#+$][^#+]*$")] = Field(
        "lab/room", description="the sensor's own topic; it publishes on <topic>/environment and <topic>/online"
    )
    password: Secret | None = Field(None, description="password of the user in the broker's address, as env:NAME")
    publish_s: Annotated[float, Field(gt=0)] = Field(60.0, description="seconds between two values of the sensor")
    max_age_s: Annotated[float, Field(gt=0)] = Field(
        180.0, description="seconds after which a value is too old to be reported"
    )
    # At most half of the keep-alive time that the client agrees with the broker (60 s): no wait needs a ping.
    timeout_s: Annotated[float, Field(gt=0, le=30)] = Field(
        10.0, description="seconds to wait for the broker, and then for a value"
    )
