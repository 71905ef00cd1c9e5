"""A protocol as people read it: a standard operating procedure, in Markdown or as a page to print. Pure.

What an author wrote is text of a stranger: nothing of it is markup here.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from markdown_it import MarkdownIt

from drivers.core.units import render
from protocols import model as m
from protocols import moves
from protocols.binder import in_words
from protocols.check import Checked
from protocols.chemistry.substances import GHS, substance
from protocols.parse import Source

_STYLE = """<style>
body { font: 11pt/1.5 system-ui, sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em; color: #111; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { border: 1px solid #bbb; padding: .3em .6em; text-align: left; }
li { margin: .3em 0; } h2 { break-after: avoid; } tr, li { break-inside: avoid; } @page { margin: 2cm; }
</style>"""
_MARKUP = re.compile(r"([\\`*_{}\[\]<>|#~])")


def sop(checked: Checked) -> str:
    """The procedure of a checked protocol: what it is for, what to have ready, what is done, what to look at."""
    source = checked.source
    protocol = source.protocol
    author = protocol.author
    who = ", ".join(part for part in (author.name, author.model, author.source) if part)
    lines = [f"# {plain(protocol.name)}", "", *([plain(protocol.purpose), ""] if protocol.purpose else [])]
    lines += [f"After {plain(protocol.citation)}", ""] if protocol.citation else []
    lines += [f"Written by {plain(who)} ({author.kind}). Protocol {source.hash}.", ""]
    for part in (_parameters(source), _materials(source), _labware(checked), _steps(source), _stock(checked)):
        lines += [*part, ""]
    lines += _remarks(checked)
    return "\n".join(lines).rstrip() + "\n"


def page(text: str) -> str:
    """The Markdown as one page of HTML that prints well; no script, no link, no markup of the author's."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return f"<!doctype html>\n<html lang='en'><meta charset='utf-8'><title>Procedure</title>\n{_STYLE}\n{body}</html>\n"


def plain(text: object) -> str:
    """Text without markup, in one line.

    >>> plain("a_b <script>")
    'a\\\\_b \\\\<script\\\\>'
    """
    return _MARKUP.sub(r"\\\1", " ".join(str(text).split()))


def _table(head: str, rows: list[str]) -> list[str]:
    columns = head.count("|") + 1
    return [f"| {head} |", "|" + " --- |" * columns, *rows]


def _parameters(source: Source) -> list[str]:
    values = source.parameters
    rows = [
        f"| {plain(name)} | {plain(values.get(name, spec.default))} | {plain(spec.low)} to {plain(spec.high)} |"
        for name, spec in source.protocol.parameters.items()
    ]
    return ["## Parameters", "", *_table("name | value | range", rows)] if rows else []


def _materials(source: Source) -> list[str]:
    rows = []
    for name, material in source.protocol.materials.items():
        known = substance(material.cas) if material.cas else None
        hazards = (
            "nothing is known of it" if known is None else "; ".join(GHS[code] for code in known.ghs) or "none known"
        )
        flash = f", flash point {known.flash_c:g} degC" if known and known.flash_c is not None else ""
        level = f", biosafety level {material.biosafety_level}" if material.biosafety_level else ""
        amount = "" if material.concentration is None else render(material.concentration, "concentration")
        what = known.name if known else material.name or ""
        rows.append(
            f"| {plain(name)} | {plain(what)} | {material.cas or ''} | {amount} | {plain(hazards)}{flash}{level} |"
        )
    return ["## Materials", "", *_table("name | what | CAS | concentration | hazards", rows)] if rows else []


def _labware(checked: Checked) -> list[str]:
    rows = []
    filled: dict[str, list[str]] = {}
    for action in checked.program.actions if checked.program else ():
        if action.verb == "fill":
            wells = ", ".join(f"{well} {volume:g} uL" for well, volume in action.args["volumes_ul"].items())
            filled.setdefault(action.args["labware"], []).append(f"{action.args['liquid']}: {wells}")
        elif action.verb == "place" and action.step == "setup":
            rows.append((action.args["labware"], action.args["kind"], action.args["site"]))
    written = [f"| {plain(name)} | {plain(kind)} | {plain(site)} | {plain('; '.join(filled.get(name, [])))} |"
               for name, kind, site in rows]  # fmt: skip
    return ["## Have ready", "", *_table("labware | kind | place | filled with", written)] if written else []


def _steps(source: Source) -> list[str]:
    lines = ["## Steps", ""]
    for number, step in enumerate(source.steps, 1):
        frame = source.frames.get(step.id)
        conditions = (
            [f"if {_condition(source.conditions[mark.condition], mark.wanted)}" for mark in frame.when] if frame else []
        )
        lane = f" (lane {plain(frame.lane[-1])})" if frame and frame.lane else ""
        within = "" if step.within is None else f" At most {in_words(step.within)} after the step before."
        what = ": ".join((*conditions, say(step).rstrip(".")))
        lines.append(f"{number}. **{plain(step.id)}**{lane}: {what}.{within}")
    return lines


def _condition(part: m.If, wanted: bool) -> str:
    limit = f"above {part.above:g}" if part.above is not None else f"below {part.below:g}"
    where = f" of {plain(part.wells)}" if part.wells is not None else ""
    at = f" at {part.at:g} nm" if part.at is not None else ""
    return f"the reading of {plain(part.reading)}{where}{at} is {'' if wanted else 'not '}{limit}"


def say(step: m.PlainStep) -> str:
    """One step in words, with every value."""
    match step:
        case m.Transfer():
            tips = "a fresh tip each" if step.tips == "each" else "one tip"
            mix = f", mix {step.mix} times" if step.mix else ""
            return f"transfer {step.volume:g} uL from {plain(step.source)} to each of {plain(step.to)}, {tips}{mix}"
        case m.Distribute():
            extra = f", {step.extra:g} uL more a load, given back" if step.extra else ""
            wells = f"from {plain(step.source)} to each of {plain(step.to)}"
            return f"distribute {step.volume:g} uL {wells} with one tip{extra}"
        case m.SerialDilute():
            into = step.into if isinstance(step.into, list) else [step.into]
            rows = "; ".join(plain(row) for row in into)
            series = f"dilute {plain(step.source)} with {plain(step.diluent)} in steps of 1 to {step.factor:g}"
            return f"{series} along {rows}, {step.volume:g} uL stay in each, mix {step.mix} times"
        case m.Mix():
            return f"mix {plain(step.wells)} {step.times} times with {step.volume:g} uL"
        case m.PipetteStep():
            return "pipette: " + ", ".join(_move(move) for move in step.moves)
        case m.Wait():
            return f"wait {in_words(step.for_)}"
        case m.OperatorStep():
            return f"by a person: {plain(step.message)}"
        case m.Position():
            return f"bring {plain(step.axis or 'the axis')} to {step.to}"
        case m.Scan():
            return _scan(step)
        case m.Call():
            args = ", ".join(f"{name} {value}" for name, value in step.args.items())
            on = f" of {plain(step.device)}" if step.device else ""
            return f"have {plain(step.name)}{on} done{f' with {plain(args)}' if args else ''}"
        case _:
            return _handling(step)


def _move(move: moves.Move) -> str:
    well = getattr(move, "well", None) or getattr(move, "tip", None) or getattr(move, "into", None)
    volume = f" {move.volume:g} uL" if isinstance(move, moves.Aspirate | moves.Dispense | moves.MixMove) else ""
    return f"{move.act.replace('_', ' ')}{volume}{f' {plain(well)}' if well else ''}"


def _handling(step: Any) -> str:
    match step:
        case m.Shake():
            at = f" at {step.at:g} degC" if step.at is not None else ""
            return f"shake {plain(step.labware)} with {step.speed:g} rpm for {in_words(step.for_)}{at}"
        case m.Dose():
            return f"weigh {step.mass:g} g of {plain(step.material)} into {plain(step.into)}"
        case m.Heat():
            ramp = f" with {step.ramp:g} K/min" if step.ramp else ""
            hold = f", and keep it there for {in_words(step.for_)}" if step.for_ else ""
            stir = f", stirring with {step.stir:g} rpm" if step.stir else ""
            return f"{step.do} {plain(step.labware)} to {step.to:g} degC{ramp}{hold}{stir}"
        case m.PumpLiquid():
            rate = f" with {step.rate:g} uL/s" if step.rate else ""
            return f"pump {step.volume:g} uL from {plain(step.source)} to {plain(step.to)}{rate}"
        case m.GasStep():
            return f"let {step.rate:g} sccm of {step.gas} flow for {in_words(step.for_)}"
        case m.FurnaceStep():
            what = f"take {plain(step.labware)} through the furnace" if step.labware else "run the furnace"
            return f"{what}: {', then '.join(map(_segment, step.program))}"
        case m.Incubate():
            return f"keep {plain(step.labware)} at {step.at:g} degC for {in_words(step.for_)}"
        case m.Centrifuge():
            at = f" at {step.at:g} degC" if step.at is not None else ""
            return f"spin {plain(step.labware)} with {step.force:g} x g for {in_words(step.for_)}{at}"
        case m.Thermocycle():
            cycles = "; ".join(
                f"{c.times} x ({', '.join(f'{h.at:g} degC {in_words(h.for_)}' for h in c.holds)})" for c in step.cycles
            )
            return f"cycle {plain(step.labware)}: {cycles}{f', lid {step.lid:g} degC' if step.lid is not None else ''}"
        case m.Seal():
            return f"{'seal' if step.do == 'seal' else 'take the seal off'} {plain(step.labware)}"
        case m.Lid():
            return (
                f"put the lid {step.put} {plain(step.labware)}"
                if step.put == "on"
                else f"take the lid off {plain(step.labware)}"
            )
        case m.Measure(kind="mass"):
            return f"weigh {plain(step.labware)} with all that is in it"
        case m.Measure(kind="environment"):
            return "read the sensors of the room"
        case m.Measure():
            return f"read the {step.kind}{_of(step)}"
        case _:
            return f"bring {plain(step.labware)} to {plain(step.to)}{' by hand' if step.by == 'person' else ''}"


def _of(step: m.Measure | m.Scan) -> str:
    """What is read, and with which light."""
    wells = (
        f" ({plain(step.wells or 'all wells')})"
        if step.wavelengths
        else f" ({plain(step.wells)})"
        if step.wells
        else ""
    )
    what = f" of {plain(step.labware)}{wells}" if step.labware else ""
    excitation = f", excited at {step.excitation:g} nm" if step.excitation else ""
    lines = f" at {', '.join(f'{nm:g} nm' for nm in step.wavelengths)}" if step.wavelengths else ""
    if step.by and len(step.wavelengths) == 2:
        lines = f" from {step.wavelengths[0]:g} to {step.wavelengths[1]:g} nm in steps of {step.by:g} nm"
    return f"{what}{excitation}{lines}{f', exposed for {in_words(step.exposure)}' if step.exposure else ''}"


def _scan(step: m.Scan) -> str:
    read = f"read {' and '.join(step.detectors) or 'where it is'}{_of(step)}"
    if step.plan == "count":
        return f"{read}, {step.num or 1} times{f', {in_words(step.delay)} apart' if step.delay else ''}"
    ways = "; ".join(_way(way) for way in step.axes)
    points = f" in {step.num} points" if step.num else ""
    return f"{step.plan} of {ways}{points}{', in a snake' if step.snake_axes else ''}; at each {read}"


def _way(way: m.Way) -> str:
    axis = plain(way.axis or "the axis")
    if way.from_ is None or way.to is None:
        return f"{axis} through {', '.join(map(str, way.places))}"
    return f"{axis} from {way.from_} to {way.to}{f' in {way.num} points' if way.num else ''}"


def _segment(segment: m.Segment) -> str:
    ramp = f" with {segment.ramp:g} K/min" if segment.ramp else ""
    return f"to {segment.to:g} degC{ramp}{f', there for {in_words(segment.for_)}' if segment.for_ else ''}"


def _stock(checked: Checked) -> list[str]:
    stock: Mapping[str, Any] = checked.stock
    if not stock:
        return []
    liquids = ", ".join(f"{plain(name)} {volume:g} uL" for name, volume in stock["liquids_ul"].items()) or "none"
    tips = ", ".join(f"{count} of {plain(kind)}" for kind, count in stock["tips"].items()) or "none"
    return ["## Stock and waste", "", f"Liquids: {liquids}. Tips: {tips}. Waste: {stock['waste_ul']:g} uL."]


def _remarks(checked: Checked) -> Iterator[str]:
    if checked.problems or checked.source.protocol.assumptions:
        yield from ("## Look at", "")
        for problem in checked.problems:
            where = f" ({plain(problem.step)})" if problem.step else ""
            about = f"{plain(problem.message)}. {plain(problem.hint)}"
            yield f"- {problem.rule}, {problem.severity}{where}: {about}".rstrip()
        for text in checked.source.protocol.assumptions:
            yield f"- The import assumed: {plain(text)}."
