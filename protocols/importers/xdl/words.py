"""XDL steps in words, with every value that the file gives, and how long they last."""

import re
from dataclasses import dataclass

from protocols.importers.xdl.read import Element

#: Kind -> what a person does. `{key}` are attributes of the XDL standard, `[...]` is left out where the file gives none
#: of those in it; attributes that are not named are added behind.
KNOWN = {
    "Add": "Add {amount} {volume} {mass} {reagent}[ to {vessel}]",
    "AddSolid": "Add {amount} {mass} of the solid {reagent}[ to {vessel}]",
    "AddFilterAid": "Add filter aid to {vessel}",
    "Transfer": "Transfer {volume} {amount} from {from_vessel} to {to_vessel}",
    "Stir": "Stir {vessel}[ for {time}]",
    "StartStir": "Begin to stir {vessel}",
    "StopStir": "Stop stirring {vessel}",
    "HeatChill": "Bring {vessel} to {temp}[ and hold it there for {time}]",
    "HeatChillToTemp": "Bring {vessel} to {temp}",
    "HeatChillReturnToRT": "Let {vessel} come back to room temperature",
    "StartHeatChill": "Begin to bring {vessel} to {temp}",
    "StopHeatChill": "Stop heating or cooling {vessel}",
    "Reflux": "Reflux {vessel}[ at {temp}][ for {time}]",
    "Separate": (
        "Separate[ ({purpose})] what is in {from_vessel}[ in {separation_vessel}][, with {solvent} {solvent_volume}]"
    ),
    "Evaporate": "Evaporate {vessel} {rotavap_name}[ at {temp}][ and {pressure}][ for {time}]",
    "Distill": "Distil[ from {from_vessel}][ to {to_vessel}][ at {temp}]",
    "Filter": "Filter {vessel}",
    "FilterThrough": "Filter from {from_vessel}[ to {to_vessel}][ through {through}]",
    "WashSolid": "Wash the solid in {vessel}[ with {volume} {solvent}]",
    "Dry": "Dry what is in {vessel}[ for {time}]",
    "Dissolve": "Dissolve what is in {vessel}[ in {volume} {solvent}]",
    "Crystallize": "Crystallise in {vessel}",
    "Recrystallize": "Recrystallise what is in {vessel}[ from {solvent} {solvent_volume}]",
    "Precipitate": "Precipitate in {vessel}[ at {temp}][ for {time}]",
    "RunColumn": "Run a column[ from {from_vessel}][ to {to_vessel}][ on {column}]",
    "Purge": "Purge {vessel} with gas[ for {time}]",
    "StartPurge": "Begin to purge {vessel}",
    "StopPurge": "Stop purging {vessel}",
    "EvacuateAndRefill": "Evacuate {vessel} and refill it[ with {gas}]",
    "Evacuate": "Evacuate {vessel}",
    "Sonicate": "Sonicate {vessel}[ for {time}]",
    "Microwave": "Heat {vessel} in the microwave[ to {temp}][ for {time}]",
    "Irradiate": "Irradiate {vessel}[ for {time}]",
    "Hydrogenate": "Hydrogenate {vessel}[ for {time}]",
    "CleanVessel": "Clean {vessel}[ with {solvent} {volume}]",
    "ResetHandling": "Rinse the tubes[ with {solvent} {volume}]",
    "Centrifuge": "Spin {vessel}[ for {time}]",
    "Decant": "Decant from {from_vessel}[ to {to_vessel}]",
    "ApparentPH": "Bring {vessel} to pH {ph}",
    "AdjustPH": "Bring {vessel} to pH {ph}",
    "Wait": "Wait[ for {time}]",
    "Confirm": "Confirm: {msg}",
    "Await": "Wait until {pid} has ended",
    "Measure": "Measure {quantity} of {vessel}",
    "Monitor": "Watch {quantity} of {vessel}",
}
_HOLE, _OPTIONAL = re.compile(r"\{(\w+)\}"), re.compile(r"\[([^\]]*)\]")
#: Spellings of time that XDL files use; seconds each.
_UNITS = {
    "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0,
    "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hr": 3600.0, "hrs": 3600.0, "hour": 3600.0, "hours": 3600.0,
    "d": 86400.0, "day": 86400.0, "days": 86400.0, "": 1.0,
}  # fmt: skip
_TIME = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)", re.ASCII)
OVERNIGHT_S = 16 * 3600.0  # ours: an author who writes it means no exact time
LONGEST_S = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Lasts:
    """How long a step lasts, None where nothing can be said; `assumed` says what was taken for granted."""

    value: float | None
    assumed: str = ""


def sentence(element: Element) -> str:
    """What to do, with every attribute of the file; nothing is left out."""
    pattern = KNOWN.get(element.kind, f"Do '{element.kind}'")
    named = set(_HOLE.findall(pattern))
    told = element.attributes
    text = _OPTIONAL.sub(lambda part: part[1] if any(map(told.get, _HOLE.findall(part[1]))) else "", pattern)
    text = _HOLE.sub(lambda hole: told.get(hole[1], ""), text)
    rest = ", ".join(f"{key}: {value}" for key, value in element.attributes.items() if key not in named and value)
    return f"{' '.join(text.split())}{f' ({rest})' if rest else ''}."


def is_wait(element: Element) -> bool:
    """Whether nothing is done but to wait."""
    return element.kind == "Wait" and not element.attributes.keys() - {"time", "comments"}


def seconds(text: str, kind: str) -> Lasts:
    """A time such as `30 mins`, `2h`, `1 h 30 min`, `overnight`."""
    plain = text.strip().lower()
    if not plain:
        return Lasts(None)
    if "overnight" in plain:
        return Lasts(OVERNIGHT_S, f"'{text}' is taken as {OVERNIGHT_S / 3600:g} h")
    parts = _TIME.findall(plain)
    if not parts or _TIME.sub("", plain).strip(" ,and") or any(unit not in _UNITS for _, unit in parts):
        return Lasts(None, f"the time '{text[:60]}' of {kind} cannot be counted: the person takes it")
    value = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if value > LONGEST_S:
        return Lasts(
            None, f"the time '{text[:60]}' of {kind} is more than {LONGEST_S / 86400:g} days: the person takes it"
        )
    return Lasts(value, f"'{text}' has no unit: seconds" if any(not unit for _, unit in parts) else "")
