"""What the source asks of modules, of its user and of its gripper: waits, moves, and tasks for a person."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from protocols.importers.findings import Findings
from protocols.importers.opentrons.deck import Deck, Thing
from protocols.importers.opentrons.read import Command
from protocols.importers.opentrons.steps import Steps, quantity
from protocols.layout import OFF

#: What a module does, in words; values come from the command's parameters.
_WORDS: dict[str, str] = {
    "magneticModule/engage": "raise the magnets to {height} mm",
    "magneticModule/disengage": "lower the magnets",
    "temperatureModule/setTargetTemperature": "set it to {celsius} degC",
    "temperatureModule/waitForTemperature": "wait until it is at {celsius} degC",
    "temperatureModule/deactivate": "switch it off",
    "heaterShaker/setTargetTemperature": "set its heater to {celsius} degC",
    "heaterShaker/waitForTemperature": "wait until its heater is at {celsius} degC",
    "heaterShaker/deactivateHeater": "switch its heater off",
    "heaterShaker/setAndWaitForShakeSpeed": "shake at {rpm} rpm, and go on while the next steps run",
    "heaterShaker/setShakeSpeed": "shake at {rpm} rpm, and go on while the next steps run",
    "heaterShaker/deactivateShaker": "stop shaking",
    "heaterShaker/openLabwareLatch": "open the latch",
    "heaterShaker/closeLabwareLatch": "close the latch",
    "thermocycler/openLid": "open the lid",
    "thermocycler/closeLid": "close the lid",
    "thermocycler/setTargetBlockTemperature": "set the block to {celsius} degC",
    "thermocycler/waitForBlockTemperature": "wait until the block is at {celsius} degC",
    "thermocycler/setTargetLidTemperature": "set the lid to {celsius} degC",
    "thermocycler/waitForLidTemperature": "wait until the lid is at {celsius} degC",
    "thermocycler/deactivateBlock": "switch the block off",
    "thermocycler/deactivateLid": "switch the lid's heater off",
}
#: Words in the names of an older API's commands, and how models of that family begin.
_FAMILIES = {
    "MAGDECK": "magneticModule", "TEMPDECK": "temperatureModule", "THERMOCYCLER": "thermocyclerModule",
    "HEATER_SHAKER": "heaterShakerModule",
}  # fmt: skip


@dataclass(slots=True)
class Handwork:
    """Turns these commands into steps of their own."""

    deck: Deck
    findings: Findings
    steps: Steps

    def handlers(self) -> dict[str, Callable[[Command], None]]:
        """The commands that it turns into steps; every other one goes to `module` or `unknown`."""
        return {
            "delay": self._delay, "waitForDuration": self._delay, "waitForResume": self._pause,
            "pause": self._pause, "moveLabware": self._move, "moduleTask": self._task,
        }  # fmt: skip

    def late(self, command: Command, thing: Thing) -> None:
        """Labware that the source loads when the run is under way: a person brings it then."""
        if thing.root != OFF:
            for other in self.deck.standing_on(thing.root):
                if other is not thing:
                    other.on, other.slot = None, OFF
                    self._bring(other, OFF)
                    text = f"{command}: '{thing.name}' takes the place of '{other.name}', which is put beside the deck"
                    self.findings.assume("IMP-005", text)
            step = self._bring(thing, thing.root)
            self.findings.assume(
                "IMP-005", f"{command}: '{thing.name}' waits beside the deck and is brought then", step
            )

    def module(self, command: Command) -> None:
        """A module's command as a task that says what to do, with which values, to what."""
        module = self.deck.module(command)
        there = self.deck.standing(module.slot)
        to_what = f" It acts on {there} (slot {module.slot})." if there else ""
        step = self.steps.ask(f"{module.model}: {_in_words(command)}.{to_what}")
        self.findings.note("IMP-004", f"{command}: no such module in this lab; a person does it", step)

    def unknown(self, command: Command) -> None:
        """A command that this import does not know: a person reads it."""
        step = self.steps.ask(
            f"The source has a command '{command.kind}' here: {_plain(command.params)}. Do what it asks."
        )
        self.findings.note("IMP-004", f"{command}: not known to this import; a person is asked to do it", step)

    def _task(self, command: Command) -> None:
        """What a module does by the words of an older API, which do not say which one where there are several."""
        text, values = command.text("text"), command.table("values")
        family = next((family for word, family in _FAMILIES.items() if word in command.text("command")), "")
        modules = [module for module in self.deck.modules.values() if module.model.startswith(family)] if family else []
        where = " or ".join(f"{m.model} in slot {m.slot} ({self.deck.standing(m.slot) or 'empty'})" for m in modules)
        more = f" ({_plain(dict(values))})" if values else ""
        step = self.steps.ask(f"{text}{more}. {f'It means {where}.' if where else ''}".strip())
        self.findings.note("IMP-004", f"{command}: no such module in this lab; a person does it", step)

    def _delay(self, command: Command) -> None:
        wait = command.params.get("wait")
        if command.params.get("waitForResume") or wait is True:
            self._pause(command)
            return
        key = "seconds" if "seconds" in command.params or wait is None else "wait"
        step = self.steps.add("wait", "wait", **{"for": quantity(command.amount(key), "time")})
        message = command.params.get("message")
        if message:
            self.findings.note(
                "IMP-008", f"{command}: a wait shows no message; the source's was {_plain(message)}", step
            )

    def _pause(self, command: Command) -> None:
        message = command.params.get("message")
        self.steps.ask(message if isinstance(message, str) and message.strip() else "Go on when you are ready.")

    def _move(self, command: Command) -> None:
        moved = list(self.deck.move(command))
        for thing, slot in moved:
            if thing.key in self.deck.document:
                self._bring(thing, slot)
        if not any(thing.key in self.deck.document for thing, _ in moved):
            thing, slot = moved[0]
            step = self.steps.ask(f"Take '{thing.name}' {'off the deck' if slot == OFF else f'to slot {slot}'}.")
            self.findings.note(
                "IMP-004", f"{command}: '{thing.name}' has no wells and is not on the list of labware", step
            )
        if command.params.get("strategy") == "usingGripper":
            text = "the source's gripper carries labware; a person does it here (change `by` where the arm reaches)"
            self.findings.assume("IMP-005", text)

    def _bring(self, thing: Thing, slot: str) -> str:
        return self.steps.add("move", "move", labware=thing.key, to=slot, by="person")


def _in_words(command: Command) -> str:
    if command.kind in ("thermocycler/runProfile", "thermocycler/runExtendedProfile"):
        return _profile(command)
    given = {key: value for key, value in command.params.items() if key != "moduleId"}
    words = _WORDS.get(command.kind)
    if words is None:
        return f"{command.kind} {_plain(given)}"
    if "engageHeight" in given:
        given["height"] = given.pop("engageHeight")
    used = {key for key in given if "{" + key + "}" in words}
    if "{" in words and not used:
        if "/waitFor" not in command.kind:
            raise command.refuse(f"it lacks a value for '{words}'")
        words = words.partition(" at {")[0] + " at its target"
    more = {key: value for key, value in given.items() if key not in used}
    return words.format_map(given) + (f" ({_plain(more)})" if more else "")


def _profile(command: Command) -> str:
    """A thermocycler's profile; what is not of the simple form is quoted."""
    profile = command.params.get("profile")
    parts = profile if isinstance(profile, list) else []
    simple = bool(parts) and all(isinstance(part, dict) and part.keys() == {"celsius", "holdSeconds"} for part in parts)
    if not simple:
        return f"run the profile {_plain({k: v for k, v in command.params.items() if k != 'moduleId'})}"
    said = ", then ".join(f"{part['holdSeconds']} s at {part['celsius']} degC" for part in parts)
    volume = command.params.get("blockMaxVolumeUl")
    return f"run the profile {said}" + (f" (block volume at most {volume} uL)" if volume is not None else "")


def _plain(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 1000 else text[:997] + "..."
