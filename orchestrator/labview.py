"""A lab file as protocols see it."""

from drivers.core.limits import Limits
from labfile.lab import Lab
from protocols.labview import LabView, SafetyPolicy


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
