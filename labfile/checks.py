"""What must be true between the tables of a lab file. Pure: tables as tomllib read them in, faults out.

Each check looks only at what has the right shape; what has not is reported by `labfile.shape`.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from labfile.lines import KeyPath
from labfile.model import FILLED_OPTIONS, MAX_SLOTS, DeviceTable
from labfile.nearest import did_you_mean
from labfile.plugins import Driver, Limits
from labfile.problems import Fault
from labfile.shape import shape_faults

_ARE = {"driver": "is", "options": "are", "limits": "are"}
COMMON_KEYS = frozenset(DeviceTable.model_fields)
#: A twin in this process; a device that has none.
_TWIN_WORDS = ("sim:", "none")
#: Behind an address of these schemes stands a server that several devices may share.
_SHARED_SCHEMES = frozenset({"ca", "mqtt", "opc.tcp"})
#: The largest whole number that JSON keeps exactly (RFC 8259, section 6).
_LARGEST_INT = 2**53 - 1

Drivers = Mapping[str, Driver]
Tables = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Examined:
    """A device table beside its driver; what could not be found out is None."""

    faults: tuple[Fault, ...]
    driver: Driver | None = None
    options: BaseModel | None = None
    limits: Limits | None = None


def tables(document: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """The tables below the table `name`, leaving out what is no table."""
    outer = document.get(name)
    found = outer.items() if isinstance(outer, dict) else ()
    return {key: inner for key, inner in found if isinstance(inner, dict)}


def examine(name: str, table: Mapping[str, Any], drivers: Drivers) -> Examined:
    """Hold one device table against its driver: options, limits and addresses."""
    at: KeyPath = ("devices", name)
    wanted = table.get("driver")
    if not isinstance(wanted, str):
        return Examined(())
    if wanted not in drivers:
        return Examined((Fault((*at, "driver"), "no such driver", did_you_mean(wanted, drivers, "installed")),))
    try:
        driver = drivers[wanted]
    except Exception as error:  # a plug-in may fail in any way while it is imported
        why = f"this driver cannot be loaded: {type(error).__name__}: {' '.join(str(error).split())}"
        return Examined((Fault((*at, "driver"), why, "mend or reinstall it"),))
    own = _options(table)
    faults = shape_faults(driver.options, own, at, COMMON_KEYS)
    faults += [
        Fault((*at, key), "is not written in a device's table", f"write [{key}] tables")
        for key in FILLED_OPTIONS & table.keys()
    ]
    options = None if faults else driver.options.model_validate(own)
    narrower = table.get("limits", {})
    limits, wrong = driver.default_limits.narrowed(narrower if isinstance(narrower, dict) else {})
    faults += [Fault.said((*at, "limits", limit), message) for limit, message in wrong]
    # A driver may list sim: as a scheme; as an address it is for `twin` alone, or "real" would not be real.
    schemes = tuple(scheme for scheme in driver.schemes if scheme != "sim")
    faults += _address((*at, "real"), table.get("real"), schemes)
    if table.get("twin") not in _TWIN_WORDS:
        faults += _address((*at, "twin"), table.get("twin"), schemes, _TWIN_WORDS)
    return Examined(tuple(faults), driver, options, limits)


def _options(table: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a device table that belong to its driver."""
    return {key: value for key, value in table.items() if key not in COMMON_KEYS | FILLED_OPTIONS}


def _address(at: KeyPath, address: object, schemes: tuple[str, ...], words: tuple[str, ...] = ()) -> Iterator[Fault]:
    """What is wrong with an address for a driver of these schemes; the address itself is not repeated."""
    if not isinstance(address, str):
        return
    scheme, colon, rest = address.partition(":")
    if not colon or scheme not in schemes:
        begins = f"must begin with {' or '.join(f'{known}:' for known in schemes)}"
        besides = f", or be {' or '.join(repr(word) for word in words)}" if words else ""
        yield Fault(at, begins + besides, "so says its driver")
        return
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        yield Fault(at, "host or port cannot be read", f"write {scheme}://host:port")
        return
    if parts.password is not None:
        yield Fault(at, "holds a password", "secrets belong in the environment; see the driver's options")
    if rest == "//":
        yield Fault(at, "names no host or path", f"write what stands behind {scheme}://")


def duplicate_addresses(devices: Tables) -> Iterator[Fault]:
    """Devices that would command one and the same instrument."""
    seen: dict[object, str] = {}
    for name, table in devices.items():
        address = table.get("real")
        if not isinstance(address, str):
            continue
        scheme, _, rest = address.partition(":")
        instrument = (scheme, rest.rstrip("/"), repr(_options(table)) if scheme in _SHARED_SCHEMES else "")
        first = seen.setdefault(instrument, name)
        if first != name:
            yield Fault(("devices", name, "real"), f"same address as devices.{first}", "each instrument has its own")


def stand_in_faults(devices: Tables, sites: Tables, examined: Mapping[str, Examined]) -> Iterator[Fault]:
    """Devices that cannot take the place of the one they name: a run must not notice which of them it has."""
    for name, table in devices.items():
        other = table.get("stands_in_for")
        if not isinstance(other, str):
            continue
        at: KeyPath = ("devices", name, "stands_in_for")
        if other not in devices or other == name:
            yield Fault(at, "no other device", did_you_mean(other, devices.keys() - {name}, "in this lab"))
            continue
        if "stands_in_for" in devices[other]:
            yield Fault(at, f"{other} stands in for another itself", f"name {devices[other]['stands_in_for']}")
        mine, its = examined[name], examined[other]
        for part in ("driver", "options", "limits"):
            one, two = getattr(mine, part), getattr(its, part)
            if None not in (one, two) and one != two:
                yield Fault(at, f"its {part} {_ARE[part]} not as {other}'s", "only a device of the same make stands in")
        if mine.driver is not None and mine.driver is its.driver:
            for place in mine.driver.sites:
                arms = {sites.get(f"{owner}.{place}", {}).get("arm") for owner in (name, other)}
                if len(arms) > 1:
                    hint = "teach both to the same arm, or neither"
                    yield Fault(at, f"'{name}.{place}' and '{other}.{place}' are not reached alike", hint)


def maintenance_faults(windows: Tables, devices: Tables) -> Iterator[Fault]:
    """Maintenance of a device that is not there, or that ends before it begins."""
    for name, table in windows.items():
        device, begins, ends = (table.get(key) for key in ("device", "from", "until"))
        if isinstance(device, str) and device not in devices:
            yield Fault(("maintenance", name, "device"), "no such device", did_you_mean(device, devices, "in this lab"))
        if isinstance(begins, datetime) and isinstance(ends, datetime):
            if (begins.tzinfo is None) != (ends.tzinfo is None):
                yield Fault(("maintenance", name, "until"), "has an offset where `from` has none", "give both or none")
            elif ends <= begins:
                yield Fault(("maintenance", name, "until"), "is not after `from`", "a maintenance takes some time")


def interlock_faults(interlocks: Tables, examined: Mapping[str, Examined]) -> Iterator[Fault]:
    """Interlocks on what is no sensor of this lab, or that hold whatever the sensor shows."""
    sensors = {name for name, found in examined.items() if found.driver is None or found.driver.role == "Sensor"}
    for name, table in interlocks.items():
        device, least, most = (table.get(key) for key in ("device", "at_least", "at_most"))
        if isinstance(device, str) and device not in sensors:
            told = "is no sensor" if device in examined else "no such device"
            yield Fault(("interlocks", name, "device"), told, did_you_mean(device, sensors, "sensors of this lab"))
        if least is None and most is None:
            yield Fault(("interlocks", name), "has neither `at_least` nor `at_most`", "say what the value must be")
        elif isinstance(least, int | float) and isinstance(most, int | float) and least > most:
            yield Fault(("interlocks", name, "at_least"), "is more than `at_most`", "nothing could satisfy it")


def site_faults(sites: Tables, storage: Tables, devices: Tables, examined: Mapping[str, Examined]) -> Iterator[Fault]:
    """Taught sites whose device, place or arm is not there."""
    for site, table in sites.items():
        owner, dot, place = site.partition(".")
        if dot:
            yield from _place(("sites", site), owner, place, storage, devices, examined)
        arm = table.get("arm")
        if isinstance(arm, str):
            yield from _arm(("sites", site, "arm"), arm, devices, examined)


def space_faults(
    document: Mapping[str, Any], devices: Tables, examined: Mapping[str, Examined]
) -> Iterator[Fault]:  # fmt: skip
    """Boxes in the frame of no arm; decks of no device, or of one that no arm was taught a slot of."""
    for name, table in tables(document, "boxes").items():
        if isinstance(arm := table.get("arm"), str):
            yield from _arm(("boxes", name, "arm"), arm, devices, examined)
    sites = tables(document, "sites")
    for name in tables(document, "decks"):
        if name not in devices:
            yield Fault(("decks", name), f"no device '{name}'", did_you_mean(name, devices, "in this lab"))
        elif not any(site.startswith(f"{name}.") for site in sites):
            yield Fault(("decks", name), "no slot of it is taught", f'teach one: [sites."{name}.1"]')


def _place(
    at: KeyPath, owner: str, place: str, storage: Tables, devices: Tables, examined: Mapping[str, Examined]
) -> Iterator[Fault]:
    if owner in devices:
        driver = examined[owner].driver
        if driver is not None and place not in driver.sites:
            yield Fault(at, f"'{owner}' has no place '{place}'", f"it has: {', '.join(driver.sites) or 'none'}")
    elif owner in storage:
        slots = storage[owner].get("slots")
        if isinstance(slots, int) and slots <= MAX_SLOTS and place not in map(str, range(1, slots + 1)):
            yield Fault(at, f"'{owner}' has no place '{place}'", f"it has 1 to {slots}")
    else:
        yield Fault(at, f"no device or storage '{owner}'", did_you_mean(owner, {*devices, *storage}, "there are"))


def _arm(at: KeyPath, arm: str, devices: Tables, examined: Mapping[str, Examined]) -> Iterator[Fault]:
    movers = {name for name, found in examined.items() if found.driver and found.driver.role == "PlateMover"}
    if arm not in devices:
        yield Fault(at, f"no device '{arm}'", did_you_mean(arm, movers, "plate movers"))
        return
    driver = examined[arm].driver
    if driver is not None and driver.role != "PlateMover":
        hint = f"plate movers: {', '.join(sorted(movers)) or 'none'}"
        yield Fault(at, f"'{arm}' is a {driver.role}, not a PlateMover", hint)


def shared_names(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Names that would mean two things: a device and a storage, or a person and an agent."""
    for one, other in (("devices", "storage"), ("people", "agents")):
        for name in tables(document, other):
            if name in tables(document, one):
                yield Fault((other, name), f"'{name}' is also in [{one}]", "choose another name")


def number_faults(value: object, at: KeyPath = ()) -> Iterator[Fault]:
    """Numbers that JSON, and so the hash of the file, cannot keep."""
    if isinstance(value, float) and not math.isfinite(value):
        yield Fault(at, "must be a finite number")
    elif isinstance(value, int) and abs(value) > _LARGEST_INT:
        yield Fault(at, "is too large a number", f"at most {_LARGEST_INT}")
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield from number_faults(inner, (*at, key))
