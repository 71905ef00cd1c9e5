"""Rules about what substances do to one another and to people.

The chart of EPA-600/2-80-076 knows no concentration; the two thresholds here are ours, for without them every dilution
of an acid would ask a person. They never silence what may explode, or give off toxic gas.
"""

from collections.abc import Iterable, Iterator, Mapping

from protocols.chemistry.controlled import controlled
from protocols.chemistry.mixing import Cause, meet, wastes, worst
from protocols.chemistry.reactivity import CODES
from protocols.chemistry.substances import substance
from protocols.problems import Severity
from protocols.rules.rule import Case, Finding, Rule
from protocols.rules.trace import Warmed

EPA = "EPA-600/2-80-076 (Hatayama et al., 1980), compatibility chart, and protocols/chemistry/incompatible.csv"
#: Below this in its own liquid (mol/L) a substance that only gets warm, foams or dissolves others is let be.
DILUTE_M = 0.1
#: Below this (mol/L) what would be refused needs a person's approval instead.
VERY_DILUTE_M = 0.01
_ALWAYS = frozenset({"E", "GT"})  # told however dilute
#: A flammable substance of less than this (g/L) does not make the liquid flammable. Ours; UN GHS 2.6 tests mixtures.
FLAMMABLE_G_L = 50.0
#: Kept below flash points, and below boiling points in sealed vessels: heaters overshoot, and mixtures boil earlier.
#: Ours. Not for water, which cyclers take to 95 degC under a seal every day.
MARGIN_C = 10.0
WATER = "7732-18-5"
Amounts = Mapping[str, float | None]


def _reactions(case: Case) -> Iterator[Finding]:
    for met in dict.fromkeys(event for trace in case.traces for event in trace.met):
        one, other = ({liquid: case.substances.get(liquid, {}) for liquid in side} for side in (met.a, met.b))
        here, there = _pool(one.values()), _pool(other.values())
        for cause in sorted(meet(here, there).causes, key=lambda cause: (cause.a, cause.b)):
            if _together(cause, here) or _together(cause, there):
                continue  # they have met already, in one of the two
            severity = _weight(cause, here, there)
            if severity is not None:
                what = " and ".join(_called(cas) for cas in (cause.a, cause.b))
                means = ", ".join(CODES[code] for code in sorted(cause.codes))
                hint = "Keep them apart: other wells, a fresh tip, their own waste." if severity == "block" else (
                    "A person who knows these amounts must approve it."
                )  # fmt: skip
                yield Finding(met.step, f"{what} meet in {met.where.partition('/')[0]}: {means}", hint, severity)


def _pool(liquids: Iterable[Amounts]) -> dict[str, float | None]:
    """All substances of some liquids, each at its highest concentration."""
    found: dict[str, float | None] = {}
    for amounts in liquids:
        for cas, molar in amounts.items():
            known = found.get(cas, 0.0)
            found[cas] = None if molar is None or known is None else max(known, molar)
    return found


def _together(cause: Cause, lot: Amounts) -> bool:
    return cause.a in lot and cause.b in lot


def _weight(cause: Cause, here: Amounts, there: Amounts) -> Severity | None:
    severity = worst(cause.codes)
    pairs = [(here.get(cas, 0.0), there.get(cas, 0.0)) for cas in (cause.a, cause.b)]
    known = [max((m for m in pair if m is not None), default=0.0) for pair in pairs if None not in pair]
    least = min(known) if len(known) == len(pairs) else (min(known) if known else None)
    if least is None or least >= DILUTE_M:
        return severity
    if severity == "block":
        return "approve" if least < VERY_DILUTE_M else "block"
    return severity if _ALWAYS & cause.codes else None


def _called(cas: str) -> str:
    found = substance(cas)
    return f"{found.name} ({cas})" if found else cas


def _unknown(case: Case) -> Iterator[Finding]:
    for name, material in case.source.protocol.materials.items():
        if material.cas is None:
            message = f"nothing is known of '{name}': it has no CAS number"
            hint = (
                f"Give materials.{name}.cas if it is known; if nobody knows it, leave it out, and a person approves it."
            )
        elif (found := substance(material.cas)) is None or not found.classified:
            message = f"nothing is known of what {name} ({material.cas}) may not meet"
            hint = "A person must look it up, or add it to protocols/chemistry/substances.csv."
        else:
            continue
        yield Finding("setup", message, hint, case.lab.policy.unknown_material)


def _controlled(case: Case) -> Iterator[Finding]:
    for name, amounts in case.substances.items():
        for cas in amounts:
            listing = controlled(cas)
            if listing is not None:
                severity: Severity = "block" if listing.level == "block" else "approve"
                hint = "It is not to be used." if severity == "block" else "Two people must approve it."
                yield Finding("setup", f"{name}: {listing.name} ({cas}) is listed ({listing.list})", hint, severity)


def _refused(case: Case) -> Iterator[Finding]:
    for name, amounts in case.substances.items():
        for cas in amounts.keys() & set(case.lab.policy.refused):
            hint = "Use another substance, or ask who keeps [policy] in lab.toml."
            yield Finding("setup", f"{name}: this lab refuses {_called(cas)}", hint)


def _warmings(case: Case) -> Iterator[tuple[Warmed, str, float | None]]:
    """What is warmed: each event with each of its substances, and how much of it there is, in g/L."""
    for event in dict.fromkeys(event for trace in case.traces for event in trace.warmed):
        for cas, molar in _pool([case.substances.get(liquid, {}) for liquid in sorted(event.liquids)]).items():
            known = substance(cas)
            mass = None if molar is None or known is None or known.molar_mass_g_mol is None else (
                molar * known.molar_mass_g_mol
            )  # fmt: skip
            yield event, cas, mass


def _flash(case: Case) -> Iterator[Finding]:
    for event, cas, g_l in _warmings(case):
        known = substance(cas)
        if known is None or known.flash_c is None or event.sealed or (g_l is not None and g_l < FLAMMABLE_G_L):
            continue
        if event.temperature_c >= known.flash_c - MARGIN_C:
            message = (f"{event.labware} is brought to {event.temperature_c:g} degC, open, and holds {_called(cas)}, "
                       f"whose flash point is {known.flash_c:g} degC")  # fmt: skip
            yield Finding(event.step, message, f"Stay below {known.flash_c - MARGIN_C:g} degC, or dilute it first.")


def _boiling(case: Case) -> Iterator[Finding]:
    for event, cas, g_l in _warmings(case):
        known = substance(cas)
        if known is None or known.boiling_c is None or (g_l is not None and g_l < FLAMMABLE_G_L):
            continue
        boils = event.temperature_c >= known.boiling_c
        near = event.sealed and cas != WATER and event.temperature_c >= known.boiling_c - MARGIN_C
        if boils or near:
            severity: Severity = "block" if event.sealed and boils else "approve"
            state = "sealed" if event.sealed else "open"
            message = (
                f"{event.labware} is {state} at {event.temperature_c:g} degC and holds {_called(cas)}, which "
                f"boils at {known.boiling_c:g} degC"
            )
            hint = f"Stay below {known.boiling_c - MARGIN_C:g} degC{', or peel the seal first' * event.sealed}."
            yield Finding(event.step, message, hint, severity)


def _wastes(case: Case) -> Iterator[Finding]:
    for trace in case.traces:
        pooled = {cas: step for liquid, step in trace.wasted.items() for cas in case.substances.get(liquid, {})}
        ordered = sorted(pooled)
        for number, one in enumerate(ordered):
            for other in ordered[number + 1 :]:
                if any({one, other} <= amounts.keys() for amounts in case.substances.values()):
                    continue
                for rule in wastes(one, other)[:1]:
                    message = f"the waste holds {_called(one)} and {_called(other)}: {rule.words}"
                    yield Finding(pooled[other], message, "Collect them apart, or have a person approve it.")


RULES = (
    Rule("CHEM-001", "Substances that react when they meet", "block", EPA, _reactions),
    Rule("CHEM-002", "Materials of which nothing is known", "approve",
         "ours: nothing known is not the same as safe; severity by [policy] unknown_material", _unknown),
    Rule("CHEM-003", "Controlled substances", "block",
         "CWC Annex on Chemicals; 21 CFR 1310.02; 27 CFR 555.23 (protocols/chemistry/controlled.csv)", _controlled),
    Rule("CHEM-004", "Open flammable liquid near its flash point", "block",
         "flash points: PyPI chemicals 1.5.2; margin and share ours (NFPA 30 classes liquids by flash point)", _flash),
    Rule("CHEM-005", "Boiling, and pressure in a sealed vessel", "block",
         "boiling points: PyPI chemicals 1.5.2; margin ours", _boiling),
    Rule("CHEM-006", "Wastes that must not be pooled", "approve", "40 CFR 265, Appendix V", _wastes),
    Rule("CHEM-007", "Substances that this lab refuses", "block", "[policy] refused of lab.toml", _refused),
)  # fmt: skip
