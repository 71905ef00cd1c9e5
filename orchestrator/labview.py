"""A lab file as protocols see it."""

from collections.abc import Iterable

from drivers.core.build import timing
from drivers.core.limits import Limits
from drivers.core.timing import Timing
from labfile.lab import Lab
from protocols.forecast import Forecast, forecast
from protocols.labview import LabView, SafetyPolicy
from protocols.program import Program, ways


def view(lab: Lab) -> LabView:
    """Roles, sites, reach and pipettes of a lab, without addresses."""
    taught: dict[str, set[str]] = {}
    for name, site in lab.sites.items():
        taught.setdefault(site.arm, set()).add(name)
    mounts: dict[str, str] = {}
    for device in lab.devices.values():
        if device.role == "LiquidHandler":
            mounts = {m: p for m in ("left", "right") if (p := getattr(device.options, m, None))}
            break
    own = {site for device in lab.devices.values() for site in device.sites}
    return LabView(
        roles={name: device.role for name, device in lab.devices.items()},
        sites={name: device.sites for name, device in lab.devices.items() if device.sites},
        taught={arm: frozenset(sites) for arm, sites in taught.items()},
        mounts=mounts,
        limits={name: Limits(device.limits.ranges) for name, device in lab.devices.items()},
        storage=tuple(site for site in lab.all_sites if site not in own),
        policy=SafetyPolicy(
            unknown_material=lab.policy.unknown_material,
            rules=lab.policy.rules,
            refused=lab.policy.refused,
            max_biosafety_level=lab.policy.max_biosafety_level,
            waste_capacity_ul=lab.policy.waste_capacity_ml * 1e3,
        ),
    )


def timings(lab: Lab, devices: Iterable[str]) -> dict[str, Timing | None]:
    """How long these devices of a lab take, as if each had just been switched on."""
    return {name: timing(lab.devices[name], lab.sites) for name in devices}


def forecasts(lab: Lab, program: Program) -> list[Forecast]:
    """The predicted run of a program on a lab, for each way through it; the longest first."""
    found = [forecast(program, timings(lab, program.devices), way) for way in ways(program)]
    return sorted(found, key=lambda each: -(each.duration_s or 0.0))
