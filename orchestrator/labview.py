"""A lab file as protocols see it."""

import time
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from drivers.core.build import motion, timing
from drivers.core.driver import Driver
from drivers.core.limits import Limits
from drivers.core.motion import Box
from drivers.core.pipettes import Pipetting
from drivers.core.timing import Timing
from labfile.lab import DeviceEntry, Lab
from labfile.model import Deck
from protocols.labview import DayBudget, LabView, Means, SafetyPolicy


def view(lab: Lab, now: float | None = None) -> LabView:
    """Roles, sites, reach and pipettes of a lab, without addresses; `now` (s since 1970) is the clock's if left out."""
    now = time.time() if now is None else now
    taught: dict[str, set[str]] = {}
    for name, site in lab.sites.items():
        taught.setdefault(site.arm, set()).add(name)
    for device in lab.devices.values():
        if device.role == "Incubator":  # it carries plates itself, between its transfer site and its slots
            taught[device.name] = set(device.sites)
    handler = next((device for device in lab.devices.values() if device.role == "LiquidHandler"), None)
    pipetting: Pipetting | None = None if handler is None else _driver(handler).load_pipetting()
    own = {site for device in lab.devices.values() for site in device.sites}
    return LabView(
        roles={name: device.role for name, device in lab.devices.items()},
        sites={name: device.sites for name, device in lab.devices.items() if device.sites},
        taught={arm: frozenset(sites) for arm, sites in taught.items()},
        mounts=pipetting.hanging(handler.options) if handler and pipetting else {},
        pipetting=pipetting,
        limits={name: Limits(device.limits.ranges) for name, device in lab.devices.items()},
        storage=tuple(site for site in lab.all_sites if site not in own),
        policy=SafetyPolicy(
            unknown_material=lab.policy.unknown_material,
            rules=lab.policy.rules,
            refused=lab.policy.refused,
            max_biosafety_level=lab.policy.max_biosafety_level,
            waste_capacity_ul=lab.policy.waste_capacity_ml * 1e3,
        ),
        timings=lambda devices: timings(lab, devices),
        overdue={name: due.isoformat() for name, due in _due(lab).items() if due < _day(now, lab.timezone)},
        closed={
            name: tuple((w.begins - now, w.ends - now) for w in lab.maintenance if w.device == name and w.ends > now)
            for name in {window.device for window in lab.maintenance}
        },
        budgets={
            name: DayBudget(told.instrument_minutes_per_day, told.reagent_ml_per_day, told.money_per_day)
            for name, agent in lab.agents.items() for told in [agent.budget]
        },
        motions=lambda devices: {name: motion(lab.devices[name], lab.sites) for name in devices},
        boxes=_boxes(lab),
        places=_places(lab),
        means=_means(lab),
        capabilities={name: told for name, device in lab.devices.items() if (told := _driver(device).capabilities)},
    )  # fmt: skip


def _boxes(lab: Lab) -> dict[str, tuple[Box, ...]]:
    found: dict[str, tuple[Box, ...]] = {}
    for name, box in lab.boxes.items():
        found[box.arm] = (*found.get(box.arm, ()), Box(name, box.at_mm, box.size_mm, box.yaw_deg))
    return found


def _places(lab: Lab) -> dict[str, dict[str, tuple[float, float, float, float]]]:
    """Sites in the frame of each arm: those it was taught, and the other slots of decks of which it knows one."""
    found: dict[str, dict[str, tuple[float, float, float, float]]] = {}
    for name, site in lab.sites.items():
        found.setdefault(site.arm, {})[name] = (*site.at_mm, site.yaw_deg)
    for device, deck in lab.decks.items():
        for known in found.values():
            taught = [(site, int(site.split(".")[1])) for site in known
                      if site.startswith(f"{device}.") and site.split(".")[1].isdigit()]  # fmt: skip
            for slot in lab.devices[device].sites if taught else ():
                known.setdefault(slot, _slot(int(slot.split(".")[1]), taught[0][1], known[taught[0][0]], deck))
    return found


def _slot(
    slot: int, other: int, place: tuple[float, float, float, float], deck: Deck
) -> tuple[float, float, float, float]:  # fmt: skip
    """Where a slot lies, from another one of its deck."""
    rows, columns = (
        (slot - 1) // deck.columns - (other - 1) // deck.columns,
        (slot - 1) % deck.columns - (other - 1) % deck.columns,
    )
    x, y = (
        place[axis] + rows * deck.next_row_mm[axis] + columns * deck.next_column_mm[axis] for axis in (0, 1)
    )  # fmt: skip
    return x, y, place[2], place[3]


def _driver(device: DeviceEntry) -> Driver:
    driver: Any = device.spec  # of a plug-in: labfile knows no drivers
    return driver  # type: ignore[no-any-return]


def _due(lab: Lab) -> dict[str, date]:
    return {name: device.calibration_due for name, device in lab.devices.items() if device.calibration_due is not None}


def _day(now: float, timezone: str) -> date:
    return datetime.fromtimestamp(now, ZoneInfo(timezone)).date()


def _means(lab: Lab) -> Means:
    prices = lab.prices
    return Means(
        currency=prices.currency,
        approve_above=prices.approve_above,
        tip=prices.tip,
        instrument_hour=prices.instrument_hour,
        liquid_ml=prices.liquid_ml,
        stock_ml=lab.stock.liquid_ml,
    )


def timings(lab: Lab, devices: Iterable[str]) -> dict[str, Timing | None]:
    """How long these devices of a lab take, as if each had just been switched on."""
    return {name: timing(lab.devices[name], lab.sites) for name in devices}
