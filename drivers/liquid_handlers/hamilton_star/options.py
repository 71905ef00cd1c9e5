"""Keys of a STAR in `lab.toml`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """What a lab says of its STAR: a STARlet with eight 1000 uL channels; what else it carries, it says itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tip_carrier_rail: Annotated[int, Field(ge=1, le=24)] = Field(
        3, description="rail of the left edge of the tip carrier (TIP_CAR_480_A00): sites tips1, in front, to tips5"
    )
    plate_carrier_rail: Annotated[int, Field(ge=1, le=24)] = Field(
        15, description="rail of the left edge of the plate carrier (PLT_CAR_L5AC_A00): sites plates1 to plates5"
    )
    find_liquid: bool = Field(
        True, description="look for the liquid's surface by capacitance when aspirating, so that a dry well is an error"
    )
    serial_number: str | None = Field(None, description="of the instrument, where several are on one computer")
