"""The keys of a device of ophyd's in `lab.toml`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Value = str | bool | int | float
Positive = Annotated[float, Field(gt=0)]


class Options(BaseModel):
    """Which device it is, what its class is told, and how long to wait for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,100}$")] = Field(
        description="its name in the entry-point group lab.ophyd; never a path of Python"
    )
    arguments: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], Value | list[Value]] = Field(
        default_factory=dict, description="keyword arguments of its class, beside `name`"
    )
    channel_access: bool = Field(False, description="whether it is a classic device of EPICS, which needs the client")
    connect_timeout_s: Positive = Field(10.0, description="seconds within which it must be connected")
    move_timeout_s: Positive = Field(300.0, description="seconds after which a move or reading counts as unknown")
    tolerance: Positive = Field(0.01, description="how far from its target, in its own unit, a move may end")
