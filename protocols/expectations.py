"""Whether what a protocol expects can be computed at all: its readings, wells and materials are those of its steps."""

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence

from protocols.expect import FITS, Fit
from protocols.measuring import wavelengths_nm
from protocols.model import Measure, Scan
from protocols.parse import Source
from protocols.problems import Problem
from protocols.wells import Wells, parse_wells

#: Fits of something that changes with time.
COURSES = ("michaelis_menten", "growth", "decay")
#: Reflections that a cell is computed from at the least: its edge, the goniometer's zero, and one to tell.
REFLECTIONS = 3


def expectations(source: Source) -> list[Problem]:
    """What is wrong with `expect`; found before the run, for after it the readings cannot be taken again."""
    measures: dict[str, list[Measure]] = {}
    beams: dict[str, int] = {}  # scans of what diffracts
    for step in source.steps:
        frame = source.frames.get(step.id)
        for name in dict.fromkeys((step.id, frame.origin if frame else step.id)):
            if isinstance(step, Measure) and step.kind in ("absorbance", "spectrum"):
                measures.setdefault(name, []).append(step)
            elif isinstance(step, Scan) and "diffraction" in step.detectors:
                beams[name] = beams.get(name, 0) + 1
    found: list[Problem] = []
    for number, fit in enumerate(source.protocol.expect, 1):
        about = f"expect, number {number} ({fit.fit})"
        looked = _of(fit, about, measures, source) if FITS[fit.fit].light else _of_beam(fit, about, beams, source)
        found += looked
    return found


def _of_beam(fit: Fit, about: str, beams: Mapping[str, int], source: Source) -> Iterator[Problem]:
    """A fit of what a beam shows."""
    if fit.reading not in beams and fit.reading not in source.gaps.readings:
        hint = f"{_known(fit.reading, beams)} It wants a `scan` with `detectors: [diffraction]` over each reflection."
        yield Problem("EXP-001", "", f"{about}: '{fit.reading}' scans no diffraction", hint)
    elif beams.get(fit.reading, REFLECTIONS) < REFLECTIONS:
        hint = f"Put step {fit.reading} into a `for_each` over the ways."
        yield Problem("EXP-002", "", f"{about}: a cell and a zero need {REFLECTIONS} reflections at the least", hint)
    if fit.material not in source.protocol.materials:
        hint = _known(str(fit.material), source.protocol.materials)
        yield Problem("EXP-003", "", f"{about}: '{fit.material}' is no material of the protocol", hint)
    elif source.protocol.materials[str(fit.material)].concentration is None:
        hint = "Give `concentration`: `pure` for a powder."
        yield Problem("EXP-003", "", f"{about}: nobody says how much of it '{fit.material}' holds", hint)


def _of(fit: Fit, about: str, measures: Mapping[str, Sequence[Measure]], source: Source) -> Iterator[Problem]:
    """A fit of absorbances."""
    steps = measures.get(fit.reading)
    if not steps and fit.reading in source.gaps.readings:
        return
    if not steps:
        yield Problem("EXP-001", "", f"{about}: '{fit.reading}' reads no absorbance", _known(fit.reading, measures))
        return
    if fit.fit in COURSES and len(steps) < 3:
        hint = f"Put step {fit.reading} into a `repeat`, with a wait or a shake beside it."
        yield Problem("EXP-002", "", f"{about}: what changes with time must be read three times at least", hint)
    for name in (*fit.materials, *([fit.material] if fit.material else [])):
        if name not in source.protocol.materials:
            hint = _known(name, source.protocol.materials)
            yield Problem("EXP-003", "", f"{about}: '{name}' is no material of the protocol", hint)
        elif source.protocol.materials[name].concentration is None:
            yield Problem("EXP-003", "", f"{about}: nobody says how much of it '{name}' holds", "Give `concentration`.")
    yield from _unread(fit, about, steps[0])
    yield from _unfounded(fit, about, source)


def _unread(fit: Fit, about: str, step: Measure) -> Iterator[Problem]:
    """Wells and wavelengths that the step does not read."""
    if fit.at is not None and fit.at not in wavelengths_nm(step):
        yield Problem("EXP-004", "", f"{about}: step {fit.reading} does not read at {fit.at:g} nm", _reads(step))
    asked = [wells for wells in (fit.wells, fit.blank, fit.samples) if wells is not None]
    for wells in asked:
        missing = _missing(wells, step)
        if missing:
            yield Problem("EXP-004", "", f"{about}: step {fit.reading} does not read {wells.labware}/{missing}",
                          "Add them to its `wells`, or leave them out here.")  # fmt: skip


def _reads(step: Measure) -> str:
    """At which wavelengths a step reads, and how it could at others."""
    lines = [f"{nm:g} nm" for nm in wavelengths_nm(step)]
    if step.by is None:
        return f"It reads {', '.join(lines)}."
    hint = "let `by` lead from the first one to it, or read it in a `measure` of its own"
    return f"It reads {', '.join(lines[:2])} ... {lines[-1]}: {hint}."


def _missing(wells: Wells, step: Measure) -> str:
    if wells.labware != step.labware:
        return ",".join(wells.names)
    if step.wells is None:
        return ""
    read = set(parse_wells(f"{step.labware}/{step.wells}").names)
    return ",".join(well for well in wells.names if well not in read)


def _unfounded(fit: Fit, about: str, source: Source) -> Iterator[Problem]:
    """Fits that build on others of the same reading."""
    others = source.protocol.expect
    known = {(e.material, e.at) for e in others if e.fit == "beer_lambert"}
    if fit.fit == "michaelis_menten" and len(fit.materials) == len(FITS[fit.fit].roles):
        product = fit.materials[2]
        if (product, fit.at) not in known:
            hint = f"Read a dilution series of {product} as well, and expect a `beer_lambert` of it."
            yield Problem("EXP-005", "", f"{about}: nothing tells the absorptivity of {product}", hint)
    if fit.fit == "mixture":
        wavelengths = {at for name, at in known if name in fit.materials and at is not None}
        lacking = [f"{name} at {at:g} nm" for name in fit.materials for at in sorted(wavelengths)
                   if (name, at) not in known]  # fmt: skip
        if lacking or len(wavelengths) < len(fit.materials):
            hint = f"Expect a `beer_lambert` of each of them at each of {len(fit.materials)} wavelengths or more."
            hint += f" Not there: {', '.join(lacking)}." if lacking else ""
            yield Problem("EXP-005", "", f"{about}: the absorptivities do not part {', '.join(fit.materials)}", hint)


def _known(name: str, names: Collection[str]) -> str:
    near = difflib.get_close_matches(name, list(names), 1)
    return f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(names) or 'none'}."
