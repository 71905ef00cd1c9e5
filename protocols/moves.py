"""The moves of a `pipette` step, one by one."""

from typing import Annotated, Literal

from pydantic import Field

from drivers.core.units import FlowUlS, LengthMm, VolumeUl
from protocols.part import Part
from protocols.wells import WellField


class PickUp(Part):
    """Take a tip; the next fresh one when none is named."""

    act: Literal["pick_up"]
    tip: WellField | None = None
    tips: Annotated[int, Field(ge=1, le=7)] | None = None  # for the first nozzles alone, at the end of a column


class Aspirate(Part):
    """Draw liquid."""

    act: Literal["aspirate"]
    well: WellField
    volume: VolumeUl
    rate: FlowUlS | None = None
    height: LengthMm = Field(1.0, description="of the tip above the well's bottom")


class Dispense(Part):
    """Give liquid."""

    act: Literal["dispense"]
    well: WellField
    volume: VolumeUl
    rate: FlowUlS | None = None
    height: LengthMm = 1.0


class MixMove(Part):
    """Draw and give back in place."""

    act: Literal["mix"]
    well: WellField
    volume: VolumeUl
    times: Annotated[int, Field(ge=1, le=50)] = 3
    rate: FlowUlS | None = None
    height: LengthMm = 1.0


class TouchWell(Part):
    """Empty the tip with air into a well, or wipe it on the well's walls."""

    act: Literal["blow_out", "touch_tip"]
    well: WellField


class GoTo(Part):
    """Bring the pipette over a well."""

    act: Literal["go_to"]
    well: WellField
    height: LengthMm = 1.0


class DropTip(Part):
    """Drop the tip into the trash, or where `into` says."""

    act: Literal["drop"]
    into: WellField | None = None


Move = Annotated[PickUp | Aspirate | Dispense | MixMove | TouchWell | GoTo | DropTip, Field(discriminator="act")]
