"""What a lab can do, in its own terms: devices with verbs and ranges, and the steps that a protocol may have."""

from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field

from drivers.core.verbs import ROLES
from labfile.lab import DeviceEntry, Lab
from protocols.model import Step

#: IRIs of units (QUDT 2.1 vocabulary) for those that drivers keep; what is not here has no exact one there.
QUDT = {
    "uL": "http://qudt.org/vocab/unit/MicroL",
    "uL/s": "http://qudt.org/vocab/unit/MicroL-PER-SEC",
    "s": "http://qudt.org/vocab/unit/SEC",
    "degC": "http://qudt.org/vocab/unit/DEG_C",
    "rpm": "http://qudt.org/vocab/unit/REV-PER-MIN",
    "nm": "http://qudt.org/vocab/unit/NanoM",
    "mm": "http://qudt.org/vocab/unit/MilliM",
    "mg": "http://qudt.org/vocab/unit/MilliGM",
    "g": "http://qudt.org/vocab/unit/GM",
    "deg": "http://qudt.org/vocab/unit/DEG",
    "1": "http://qudt.org/vocab/unit/UNITLESS",
}


class Part(BaseModel):
    """What all parts share."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Range(Part):
    """What a device may be told, in the unit that the stack keeps."""

    low: float
    high: float
    unit: str
    dimension: str
    qudt: str | None = Field(None, description="IRI of the unit, where QUDT has it")


class DeviceCapability(Part):
    """One instrument."""

    device: str
    role: str
    driver: str
    verbs: list[str]
    ranges: dict[str, Range]
    sites: list[str]


class Capabilities(Part):
    """All instruments, and the protocol steps with a line on each."""

    devices: list[DeviceCapability]
    steps: dict[str, str]


def of(lab: Lab) -> Capabilities:
    """What this lab can do."""
    return Capabilities(devices=[_device(entry) for entry in lab.devices.values()], steps=dict(steps()))


def _device(entry: DeviceEntry) -> DeviceCapability:
    return DeviceCapability(
        device=entry.name, role=entry.role, driver=entry.driver, verbs=sorted(ROLES[entry.role].verbs),
        ranges=ranges(entry), sites=list(entry.sites),
    )  # fmt: skip


def ranges(entry: DeviceEntry) -> dict[str, Range]:
    """The limits of a device in this lab."""
    return {
        name: Range(
            low=allowed.low, high=allowed.high, unit=allowed.unit, dimension=allowed.dimension,
            qudt=QUDT.get(allowed.unit),
        )
        for name, allowed in entry.limits.ranges.items()
    }  # fmt: skip


@cache
def steps() -> tuple[tuple[str, str], ...]:
    """Every step that a protocol may have, with the first line that the format says of it."""
    found: dict[str, str] = {}
    union: Any = get_args(Step)[0] if get_args(Step) else Step
    for kind in get_args(union):
        for name in get_args(kind.model_fields["do"].annotation):
            found[name] = (kind.__doc__ or "").strip().splitlines()[0]
    return tuple(found.items())
