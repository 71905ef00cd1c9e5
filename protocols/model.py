"""The format `lab-protocol/1`: what an author may write. A closed set of steps; no code, no brands, no durations
that can be computed."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers.core.units import (
    AbsorptivityM,
    ConcentrationM,
    DurationS,
    FlowUlS,
    LengthMm,
    SpeedRpm,
    TemperatureC,
    VolumeUl,
    WavelengthNm,
)
from protocols.wells import WellField, WellsField

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.\- ]{0,63}$")]
Channels = Annotated[Literal[1, 8, 96], Field(description="nozzles; well names then mean the first nozzle")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Author(_Part):
    """Who wrote the protocol."""

    kind: Literal["human", "agent", "import"]
    name: str
    model: str | None = Field(None, description="an agent's model and version")
    source: str | None = Field(None, description="an import's file name")
    source_sha256: str | None = Field(None, description="hash of the imported file")


class Parameter(_Part):
    """A value that whoever runs the protocol may set inside a range."""

    kind: Literal["volume", "time", "temperature", "rotation", "wavelength", "number"]
    default: str | float
    low: str | float | None = None
    high: str | float | None = None


class Material(_Part):
    """A liquid; `cas` and `concentration` name its solute. Without a CAS number it is only a volume."""

    cas: str | None = Field(None, pattern=r"^\d{2,7}-\d{2}-\d$")
    concentration: ConcentrationM | None = Field(None, description="of the solute, such as 1 mmol/L")
    solvent: str | None = Field("7732-18-5", description="CAS number of the solvent (water)")
    name: str | None = Field(None, description="full name")


class Fill(_Part):
    """A liquid with its volume a well."""

    material: str
    volume: VolumeUl


class Labware(_Part):
    """A piece of labware and what it holds at the start."""

    type: str | None = Field(None, description="plate_96_flat, reservoir_12, tips_300, ... or an Opentrons load name")
    definition: dict[str, Any] | None = Field(None, description="an Opentrons labware definition (schema 2)")
    name: str | None = None
    slot: str | None = Field(
        None, description="deck slot of the liquid handler, or 'off': beside it; chosen when absent"
    )
    holds: dict[str, str | Fill] = Field(
        default_factory=dict, description="wells -> material (just enough is filled) or {material, volume}"
    )
    sealed: bool = False


class PipetteNeed(_Part):
    """A pipette the protocol insists on; without one the lab chooses."""

    model: str
    mount: Literal["left", "right"]
    single_nozzle: bool = Field(False, description="use one nozzle of a many-channel pipette")


class PickUp(_Part):
    """Take a tip; the next fresh one when none is named."""

    act: Literal["pick_up"]
    tip: WellField | None = None


class Aspirate(_Part):
    """Draw liquid."""

    act: Literal["aspirate"]
    well: WellField
    volume: VolumeUl
    rate: FlowUlS | None = None
    height: LengthMm = Field(1.0, description="of the tip above the well's bottom")


class Dispense(_Part):
    """Give liquid."""

    act: Literal["dispense"]
    well: WellField
    volume: VolumeUl
    rate: FlowUlS | None = None
    height: LengthMm = 1.0


class MixMove(_Part):
    """Draw and give back in place."""

    act: Literal["mix"]
    well: WellField
    volume: VolumeUl
    times: Annotated[int, Field(ge=1, le=50)] = 3
    rate: FlowUlS | None = None
    height: LengthMm = 1.0


class BlowOut(_Part):
    """Empty the tip with air into a well."""

    act: Literal["blow_out"]
    well: WellField


class TouchTip(_Part):
    """Wipe the tip on the walls of a well."""

    act: Literal["touch_tip"]
    well: WellField


class GoTo(_Part):
    """Bring the pipette over a well."""

    act: Literal["go_to"]
    well: WellField
    height: LengthMm = 1.0


class DropTip(_Part):
    """Drop the tip into the trash, or where `into` says."""

    act: Literal["drop"]
    into: WellField | None = None


Move = Annotated[
    PickUp | Aspirate | Dispense | MixMove | BlowOut | TouchTip | GoTo | DropTip, Field(discriminator="act")
]


class _Step(_Part):
    id: Identifier
    within: DurationS | None = Field(None, description="it has ended at most so long after the step before it")


class PipetteStep(_Step):
    """Pipette moves one by one."""

    do: Literal["pipette"]
    pipette: str | None = Field(None, description="one of `pipettes`; chosen by volume when absent")
    channels: Channels = 1
    moves: Annotated[list[Move], Field(min_length=1)]


class Transfer(_Step):
    """From each source well to the destination well of the same place; one source serves many."""

    do: Literal["transfer"]
    source: WellsField
    to: WellsField
    volume: VolumeUl
    mix: Annotated[int, Field(ge=0, le=50)] = 0
    tips: Literal["each", "once"] = "each"
    channels: Channels = 1


class SerialDilute(_Step):
    """A dilution series along each row of wells; every well ends with `volume`.

    The first well is filled undiluted; each next one is `factor` times weaker than the one before.
    """

    do: Literal["serial_dilute"]
    source: WellField
    diluent: WellField
    into: WellsField | Annotated[list[WellsField], Field(min_length=1)]
    volume: VolumeUl
    factor: Annotated[float, Field(gt=1, le=100, allow_inf_nan=False)]
    mix: Annotated[int, Field(ge=0, le=50)] = 3
    channels: Channels = 1


class Mix(_Step):
    """Mix wells in place."""

    do: Literal["mix"]
    wells: WellsField
    volume: VolumeUl
    times: Annotated[int, Field(ge=1, le=50)] = 3
    channels: Channels = 1


class Shake(_Step):
    """Shake labware."""

    do: Literal["shake"]
    labware: str
    speed: SpeedRpm
    for_: DurationS = Field(alias="for")
    at: TemperatureC | None = Field(None, description="temperature of the nest")


class Measure(_Step):
    """Take a reading: of wells (absorbance), or of the room (environment)."""

    do: Literal["measure"]
    kind: Literal["absorbance", "environment"]
    labware: str | None = None
    wells: str | None = Field(None, description="such as A1:H12; all of them when absent")
    wavelengths: list[WavelengthNm] = Field(default_factory=list)


class MoveLabware(_Step):
    """Bring labware to a deck slot, to a device's site such as `reader`, or `off`."""

    do: Literal["move"]
    labware: str
    to: str
    by: Literal["any", "person"] = "any"


class Position(_Step):
    """Bring a beamline axis to a position."""

    do: Literal["position"]
    to: LengthMm


class Wait(_Step):
    """Let time pass; nothing of this protocol runs meanwhile."""

    do: Literal["wait"]
    for_: DurationS = Field(alias="for")


class OperatorStep(_Step):
    """A person does it and confirms."""

    do: Literal["operator"]
    message: Annotated[str, Field(min_length=1, max_length=2000)]


class Seal(_Step):
    """Close a plate with a seal."""

    do: Literal["seal"]
    labware: str


class Peel(_Step):
    """Take the seal off a plate."""

    do: Literal["peel"]
    labware: str


_Liquid = PipetteStep | Transfer | SerialDilute | Mix
_Other = Shake | Measure | MoveLabware | Position | Wait | OperatorStep | Seal | Peel
Step = Annotated[_Liquid | _Other, Field(discriminator="do")]


class Absorptivity(_Part):
    """A fit of molar absorptivities by Beer and Lambert over a reading, and what it should give."""

    reading: str = Field(description="id of the measure step")
    fit: Literal["beer_lambert"]
    material: str = Field(description="whose solute is calibrated")
    wells: WellsField = Field(description="wells that hold only that material and its solvent")
    blank: WellsField = Field(description="wells that hold solvent only")
    at: WavelengthNm
    published: AbsorptivityM | None = Field(None, description="value to compare with, L/mol/cm")
    r2_at_least: float | None = None


class Mixture(_Part):
    """Concentrations of mixed wells from absorbance at several wavelengths, by least squares with the fits above."""

    reading: str
    fit: Literal["mixture"]
    materials: Annotated[list[str], Field(min_length=2)]
    wells: WellsField
    blank: WellsField


Expectation = Annotated[Absorptivity | Mixture, Field(discriminator="fit")]


class Protocol(_Part):
    """One protocol."""

    format: Literal["lab-protocol/1"]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    purpose: str = ""
    author: Author
    parameters: dict[Identifier, Parameter] = Field(default_factory=dict)
    materials: dict[str, Material] = Field(default_factory=dict)
    labware: dict[str, Labware] = Field(default_factory=dict)
    pipettes: dict[str, PipetteNeed] = Field(default_factory=dict)
    steps: Annotated[list[Step], Field(min_length=1)]
    expect: list[Expectation] = Field(default_factory=list)
    assumptions: list[str] = Field(default_factory=list, description="what an import took for granted")
