"""Rules about labware, tips, seals, waste and living things."""

from collections.abc import Iterator

from drivers.core.vessels import VESSELS
from protocols.calls import capability_of
from protocols.model import Call, Centrifuge, GasStep, Measure, Thermocycle
from protocols.rules.rule import Case, Finding, Rule

#: From here on polystyrene softens, and above the second no plastic of which labware is made holds, degC.
SOFT_C, MOLTEN_C = 100.0, 340.0
_OPTICAL = ("absorbance", "spectrum", "fluorescence", "image")  # read with light through the wells
GASES = {"H2": "flammable", "CH4": "flammable", "C2H6": "flammable", "CO": "flammable and toxic", "O2": "oxidising",
         "N2O": "oxidising"}  # fmt: skip


def _dead_volume(case: Case) -> Iterator[Finding]:
    for event in (event for trace in case.traces for event in trace.drawn):
        message = (f"after it {event.where} holds {event.left_ul:.3g} uL; a tip 1 mm above the bottom needs about "
                   f"{event.dead_ul:.3g} uL not to draw air")  # fmt: skip
        yield Finding(event.step, message, "Fill more, or draw less.")


def _contamination(case: Case) -> Iterator[Finding]:
    for event in (event for trace in case.traces for event in trace.soiled):
        liquids = ", ".join(sorted(event.liquids))
        message = f"a tip that touched {liquids} goes into {event.where}, the stock of {event.stock}"
        yield Finding(event.step, message, "Take a fresh tip for each: a `transfer` with `tips: each`.")


def _waste_capacity(case: Case) -> Iterator[Finding]:
    room_ul = case.lab.policy.waste_capacity_ul
    worst = max(case.traces, key=lambda trace: trace.waste_ul)
    if worst.waste_ul > room_ul:
        message = f"the run leaves {worst.waste_ul / 1e3:.4g} mL of waste; there is room for {room_ul / 1e3:.4g} mL"
        yield Finding(list(worst.wasted.values())[-1], message, "Discard less, or make several runs of it.")


def _seals(case: Case) -> Iterator[Finding]:
    for step in case.source.steps:
        for trace in case.traces:
            sealed = trace.sealed.get(step.id)
            if sealed is None:
                continue
            if isinstance(step, Thermocycle) and step.labware not in sealed:
                yield Finding(
                    step.id, f"{step.labware} is cycled without a seal: it dries out", "Seal it before.", "block"
                )
            elif isinstance(step, Centrifuge) and step.labware not in sealed:
                yield Finding(
                    step.id, f"{step.labware} is spun without a seal", "Seal it before, or balance it by eye."
                )
            elif isinstance(step, Measure) and step.kind in _OPTICAL and step.labware in sealed:
                yield Finding(step.id, f"{step.labware} is read through its seal", "Peel it before.")


def _hot(case: Case) -> Iterator[Finding]:
    labware = case.source.protocol.labware
    own = {name for name, spec in labware.items() if spec.definition is not None}
    bears = {name: VESSELS[spec.type].bears_c for name, spec in labware.items()
             if spec.type is not None and spec.type in VESSELS}  # fmt: skip
    for event in dict.fromkeys(event for trace in case.traces for event in trace.warmed):
        bears_c = bears.get(event.labware)
        if bears_c is not None and event.temperature_c > bears_c:
            message = f"{event.labware} comes to {event.temperature_c:g} degC; it bears {bears_c:g} degC"
            yield Finding(event.step, message, "Stay below, or take another vessel with a `definition`.", "block")
        elif event.temperature_c > SOFT_C and event.labware not in own and bears_c is None:
            message = f"{event.labware} comes to {event.temperature_c:g} degC; plastic softens from {SOFT_C:g} degC on"
            hint = "Stay below, or take a vessel of glass or ceramics: beaker_250, boat, or a `definition` of its own."
            yield Finding(event.step, message, hint, "block" if event.temperature_c > MOLTEN_C else None)


def _gases(case: Case) -> Iterator[Finding]:
    for step in case.source.steps:
        if isinstance(step, GasStep) and step.gas in GASES:
            hint = "A person must see to ventilation, leaks and ignition, and approve."
            yield Finding(step.id, f"{step.gas} is {GASES[step.gas]}", hint)


def _calls(case: Case) -> Iterator[Finding]:
    for step in case.source.steps:
        if isinstance(step, Call):
            device, capability = capability_of(step, case.lab)
            if not capability.harmless:
                hint = "No other rule looks at what a driver does beside its role: a person must see to it and approve."
                yield Finding(step.id, f"{device} {capability.what}", hint)


def _biosafety(case: Case) -> Iterator[Finding]:
    fit = case.lab.policy.max_biosafety_level
    for name, material in case.source.protocol.materials.items():
        level = material.biosafety_level or 1
        if level > fit:
            hint = "Take it to a lab that is fit for it ([policy] max_biosafety_level)."
            yield Finding("setup", f"{name} needs biosafety level {level}; this lab is fit for {fit}", hint)


def _kill(case: Case) -> Iterator[Finding]:
    levels = {name: material.biosafety_level or 1 for name, material in case.source.protocol.materials.items()}
    for trace in case.traces:
        for liquid, step in trace.wasted.items():
            if levels.get(liquid, 1) >= 2:
                hint = "Kill it first; a person must see to it and approve, for nothing here can see that it is dead."
                yield Finding(step, f"{liquid} (biosafety level {levels[liquid]}) goes to the waste alive", hint)


RULES = (
    Rule("VOL-001", "Too little left for a tip to draw from", "warn",
         "tip 1 mm above the bottom (Opentrons default); the half is ours", _dead_volume),
    Rule("TIP-005", "A soiled tip in a stock", "warn", "ours: cross-contamination by reuse of a tip", _contamination),
    Rule("WASTE-001", "More waste than the lab takes", "block", "[policy] waste_capacity_ml of lab.toml",
         _waste_capacity),
    Rule("SEAL-001", "Seals where they are needed, and not where they hinder", "warn",
         "ours: evaporation in cycling, spills in spinning, light through a seal", _seals),
    Rule("HEAT-001", "Plastic that softens", "approve",
         "glass transition of polystyrene, melting point of PEEK (Polymer Handbook, 4th ed.)", _hot),
    Rule("GAS-001", "Gases that burn, poison or feed a fire", "approve",
         "Regulation (EC) 1272/2008, Annex VI: H220, H270, H331", _gases),
    Rule("CALL-004", "A call that changes something", "approve", "ours: what a driver declares, it says of itself",
         _calls),
    Rule("BIO-001", "Biosafety level of the lab", "block",
         "CDC/NIH, Biosafety in Microbiological and Biomedical Laboratories, 6th ed., section IV", _biosafety),
    Rule("BIO-002", "Living waste", "approve",
         "CDC/NIH, Biosafety in Microbiological and Biomedical Laboratories, 6th ed., section IV: decontaminate waste",
         _kill),
)  # fmt: skip
