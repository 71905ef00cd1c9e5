"""Read `lab.toml`: a frozen `Lab`, or every problem at once."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from labfile import checks
from labfile.lab import DeviceEntry, Interlock, Lab, Window, config_hash
from labfile.lines import KeyPath, line_map, syntax_error
from labfile.model import Document
from labfile.plugins import Driver, installed
from labfile.problems import Fault, LabFileError, Problem, located
from labfile.shape import shape_faults


def read(path: Path | str, drivers: Mapping[str, Driver] | None = None) -> Lab:
    """The lab that the file describes; raises `LabFileError` with all problems.

    `drivers` are the drivers by name; the installed ones when left out.
    """
    lab, problems = _examine(Path(path), installed() if drivers is None else drivers)
    if lab is None:
        raise LabFileError(problems)
    return lab


def check(path: Path | str, drivers: Mapping[str, Driver] | None = None) -> list[Problem]:
    """Every problem of the file, in the order of its lines; none means that `read` returns a lab."""
    return _examine(Path(path), installed() if drivers is None else drivers)[1]


def _examine(path: Path, drivers: Mapping[str, Driver]) -> tuple[Lab | None, list[Problem]]:
    file = str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        return None, [Problem(file, 0, "", f"cannot be read: {error.strerror}", "name another file with --lab")]
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return None, [Problem(file, line, "", "is not UTF-8 text", "save the file with the encoding UTF-8")]
    try:
        document = tomllib.loads(text)
        lines = line_map(text)
    except tomllib.TOMLDecodeError as error:
        line, message, hint = syntax_error(text, error)
        return None, [Problem(file, line, "", f"not valid TOML: {message[0].lower()}{message[1:]}", hint)]
    except ValueError as error:  # numbers of thousands of digits, which Python refuses to read
        return None, [Problem(file, 0, "", f"not valid TOML: {error}")]
    except RecursionError:
        return None, [Problem(file, 0, "", "tables or arrays are nested too deeply")]
    return _lab(path, document, lines, drivers)


def _lab(
    path: Path, document: dict[str, Any], lines: Mapping[KeyPath, int], drivers: Mapping[str, Driver]
) -> tuple[Lab | None, list[Problem]]:
    """The lab in a parsed document, or its problems."""
    devices = checks.tables(document, "devices")
    examined = {name: checks.examine(name, table, drivers) for name, table in devices.items()}
    storage, sites = checks.tables(document, "storage"), checks.tables(document, "sites")
    shape = _without_options(document)
    faults: list[Fault] = [
        *shape_faults(Document, shape),
        *(fault for found in examined.values() for fault in found.faults),
        *checks.duplicate_addresses(devices),
        *checks.site_faults(sites, storage, devices, examined),
        *checks.stand_in_faults(devices, checks.tables(document, "sites"), examined),
        *checks.space_faults(document, devices, examined),
        *checks.maintenance_faults(checks.tables(document, "maintenance"), devices),
        *checks.interlock_faults(checks.tables(document, "interlocks"), examined),
        *checks.shared_names(document),
        *checks.number_faults(document),
    ]
    if faults:
        return None, located(faults, str(path), lines)
    parsed = Document.model_validate(shape)
    entries = {name: _entry(name, parsed, examined[name]) for name in devices}
    lab = Lab(
        **parsed.lab.model_dump(),
        devices=MappingProxyType(entries),
        storage=MappingProxyType(parsed.storage),
        sites=MappingProxyType(parsed.sites),
        decks=MappingProxyType(parsed.decks),
        boxes=MappingProxyType(parsed.boxes),
        people=MappingProxyType(parsed.people),
        agents=MappingProxyType(parsed.agents),
        maintenance=tuple(_window(name, parsed) for name in parsed.maintenance),
        interlocks=tuple(Interlock(name, **table.model_dump()) for name, table in parsed.interlocks.items()),
        policy=parsed.policy,
        prices=parsed.prices,
        stock=parsed.stock,
        api=parsed.api,
        store=parsed.store,
        sinks=parsed.sinks,
        telemetry=parsed.telemetry,
        compute=parsed.compute,
        config_hash=config_hash(document),
        path=path,
    )
    return lab, []


def _window(name: str, parsed: Document) -> Window:
    """A maintenance as seconds since 1970."""
    table, zone = parsed.maintenance[name], ZoneInfo(parsed.lab.timezone)
    begins, ends = (at if at.tzinfo else at.replace(tzinfo=zone) for at in (table.from_, table.until))
    return Window(name, table.device, begins.timestamp(), ends.timestamp(), table.what)


def _without_options(document: dict[str, Any]) -> dict[str, Any]:
    """The document with only those keys of each device that do not belong to its driver."""
    devices = document.get("devices")
    if not isinstance(devices, dict):
        return document
    common = {name: _common(table) if isinstance(table, dict) else table for name, table in devices.items()}
    return {**document, "devices": common}


def _common(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key in checks.COMMON_KEYS}


def _entry(name: str, parsed: Document, found: checks.Examined) -> DeviceEntry:
    """A device whose table and driver agree."""
    table = parsed.devices[name]
    if found.driver is None or found.options is None or found.limits is None:
        raise AssertionError(f"device '{name}' has no fault, yet was not examined")
    return DeviceEntry(
        name, table.driver, found.driver, table.real, table.twin, found.options, found.limits, table.calibration_due,
        table.stands_in_for,
    )  # fmt: skip
