"""The keys of an EPICS diffractometer in `lab.toml`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
Suffix = Annotated[str, Field(min_length=1, max_length=40)]


class Options(BaseModel):
    """How its records are called behind the prefix, how long to wait, and when a count is not believed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    two_theta: Suffix = Field(":tth", description="motor record of the detector's arm, behind the prefix")
    theta: Suffix = Field(":th", description="motor record of the sample, behind the prefix")
    scaler: Suffix = Field(":scaler1", description="scaler record, behind the prefix")
    channel: Annotated[int, Field(ge=2, le=32)] = Field(2, description="the scaler's channel of the detector")
    wavelength: Suffix = Field(":wavelength", description="wavelength of the beam in angstrom, behind the prefix")
    connect_timeout_s: Positive = Field(10.0, description="seconds within which every record must answer")
    reply_timeout_s: Positive = Field(
        5.0, description="seconds within which a value or the word that one was taken must come"
    )
    move_timeout_s: Positive = Field(300.0, description="seconds after which a move that has not ended is stopped")
    tolerance_deg: Positive = Field(0.003, description="how far from its target, in degrees, a move may end")
    exposure_s: Positive = Field(1.0, description="seconds of a count where the protocol does not say")
    background_hz: Annotated[float, Field(ge=0)] = Field(
        5.0, description="counts a second that there always are at the least; a detector that sees none is not working"
    )
    ceiling_hz: Positive = Field(
        500_000.0, description="counts a second above which the detector no longer counts all: such a count is refused"
    )
