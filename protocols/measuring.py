"""Steps that read: `measure` once, and `scan` point by point, by the kinds of reading that a lab's devices can take."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from drivers.core.labware import LabwareKind
from drivers.core.units import DIMENSIONS, Quantity, named
from protocols import model as m
from protocols import scans
from protocols.bench import BenchSteps
from protocols.drafts import Draft
from protocols.labview import LabView
from protocols.layout import Layout
from protocols.problems import Problem, ProtocolError
from protocols.program import CLOCK
from protocols.wells import parse_wells

#: Wavelengths of one spectrum, and points of one scan and of all together. Ours.
MAX_WAVELENGTHS, MAX_POINTS, MAX_ALL_POINTS = 200, 1000, 5000
Reading = m.Measure | m.Scan


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of reading needs and may have of a step, and the roles that take it: none, where no role does yet."""

    roles: tuple[str, ...]
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


KINDS: Mapping[str, Kind] = {
    "absorbance": Kind(("PlateReader",), ("labware", "wavelengths"), ("wells",)),
    "spectrum": Kind(("PlateReader",), ("labware", "wavelengths", "by"), ("wells",)),
    "fluorescence": Kind((), ("labware", "excitation", "wavelengths"), ("wells",)),
    "mass": Kind(("Balance",), ("labware",)),
    "temperature": Kind(("Hotplate", "Furnace", "Incubator", "Sensor"), (), ("labware",)),
    "environment": Kind(("Sensor",)),
    "image": Kind(("AreaDetector",), (), ("labware", "wells", "exposure")),
    "diffraction": Kind(("Diffractometer",), (), ("labware", "exposure")),
}
_KEYS = ("labware", "wells", "wavelengths", "by", "excitation", "exposure")
_RARE = ("image", "diffraction")  # most labs have nothing that takes them
_SAID = {"mass": "Labware is weighed as a whole.", "environment": "It is of the room."}
#: A device that is read, the arguments of its verb, and what it needs meanwhile.
Detector = tuple[str, Mapping[str, Any], tuple[str, ...]]


def wavelengths_nm(step: Reading) -> tuple[float, ...]:
    """At which wavelengths a step reads: a spectrum goes from the first one to the last in steps of `by`.

    >>> wavelengths_nm(m.Measure(id="s", do="measure", kind="spectrum", wavelengths=[400.0, 430.0], by=15.0))
    (400.0, 415.0, 430.0)
    """
    if step.by is None or len(step.wavelengths) != 2:
        return tuple(step.wavelengths)
    low, high = step.wavelengths
    lines = min(int((high - low) / step.by + 1e-9) + 1, MAX_WAVELENGTHS + 1)
    return tuple(low + step.by * line for line in range(lines))


class ReadSteps:
    """Binds them; `device` gives the lab's device of a role, `known` a labware that is declared, or they raise."""

    def __init__(
        self, lab: LabView, layout: Layout, kinds: Mapping[str, LabwareKind], bench: BenchSteps,
        device: Callable[[str, str], str], known: Callable[[str, str], str],
    ) -> None:  # fmt: skip
        self.lab, self.layout, self._kinds, self._bench = lab, layout, kinds, bench
        self._device, self._known = device, known
        self._places: dict[str, tuple[float, tuple[Any, ...]]] = {}  # axis -> where it stands, on which conditions
        self._points = 0
        self.steps: dict[type, Callable[[Any], None]] = {
            m.Measure: self.measure, m.Scan: self.scan, m.Position: self.position,
        }  # fmt: skip
        self.when: tuple[Any, ...] = ()  # the conditions of the step that is bound now

    def measure(self, step: m.Measure) -> None:
        """One reading."""
        _has_its_keys(step, (step.kind,))
        device, args, uses = self._detector(step, step.kind)
        self.layout.drafts.append(Draft(step.id, device, scans.READS[self.lab.roles[device]], args, uses))

    def position(self, step: m.Position) -> None:
        """An axis goes somewhere, and tells where it is."""
        axis = self._axis(step.id, step.axis, 0, step.to)
        self.layout.drafts.append(Draft(step.id, axis, *scans.move_to(self.lab.roles, axis, step.to.value)))
        self.layout.drafts.append(Draft(step.id, axis, scans.READS[self.lab.roles[axis]], {}))
        self._places[axis] = step.to.value, self.when

    def scan(self, step: m.Scan) -> None:
        """One of Bluesky's plans, written out: at each point the axes go, and then everything is read."""
        _has_its_keys(step, step.detectors)
        found = self._together(step)
        axes = [self._axis(step.id, way.axis, number, *_said(way)) for number, way in enumerate(step.axes)]
        scan = self._bound(step, axes, list(found))
        self._points += scan.points
        if scan.points > MAX_POINTS or self._points > MAX_ALL_POINTS:
            message = f"{scan.points:,} points; a scan may have {MAX_POINTS:,}, all of a protocol {MAX_ALL_POINTS:,}"
            raise ProtocolError([Problem("SCAN-002", step.id, message, "Take fewer points, or make several runs.")])
        scan, home = self._from_home(step, scan) if scan.plan == "rel_scan" else (scan, {})
        scan = replace(scan, reads={device: args for device, (args, _) in found.items()})
        uses = tuple(dict.fromkeys((*scan.devices, *(use for _, more in found.values() for use in more))))
        self.layout.drafts += _points(step.id, scan, self.lab.roles, uses, home)
        ends = {axis: home.get(axis, scan.targets(axis)[-1]) for axis in scan.ways}
        self._places |= {axis: (place, self.when) for axis, place in ends.items()}

    def _together(self, step: m.Scan) -> dict[str, tuple[Mapping[str, Any], tuple[str, ...]]]:
        """The detectors of a scan, each read in one way; raises where the labware would have to stand on two."""
        found: dict[str, tuple[Mapping[str, Any], tuple[str, ...]]] = {}
        for kind in dict.fromkeys(step.detectors):
            device, args, uses = self._detector(step, kind)
            if found.setdefault(device, (args, uses)) != (args, uses):
                message = f"{device} is read in one way at each point, not in two"
                raise ProtocolError([Problem("MEAS-005", step.id, message, f"Leave {kind} out, or use a step for it.")])
        sites = {use for _, uses in found.values() for use in uses} & set(self.lab.all_sites())
        if len(sites) > 1:
            message = f"{step.labware} cannot stand on {' and '.join(sorted(sites))} at once"
            raise ProtocolError([Problem("MEAS-005", step.id, message, "Use a step for each.")])
        return found

    def _bound(self, step: m.Scan, axes: list[str], detectors: list[str]) -> scans.Scan:
        """By the closed list of plans and their own checks; limits are checked action by action, as everywhere."""
        args: list[Any] = [detectors or axes[:1]]
        for axis, way in zip(axes, step.axes, strict=True):
            args += [axis, *_way(step, way)]
        asked = {"num": step.num, "delay": step.delay, "snake_axes": step.snake_axes}
        told = {name: value for name, value in asked.items() if value is not None}
        light = any(self.lab.roles[device] == "PlateReader" for device in detectors)
        wells = {"wells": ["A1"], "wavelengths_nm": [500.0]} if light else {}  # the step's own were checked already
        try:
            return scans.bind(replace(self.lab, limits={}), step.plan, args, {**told, **wells})
        except scans.BadPlan as error:
            hint = "The plans are Bluesky's: docs/reference/protocol.md, step `scan`."
            raise ProtocolError([Problem("SCAN-001", step.id, text, hint) for text in error.problems]) from None

    def _from_home(self, step: m.Scan, scan: scans.Scan) -> tuple[scans.Scan, dict[str, float]]:
        """A `rel_scan` from where the axes stand, and there; raises where this protocol has not brought them there."""
        lost = [axis for axis in scan.ways if not self._knows(axis)]
        if lost:
            message = f"nobody can tell where {' and '.join(lost)} will stand, from which a rel_scan counts"
            hint = "Put a `position` step before it, in the same branch, or use `scan`."
            raise ProtocolError([Problem("SCAN-003", step.id, message, hint)])
        home = {axis: self._places[axis][0] for axis in scan.ways}
        return scan.begun_at(home), home

    def _knows(self, axis: str) -> bool:
        when = self._places[axis][1] if axis in self._places else None
        return when is not None and self.when[: len(when)] == when

    def _axis(self, step: str, name: str | None, number: int, *places: Quantity) -> str:
        """The axis of that name, or the lab's first, second, ... one that moves in the unit of these places."""
        units = {axis: scans.dimension_of(self.lab, axis) for axis, role in self.lab.roles.items()
                 if role in scans.MOVES}  # fmt: skip
        kinds = {place.dimension for place in places} or {"length"}
        able = [axis for axis, dimension in units.items() if kinds == {dimension}]
        if name is None and number < len(able):
            return able[number]
        if name is not None and name in units:
            if name in able or not places:
                return name
            wrong = next(place for place in places if place.dimension != units[name])
            unit = DIMENSIONS[units[name]][0]
            message = f"{name} moves in {unit}, and '{wrong}' is {named(wrong.dimension)}"
            raise ProtocolError([Problem("SCAN-005", step, message, f"Say where it goes in {unit}.")])
        told = ", ".join(f"{axis} ({DIMENSIONS[dimension][0]})" for axis, dimension in units.items())
        if name is None and not units:
            hint = "Add a device with the role Axis to lab.toml, or choose another lab."
            raise ProtocolError([Problem("ROLE-001", step, "this lab has no Axis", hint)])
        message = f"there is no axis '{name}'" if name else f"this lab has {len(able)} such axes, not {number + 1}"
        raise ProtocolError([Problem("SCAN-004", step, message, f"Axes: {told}.")])

    # Detectors

    def _detector(self, step: Reading, kind: str) -> Detector:
        roles = KINDS[kind].roles
        if not roles or (kind in _RARE and not any(map(self.lab.first, roles))):
            able = [name for name, other in KINDS.items() if any(map(self.lab.first, other.roles))]
            hint = f"Have a person do it (`do: operator`), or measure {', '.join(able) or 'nothing here'}."
            raise ProtocolError([Problem("MEAS-002", step.id, f"no device of this lab measures {kind}", hint)])
        match kind:
            case "absorbance" | "spectrum":
                return self._light(step)
            case "mass":
                return self._bench.weighed(step.id, str(step.labware))
            case "image":
                return self._image(step)
            case "diffraction":
                return self._diffraction(step)
            case "temperature" if step.labware is not None:
                return self._there(step.id, self._known(step.id, step.labware))
            case _:
                return self._device("Sensor", step.id), {}, tuple(self._kinds)

    def _image(self, step: Reading) -> Detector:
        """What an area detector sees, which is no labware on a deck."""
        if step.labware is not None or step.wells is not None:
            message = f"no device here takes images of {step.labware or 'wells'}: the detector sees what is in its beam"
            raise ProtocolError([Problem("MEAS-004", step.id, message, "Leave `labware` and `wells` out.")])
        args = {} if step.exposure is None else {"exposure_s": step.exposure}
        return self._device("AreaDetector", step.id), args, ()

    def _diffraction(self, step: Reading) -> Detector:
        """What stands on the diffractometer's stage, at the angle at which it is."""
        device = self._device("Diffractometer", step.id)
        args = {} if step.exposure is None else {"exposure_s": step.exposure}
        if step.labware is None:
            return device, args, ()
        labware, site = self._known(step.id, step.labware), self.lab.sites[device][0]
        self.layout.move(step.id, labware, site)
        return device, args, (labware, site)

    def _there(self, step: str, labware: str) -> Detector:
        """The device on or in which labware stands, if it tells its temperature."""
        site = self.layout.where[labware]
        device = self.lab.owner(site)
        role = self.lab.roles[device] if device else ""
        outside = role == "Incubator" and device is not None and site == self.lab.sites[device][0]
        if device is None or role not in KINDS["temperature"].roles or outside:
            able = [name for name, has in self.lab.roles.items() if has in ("Hotplate", "Furnace")]
            message = f"{labware} stands on {site}, where nothing tells its temperature"
            hint = f"Bring it to {' or '.join(able) or 'a hotplate'} before, or leave `labware` out for the room's."
            raise ProtocolError([Problem("MEAS-004", step, message, hint)])
        return device, {}, (labware, site)

    def _light(self, step: Reading) -> Detector:
        """Wells on the reader's tray, which is in."""
        reader = self._device("PlateReader", step.id)
        labware = self._known(step.id, str(step.labware))
        found = self._kinds[labware]
        if step.wells is None:
            wells = tuple(well for column in found.columns for well in column)
        else:
            wells = parse_wells(f"{labware}/{step.wells}").names
        unknown = [well for well in wells if well not in found.wells]
        if unknown:
            raise ProtocolError([Problem("LAB-002", step.id, f"{labware} has no well {', '.join(unknown)}")])
        lines = wavelengths_nm(step)
        if step.by is not None and not 1 < len(lines) <= MAX_WAVELENGTHS:
            hint = "Give the first and the last of `wavelengths`, the lower one first, and a step `by`."
            message = f"a spectrum is 2 to {MAX_WAVELENGTHS} wavelengths in steps of `by`"
            if len(lines) > MAX_WAVELENGTHS:
                message, hint = f"{message}, and these are {len(lines)}", "Let `by` be larger, or the range smaller."
            raise ProtocolError([Problem("MEAS-003", step.id, message, hint)])
        site = self.lab.sites[reader][0]
        self.layout.move(step.id, labware, site)
        self.layout.close_tray(step.id, reader)
        return reader, {"wells": list(wells), "wavelengths_nm": list(lines)}, (labware, site)


def _has_its_keys(step: Reading, kinds: Sequence[str]) -> None:
    """The keys that its kinds of reading need, and no others; raises `ProtocolError`."""
    said = {key for key in _KEYS if getattr(step, key) not in (None, [])}
    problems = []
    for kind in kinds:
        if not said.issuperset(KINDS[kind].needs):
            needs = " and ".join(f"`{key}`" for key in KINDS[kind].needs)
            problems.append(Problem("MEAS-001", step.id, f"a reading of {kind} needs {needs}"))
    used = {key for kind in kinds for key in (*KINDS[kind].needs, *KINDS[kind].may)}
    for key in sorted(said - used):
        hint = " ".join(_SAID[kind] for kind in kinds if kind in _SAID) or "Leave it out."
        problems.append(Problem("MEAS-001", step.id, f"{', '.join(kinds) or 'no detector'} takes no `{key}`", hint))
    if problems:
        raise ProtocolError(problems)


def _way(step: m.Scan, way: m.Way) -> list[Any]:
    """What a plan is told of one axis, as Bluesky takes it."""
    keys = {"list_scan": ("places",), "grid_scan": ("from_", "to", "num")}.get(step.plan, ("from_", "to"))
    values = [_plain(getattr(way, key)) for key in keys]
    told = {key for key in ("from_", "to", "places", "num") if getattr(way, key) not in (None, [])}
    if told != set(keys) or not step.plan.endswith("scan"):
        needs = " and ".join(f"`{key.rstrip('_')}`" for key in keys)
        message = f"each of `axes` of a {step.plan} has {needs}" if step.plan != "count" else "a count moves no `axes`"
        raise ProtocolError([Problem("SCAN-001", step.id, message, "Use another plan, or these keys.")])
    return values


def _said(way: m.Way) -> list[Quantity]:
    return [place for place in (way.from_, way.to, *way.places) if place is not None]


def _plain(said: Any) -> Any:
    """A quantity, or a list of them, as numbers in the unit that is kept."""
    if isinstance(said, list):
        return [_plain(each) for each in said]
    return said.value if isinstance(said, Quantity) else said


def _points(
    step: str, scan: scans.Scan, roles: Mapping[str, str], uses: tuple[str, ...], home: Mapping[str, float]
) -> Iterator[Draft]:
    """Everything of a scan in turn, each with all that takes part, so that nobody else comes between."""
    for point, places in enumerate(scan.path()):
        if point and scan.delay_s:
            yield Draft(step, CLOCK, "wait", {"duration_s": scan.delay_s}, uses, point=point)
        for axis, place in places.items():
            yield Draft(step, axis, *scans.move_to(roles, axis, place), uses, point=point)
        for device in scan.devices:
            yield Draft(step, device, *scans.reading_of(roles, scan, device), uses, point=point)
    for axis, place in home.items():
        yield Draft(step, axis, *scans.move_to(roles, axis, place), uses, point=scan.points)
