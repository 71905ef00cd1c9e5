"""The keys of an area detector in `lab.toml`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
Suffix = Annotated[str, Field(min_length=1, max_length=40)]


class Options(BaseModel):
    """Names behind its prefix, times, and where a pixel is full."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    camera: Suffix = Field(":cam1:", description="its driver plug-in, behind the prefix")
    image: Suffix = Field(":image1:", description="its plug-in with the image as an array, behind the prefix")
    looks_at: str = Field("diffractometer.stage", description="site of the sample that it sees")
    connect_timeout_s: Positive = Field(10.0, description="seconds within which every process variable must answer")
    reply_timeout_s: Positive = Field(
        5.0, description="seconds within which a value or the word that one was taken must come"
    )
    late_s: Positive = Field(10.0, description="seconds over the exposure after which an image is given up")
    exposure_s: Positive = Field(1.0, description="seconds of an image where the protocol does not say")
    full: Positive = Field(65535.0, description="counts of a pixel that can count no further")
    full_share: Annotated[float, Field(ge=0, le=1)] = Field(
        0.01, description="share of full pixels above which an image is refused"
    )
