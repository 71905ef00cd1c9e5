"""Step `call`: what a driver declares beside its role, checked by the declaration alone."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from drivers.core.capability import Capability
from drivers.core.units import UnitError
from protocols import model as m
from protocols.drafts import Draft
from protocols.labview import LabView
from protocols.layout import Layout
from protocols.problems import Problem, ProtocolError


def capability_of(step: m.Call, lab: LabView) -> tuple[str, Capability]:
    """The device that is called, and what it declares; raises `ProtocolError` where none does."""
    found = [device for device, told in lab.capabilities.items() if step.name in told]
    if step.device in found:
        return step.device, lab.capabilities[step.device][step.name]
    if found and step.device is None:
        return found[0], lab.capabilities[found[0]][step.name]
    who = f"device {step.device} of this lab" if step.device is not None else "no device of this lab"
    message = f"{who} {'does not declare' if step.device is not None else 'declares'} '{step.name}'"
    names = sorted({name for told in lab.capabilities.values() for name in told})
    near = difflib.get_close_matches(step.name, names, 1)
    known = "; ".join(f"{device}: {', '.join(told)}" for device, told in lab.capabilities.items()) or "none"
    hint = f"Did you mean '{near[0]}'?" if near and near[0] != step.name else f"Declared are {known}."
    raise ProtocolError([Problem("CALL-001", step.id, message, hint)])


def bind_call(step: m.Call, lab: LabView, layout: Layout) -> None:
    """The call, with what must be empty for it emptied; raises `ProtocolError`."""
    device, capability = capability_of(step, lab)
    problems: list[Problem] = []
    args = dict(_arguments(step, capability, problems))
    if problems:
        raise ProtocolError(problems)
    sites = tuple(f"{device}.{place}" for place in capability.empty)
    for site in sites:
        layout.vacate(step.id, site)
    layout.drafts.append(Draft(step.id, device, step.name, args, sites, harmless=capability.harmless))


def _arguments(step: m.Call, capability: Capability, problems: list[Problem]) -> Iterator[tuple[str, Any]]:
    known: Mapping[str, Any] = capability.arguments
    takes = f"It takes {'; '.join(f'`{name}`, {told}' for name, told in known.items()) or 'none'}."
    for name in step.args.keys() - known.keys():
        problems.append(Problem("CALL-002", step.id, f"{step.name} has no argument '{name}'", takes))
    for name, argument in known.items():
        if name not in step.args and argument.default is None:
            problems.append(Problem("CALL-002", step.id, f"{step.name} needs the argument '{name}'", takes))
            continue
        try:
            yield argument.key, argument.read(step.args[name]) if name in step.args else argument.default
        except UnitError as error:
            problems.append(Problem("CALL-003", step.id, f"{step.name}, {name}: {error}", takes))
