"""The format `lab-protocol/1`: what an author may write. A closed set of steps; no code, no brands, no durations
that can be computed."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator
from typing_extensions import TypeAliasType

from drivers.core.units import (
    AccelerationG,
    ConcentrationM,
    DurationS,
    FlowUlS,
    GasFlowSccm,
    MassG,
    Place,
    RampCMin,
    SpeedRpm,
    TemperatureC,
    VolumeUl,
    WavelengthNm,
)
from protocols.amounts import by_amount
from protocols.expect import Fit
from protocols.moves import Move
from protocols.part import Part
from protocols.wells import WellField, WellsField, parse_wells

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.\- ]{0,63}$")]
Channels = Annotated[Literal[1, 8, 96], Field(description="nozzles; well names then mean the first nozzle")]


Value = TypeAliasType("Value", str | float)


class Author(Part):
    """Who wrote the protocol."""

    kind: Literal["human", "agent", "import"]
    name: str
    model: str | None = Field(None, description="of an agent, with version")
    source: str | None = None
    source_sha256: str | None = None


class Parameter(Part):
    """A value that whoever runs the protocol may set inside a range."""

    kind: Literal["volume", "time", "temperature", "rotation", "wavelength", "number"]
    default: Value
    low: Value | None = None
    high: Value | None = None


class Material(Part):
    """`cas` (or `name`) and `concentration` tell the solute of a liquid, `pure` a powder or a liquid by itself."""

    cas: str | None = Field(None, pattern=r"^\d{2,7}-\d{2}-\d$")
    concentration: ConcentrationM | None = Field(None, description="of the solute, or `pure`")
    solvent: str | None = Field("7732-18-5", description="CAS number of the solvent (water)")
    biosafety_level: Annotated[int, Field(ge=1, le=4)] | None = None
    name: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _told_by_mass(cls, data: Any) -> Any:
        return by_amount(data) if isinstance(data, Mapping) else data


class Fill(Part):
    """A liquid with its volume a well."""

    material: str
    volume: VolumeUl


class Labware(Part):
    """A piece of labware and what it holds at the start."""

    type: str | None = Field(None, description="plate_96_flat, reservoir_12, beaker_250, ... or an Opentrons load name")
    definition: dict[str, Any] | None = Field(None, description="an Opentrons labware definition (schema 2)")
    name: str | None = None
    slot: str | None = Field(
        None, description="deck slot of the liquid handler, or 'off': beside it; chosen when absent"
    )
    holds: dict[str, str | Fill] = Field(
        default_factory=dict, description="wells -> material (just enough is filled) or {material, volume}"
    )
    sealed: bool = False

    @field_validator("holds")
    @classmethod
    def _wells(cls, holds: dict[str, str | Fill]) -> dict[str, str | Fill]:
        for wells in holds:
            parse_wells(f"holds/{wells}")
        return holds


class PipetteNeed(Part):
    """A pipette it insists on; else the lab chooses."""

    model: str
    mount: Literal["left", "right"]
    single_nozzle: bool = Field(False, description="use one nozzle of a many-channel pipette")


Steps = Annotated[list["Step"], Field(min_length=1)]


class _Step(Part):
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


class Distribute(_Step):
    """From one well to many with one tip, several wells a draw."""

    do: Literal["distribute"]
    source: WellField
    to: WellsField
    volume: VolumeUl
    extra: VolumeUl | None = Field(None, description="drawn with each load and given back")
    channels: Channels = 1


class SerialDilute(_Step):
    """A series along each row of wells, the first undiluted, each next `factor` times weaker; all end with `volume`."""

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


class Heat(_Step):
    """Bring labware to a temperature on a hotplate, which cools by the air only."""

    do: Literal["heat", "cool"]
    labware: str
    to: TemperatureC
    stir: SpeedRpm | None = Field(None)
    ramp: RampCMin | None = None
    for_: DurationS = Field(0.0, alias="for", description="once it is there")


class PumpLiquid(_Step):
    """Move liquid with a syringe pump, between the first wells of two pieces of labware."""

    do: Literal["pump"]
    source: WellField
    to: WellField
    volume: VolumeUl
    rate: FlowUlS | None = None
    device: str | None = None


class GasStep(_Step):
    """Let a gas flow for a time; best in a lane of `parallel`."""

    do: Literal["flow"]
    gas: Literal["Air", "Ar", "CH4", "CO", "CO2", "C2H6", "H2", "He", "N2", "N2O", "Ne", "O2"]
    rate: GasFlowSccm
    for_: DurationS = Field(alias="for")


class Dose(_Step):
    """A person weighs a powder or a liquid in on the balance, which reads it in g."""

    do: Literal["dose"]
    material: str
    into: WellField
    mass: MassG


class Segment(Part):
    """To a temperature, and there for a time."""

    to: TemperatureC
    ramp: RampCMin | None = None
    for_: DurationS = Field(0.0, alias="for", description="once it is there")


class FurnaceStep(_Step):
    """Take a sample, or the empty furnace, through ramps and dwells; then it cools by itself."""

    do: Literal["furnace"]
    labware: str | None = None
    program: Annotated[list[Segment], Field(min_length=1, max_length=50)]


class Incubate(_Step):
    """Keep labware at a temperature."""

    do: Literal["incubate"]
    labware: str
    at: TemperatureC
    for_: DurationS = Field(alias="for")


class Centrifuge(_Step):
    """Spin labware."""

    do: Literal["centrifuge"]
    labware: str
    force: AccelerationG
    for_: DurationS = Field(alias="for")
    at: TemperatureC | None = None


class Hold(Part):
    """One temperature of a cycle."""

    at: TemperatureC
    for_: DurationS = Field(alias="for")


class Cycle(Part):
    """Temperatures in their order, `times` times."""

    holds: Annotated[list[Hold], Field(min_length=1, max_length=20)]
    times: Annotated[int, Field(ge=1, le=100)] = 1


class Thermocycle(_Step):
    """Take sealed labware through temperatures, as for PCR."""

    do: Literal["thermocycle"]
    labware: str
    cycles: Annotated[list[Cycle], Field(min_length=1, max_length=20)]
    lid: TemperatureC | None = Field(None, description="of the heated lid")


class Lid(_Step):
    """Put the lid on labware, or take it off."""

    do: Literal["lid"]
    labware: str
    put: Literal["on", "off"]


Kind = TypeAliasType(
    "Kind",
    Literal["absorbance", "spectrum", "fluorescence", "mass", "temperature", "environment", "image", "diffraction"],
)


class _Reading(_Step):
    labware: str | None = None
    wells: str | None = Field(None, description="such as A1:H12; all of them when absent")
    wavelengths: list[WavelengthNm] = Field(default_factory=list)
    by: WavelengthNm | None = Field(None, description="step of a spectrum")
    excitation: WavelengthNm | None = None
    exposure: DurationS | None = None


class Measure(_Reading):
    """Take a reading; temperature is of where `labware` stands, else of the room, as environment is."""

    do: Literal["measure"]
    kind: Kind


class Way(Part):
    """`from` and `to`, in a grid_scan with `num`; in a list_scan `places`."""

    axis: str | None = Field(None, description="by name; the lab's first, second, ... of this unit when absent")
    from_: Place | None = Field(None, alias="from")
    to: Place | None = None
    num: int | None = None
    places: Annotated[list[Place], Field(max_length=1000)] = Field(default_factory=list)


class Scan(_Reading):
    """A plan of Bluesky: read all `detectors` at each point along `axes`, or `num` times (count)."""

    do: Literal["scan"]
    plan: Literal["count", "scan", "rel_scan", "list_scan", "grid_scan"]
    detectors: Annotated[list[Kind], Field(max_length=8)] = Field(default_factory=list)
    axes: Annotated[list[Way], Field(max_length=8)] = Field(default_factory=list)
    num: int | None = None
    delay: DurationS | None = Field(None, description="of a count")
    snake_axes: bool | None = None


class Call(_Step):
    """What a driver declares beside its role, by name."""

    do: Literal["call"]
    name: str
    device: str | None = Field(None, description="the first that declares it when absent")
    args: dict[Identifier, Value] = Field(default_factory=dict)


class MoveLabware(_Step):
    """Bring labware to a deck slot, to a device's site such as `reader`, or `off`."""

    do: Literal["move"]
    labware: str
    to: str
    by: Literal["any", "person"] = "any"


class Position(_Step):
    """Bring an axis to a position."""

    do: Literal["position"]
    axis: str | None = None
    to: Place


class Wait(_Step):
    """Let time pass; nothing else in its lane runs meanwhile."""

    do: Literal["wait"]
    for_: DurationS = Field(alias="for")


class OperatorStep(_Step):
    """A person does it and confirms."""

    do: Literal["operator"]
    message: Annotated[str, Field(min_length=1, max_length=2000)]


class Seal(_Step):
    """Close a plate with a seal, or take the seal off."""

    do: Literal["seal", "peel"]
    labware: str


class Repeat(Part):
    """Steps again and again; the n-th time a step `x` of it is `x.n`."""

    id: Identifier
    do: Literal["repeat"]
    times: Annotated[int, Field(ge=1, le=1000)]
    steps: Steps


class ForEach(Part):
    """Steps once for each item; an item names values, which the steps take as {param: name}."""

    id: Identifier
    do: Literal["for_each"]
    items: Annotated[list[dict[Identifier, Value]], Field(min_length=1, max_length=1000)]
    steps: Steps


class Parallel(Part):
    """Lanes of steps: a `wait` holds up its own lane only; what follows waits for all."""

    id: Identifier
    do: Literal["parallel"]
    lanes: Annotated[list[Steps], Field(min_length=2, max_length=8)]


class If(Part):
    """`then` is done when a reading is above or below a number, else `otherwise`."""

    id: Identifier
    do: Literal["if"]
    reading: str = Field(description="id of a measure step before")
    wells: WellsField | None = Field(None, description="their mean counts; all that were read when absent")
    at: WavelengthNm | None = None
    quantity: str | None = Field(None, description="which reading, such as temperature")
    above: float | None = None
    below: float | None = None
    then: Steps
    otherwise: Steps | None = None


_Liquid = PipetteStep | Transfer | Distribute | SerialDilute | Mix
_Device = Shake | Heat | Incubate | Centrifuge | Thermocycle | Seal | Lid | MoveLabware
_Read = Measure | Scan | Position | Call
_Bench = Dose | PumpLiquid | GasStep | FurnaceStep
PlainStep = _Liquid | _Device | _Read | _Bench | Wait | OperatorStep
Flow = Repeat | ForEach | Parallel | If
Step = Annotated[PlainStep | Flow, Field(discriminator="do")]


class Protocol(Part):
    """One protocol."""

    format: Literal["lab-protocol/1"]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    purpose: str = ""
    domain: str = ""
    citation: str = ""
    author: Author
    parameters: dict[Identifier, Parameter] = Field(default_factory=dict)
    materials: dict[str, Material] = Field(default_factory=dict)
    labware: dict[str, Labware] = Field(default_factory=dict)
    pipettes: dict[str, PipetteNeed] = Field(default_factory=dict)
    steps: Steps
    expect: list[Fit] = Field(default_factory=list)
    assumptions: list[str] = Field(default_factory=list, description="what an import took for granted")
