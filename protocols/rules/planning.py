"""Rules about time, reach, money, and the state in which devices and lids are."""

from collections.abc import Iterator, Mapping

from protocols.forecast import Forecast
from protocols.model import Lid, Measure, Seal
from protocols.rules.rule import Case, Finding, Rule


def _too_late(case: Case) -> Iterator[Finding]:
    steps = {action.id: action.step for action in case.program.actions}
    for told in case.forecasts:
        for limit in case.program.limits:
            if limit.before in told.spans and limit.after in told.spans:
                gap_s = told.spans[limit.after][1] - told.spans[limit.before][1]
                if gap_s > limit.at_most_s:
                    message = f"it would end {gap_s:.0f} s after the step before it, not within {limit.at_most_s:.0f} s"
                    yield Finding(steps[limit.after], message + _waiting(case, told, steps[limit.after]),
                                  "Do less between, or allow more with `within`.")  # fmt: skip


def _waiting(case: Case, told: Forecast, step: str) -> str:
    """What a step waits for longest, in words; nothing where it is not the wait that takes the time."""
    waits = {
        action.device: told.spans[action.id][1] - told.spans[action.id][0] - told.lasts_s[action.id]
        for action in case.program.actions if action.step == step and action.id in told.lasts_s
    }  # fmt: skip
    device = max(waits, key=waits.__getitem__, default="")
    return f"; {waits[device]:.0f} s of it waiting for {device}" if device and waits[device] > 1 else ""


def _reach(case: Case) -> Iterator[Finding]:
    steps = {action.id: action.step for action in case.program.actions}
    for told in case.forecasts:
        for action, why in told.refused.items():
            yield Finding(steps[action], why, "Teach the site anew ([sites] of lab.toml), or let a person carry it.")


def _agents_day(case: Case) -> Iterator[Finding]:
    author = case.source.protocol.author
    allowed = case.lab.budgets.get(author.name) if author.kind == "agent" else None
    if allowed is None:
        return
    reagent_ml = sum(ml for _, ml in _liquids(case))
    kinds = (("min of instruments", allowed.instrument_minutes), ("mL of liquids", allowed.reagent_ml),
             (case.lab.means.currency, allowed.money))  # fmt: skip
    for told in case.forecasts:
        taken = sum(_minutes(case, told.busy_s).values()), reagent_ml, _cost(case, told.busy_s)
        for amount, (unit, limit) in zip(taken, kinds, strict=True):
            if limit is not None and amount > limit:
                message = f"it takes {amount:.4g} {unit}; {author.name} may use {limit:g} in a whole day"
                yield Finding("setup", message, "Divide it, or let a person submit it.")


def _dear(case: Case) -> Iterator[Finding]:
    limit = case.lab.means.approve_above
    for told in case.forecasts if limit is not None else ():
        cost = _cost(case, told.busy_s)
        if limit is not None and cost > limit:
            message = f"it costs {cost:.2f} {case.lab.means.currency}; up to {limit:g} go without asking"
            yield Finding("setup", message, "A person must approve it.")


def _on_the_shelf(case: Case) -> Iterator[Finding]:
    for name, ml in _liquids(case):
        there = case.lab.means.stock_ml.get(name)
        if there is not None and ml > there:
            message = f"it takes {ml:.3g} mL of {name}; the lab has {there:g} mL"
            yield Finding("setup", message, "Use less, or get more and say so in [stock] of lab.toml.")


def _calibration(case: Case) -> Iterator[Finding]:
    for device in case.program.devices:
        due = case.lab.overdue.get(device)
        if due is not None:
            hint = "Have it calibrated, and set calibration_due in lab.toml; or approve that its values are indicative."
            yield Finding(_first_use(case, device), f"the calibration of {device} was due on {due}", hint)


def _maintenance(case: Case) -> Iterator[Finding]:
    for told in case.forecasts:
        for device in filter(case.lab.closed.get, case.program.devices):
            ids = [action.id for action in case.program.actions if action.device == device and action.id in told.spans]
            first = min((told.spans[name][0] for name in ids), default=0.0)
            last = max((told.spans[name][1] for name in ids), default=0.0)
            for begins, ends in case.lab.closed[device]:
                if begins < last and ends > first:
                    message = f"begun now, it wants {device} while it is in maintenance"
                    yield Finding(_first_use(case, device), message, "The lab plans round it: expect it to be later.")


def _lids(case: Case) -> Iterator[Finding]:
    """What needs an open plate, between a lid that was put on and the step that takes it off."""
    lidded: set[str] = set()
    for step in case.source.steps:
        for labware in sorted(lidded & _opened(case, step.id)) if lidded else ():
            yield Finding(step.id, f"{labware} has its lid on: tips would hit it", _OFF, "block")
        named = getattr(step, "labware", None)
        if named in lidded and isinstance(step, Measure):
            yield Finding(step.id, f"{named} is read through its lid", _OFF)
        if named in lidded and isinstance(step, Seal):
            yield Finding(step.id, f"{named} cannot be sealed with its lid on", _OFF, "block")
        if isinstance(step, Lid):
            (lidded.add if step.put == "on" else lidded.discard)(step.labware)


_OFF = "Take it off before: `do: lid`, `put: off`."


def _opened(case: Case, step: str) -> set[str]:
    """Labware into which tips go in a step."""
    verbs = ("aspirate", "dispense", "blow_out", "touch_tip", "pick_up_tip")
    return {action.args["labware"] for action in case.program.actions if action.step == step and action.verb in verbs}


def _minutes(case: Case, busy_s: Mapping[str, float]) -> dict[str, float]:
    """Minutes of work of each device; people are no instruments."""
    return {name: s / 60 for name, s in busy_s.items() if case.lab.roles.get(name) != "Operator"}


def _liquids(case: Case) -> list[tuple[str, float]]:
    """Millilitres of each material that a person fills."""
    return [(name, ul / 1e3) for name, ul in case.stock.get("liquids_ul", {}).items()]


def _cost(case: Case, busy_s: Mapping[str, float]) -> float:
    means = case.lab.means
    work = sum(means.instrument_hour.get(name, 0.0) * used / 60 for name, used in _minutes(case, busy_s).items())
    liquids = sum(means.liquid_ml.get(name, 0.0) * ml for name, ml in _liquids(case))
    return work + liquids + means.tip * float(sum(case.stock.get("tips", {}).values()))


def _first_use(case: Case, device: str) -> str:
    return next(action.step for action in case.program.actions if action.device == device)


RULES = (
    Rule("TIME-003", "A step that must not wait comes too late by itself", "block",
         "the author's `within` (ADR 11), by the predicted times (ADR 13)", _too_late),
    Rule("REACH-003", "A site that the arm's joints do not reach", "block",
         "the arm's kinematics (links and ranges of its driver's package)", _reach),
    Rule("LID-001", "Lids where tips or light must pass", "warn",
         "ours: a tip that hits a lid breaks; a lid changes what is read", _lids),
    Rule("CAL-001", "An instrument whose calibration is out of date", "approve",
         "ISO/IEC 17025:2017, 6.4.7: a calibration programme, to keep confidence in its status", _calibration),
    Rule("MAINT-001", "A device that is in maintenance when it is wanted", "warn",
         "[maintenance] of lab.toml", _maintenance),
    Rule("BUDGET-001", "One run that takes more than its agent may use in a day", "block",
         "[agents.<name>] budget of lab.toml", _agents_day),
    Rule("BUDGET-002", "A run that costs more than goes without asking", "approve",
         "[prices] approve_above of lab.toml", _dear),
    Rule("BUDGET-003", "More of a reagent than there is", "block", "[stock] of lab.toml", _on_the_shelf),
)  # fmt: skip
