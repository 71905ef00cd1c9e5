"""What a lab can do, in its own terms: devices with verbs and ranges, and the steps that a protocol may have."""

from functools import cache
from typing import Any

from api.models import Model
from drivers.core.roles import ROLES
from labfile.lab import Lab


class Range(Model):
    """What a device may be told, in the unit that the stack keeps."""

    low: float
    high: float
    unit: str
    dimension: str


class DeviceCapability(Model):
    """One instrument."""

    device: str
    role: str
    driver: str
    verbs: list[str]
    ranges: dict[str, Range]
    sites: list[str]


class Capabilities(Model):
    """All instruments, and the protocol steps."""

    devices: list[DeviceCapability]
    steps: dict[str, str]


def of(lab: Lab) -> Capabilities:
    """What this lab can do."""
    devices = [
        DeviceCapability(
            device=entry.name, role=entry.role, driver=entry.driver, verbs=sorted(ROLES[entry.role].verbs),
            ranges={
                name: Range(low=allowed.low, high=allowed.high, unit=allowed.unit, dimension=allowed.dimension)
                for name, allowed in entry.limits.ranges.items()
            },
            sites=list(entry.sites),
        )
        for entry in lab.devices.values()
    ]  # fmt: skip
    return Capabilities(devices=devices, steps=dict(_steps()))


@cache
def _steps() -> tuple[tuple[str, str], ...]:
    """Every step that a protocol may have, with its line of the format's own description."""
    from typing import get_args

    from protocols.model import Step

    found: dict[str, str] = {}
    union: Any = get_args(Step)[0] if get_args(Step) else Step
    for kind in get_args(union):
        for name in get_args(kind.model_fields["do"].annotation):
            found[name] = (kind.__doc__ or "").strip().splitlines()[0]
    return tuple(found.items())
