"""The keys of a Sparkplug B room sensor in `lab.toml`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from labfile.secret import Secret

#: Part of a topic: Sparkplug 3.0, section 4.1, forbids the reserved characters of MQTT.
Part = Annotated[str, Field(min_length=1, pattern=r"^[^/#+$]+$")]
Quantity = Literal["temperature", "humidity", "oxygen", "door", "e_stop"]
METRICS: dict[Quantity, str] = {
    "temperature": "Temperature", "humidity": "Humidity", "oxygen": "Oxygen", "door": "Door Open",
    "e_stop": "E-Stop Pressed",
}  # fmt: skip


class Options(BaseModel):
    """Which device of which edge node it is, what its metrics are called, and how old a value may be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    group: Part = Field("lab", description="the group of the edge node")
    edge: Part = Field("cell", description="the edge node")
    device: Part = Field("room", description="the device of the edge node whose metrics are read")
    metrics: dict[Quantity, Annotated[str, Field(min_length=1)]] = Field(
        METRICS,
        min_length=1,
        description="quantity to the name of its metric; in degC, %RH, % by volume, and true for open or pressed",
    )
    password: Secret | None = Field(None, description="password of the user in the broker's address, as env:NAME")
    publish_s: Annotated[float, Field(gt=0)] = Field(60.0, description="seconds between two values of the twin's node")
    max_age_s: Annotated[float, Field(gt=0)] = Field(
        180.0, description="seconds after which a value that is not told again, when asked, is too old to be reported"
    )
    timeout_s: Annotated[float, Field(gt=0, le=30)] = Field(
        10.0, description="seconds to wait for the broker, and then for the birth of the edge node"
    )
