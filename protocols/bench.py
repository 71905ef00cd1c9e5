"""Steps of the instruments on the bench: balance, hotplate, pumps, gas and furnace, which labware is brought to."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from drivers.core.labware import LabwareKind
from protocols import model as m
from protocols.drafts import Draft
from protocols.labview import LabView
from protocols.layout import Layout
from protocols.problems import Problem, ProtocolError
from protocols.setup import WATER_G_UL
from protocols.wells import Wells

Find = Callable[[str, str], str]
#: Strokes of one step at most: an hour of a small syringe. Ours.
MAX_STROKES = 50


class BenchSteps:
    """Binds them; `species` are the mol/L of each material, `device` gives the lab's device of a role, `known` labware
    that is declared, or they raise."""

    def __init__(
        self, lab: LabView, layout: Layout, kinds: Mapping[str, LabwareKind],
        species: Mapping[str, Mapping[str, float]], device: Find, known: Find,
    ) -> None:  # fmt: skip
        self.lab, self.layout, self._kinds, self._species = lab, layout, kinds, species
        self._device, self._known = device, known
        self.steps: dict[type, Callable[[Any], None]] = {
            m.Dose: self.dose, m.Heat: self.heat, m.PumpLiquid: self.pump, m.GasStep: self.flow,
            m.FurnaceStep: self.furnace,
        }  # fmt: skip

    def weighed(self, step: str, labware: str) -> tuple[str, Mapping[str, Any], tuple[str, ...]]:
        """Labware on the pan, to be weighed with all that is in it, over the zero of the empty pan: the balance,
        nothing that it is told, and what it needs."""
        balance = self._device("Balance", step)
        pan = self._on_pan(step, balance, self._known(step, labware))
        return balance, {}, (labware, pan)

    def dose(self, step: m.Dose) -> None:
        """The vessel is tared, a person fills, and the balance tells what came in."""
        balance, operator = self._device("Balance", step.id), self._device("Operator", step.id)
        labware = self._known(step.id, step.into.labware)
        species = self._species.get(step.material)
        if species is None:
            hint = f"Declare it under materials; declared: {', '.join(self._species)}."
            raise ProtocolError([Problem("MAT-001", step.id, f"'{step.material}' is no material", hint)])
        pan = self._on_pan(step.id, balance, labware)
        self._draft(step.id, balance, "tare", labware, pan)
        volumes_ul = {step.into.names[0]: round(step.mass / WATER_G_UL, 3)}  # of a powder, too: its mass is what counts
        about = {"labware": labware, "liquid": step.material, "volumes_ul": volumes_ul, "species": species}
        self._draft(step.id, operator, "fill", labware, pan, **about)
        self._draft(step.id, balance, "weigh", labware, pan)

    def _on_pan(self, step: str, balance: str, labware: str) -> str:
        """Have labware on the pan of a balance that was set to zero when it was empty; gives the site."""
        pan = self.lab.sites[balance][0]
        if self.layout.where[labware] != pan:
            self.layout.vacate(step, pan)
            self._draft(step, balance, "zero", pan, labware)
        self.layout.bring(step, labware, pan)
        return pan

    def heat(self, step: m.Heat) -> None:
        """On the hotplate, which neither heats nor stirs any more at the end."""
        hotplate = self._device("Hotplate", step.id)
        labware, plate = self._known(step.id, step.labware), self.lab.sites[hotplate][0]
        self.layout.bring(step.id, labware, plate)
        ramp = {} if step.ramp is None else {"ramp_c_min": step.ramp}
        if step.stir is not None:
            self._draft(step.id, hotplate, "stir", labware, plate, speed_rpm=step.stir)
        self._draft(
            step.id, hotplate, "heat", labware, plate, temperature_c=step.to, **ramp, duration_s=step.for_
        )  # fmt: skip

    def pump(self, step: m.PumpLiquid) -> None:
        """Drawn and given in as few strokes as the syringe allows; labware is brought to where the pump's line ends."""
        self._device("Pump", step.id)
        pump = self._best_pump(step)
        stroke = self.lab.limits[pump].ranges["volume"].high if pump in self.lab.limits else step.volume
        strokes = math.ceil(step.volume / stroke - 1e-9)
        if strokes > MAX_STROKES:
            message = f"{strokes:,} strokes of {pump} would be needed; at most {MAX_STROKES} are made"
            raise ProtocolError(
                [Problem("PUMP-002", step.id, message, "Is the unit right? Pour large volumes by hand.")]
            )
        rate = {} if step.rate is None else {"rate_ul_s": step.rate}
        ends = ("withdraw", step.source, self.lab.sites[pump][0]), ("infuse", step.to, self.lab.sites[pump][-1])
        for _ in range(strokes):
            for verb, wells, site in ends:
                labware, well = self._known(step.id, wells.labware), self._dips(step.id, wells)
                self.layout.bring(step.id, labware, site)
                args = {"volume_ul": step.volume / strokes, **rate, "labware": labware, "well": well}
                self._draft(step.id, pump, verb, labware, site, **args)

    def _best_pump(self, step: m.PumpLiquid) -> str:
        """The one that is named; else one that has the rate, if any; of these one that does it in one stroke."""
        pumps = [name for name, role in self.lab.roles.items() if role == "Pump"]
        if step.device in pumps:
            return str(step.device)
        if step.device is not None:
            message = f"'{step.device}' is no pump of this lab"
            raise ProtocolError([Problem("ROLE-001", step.id, message, f"Its pumps: {', '.join(pumps)}.")])

        def lacks(name: str, limit: str, value: float | None) -> bool:
            allowed = self.lab.limits[name].ranges.get(limit) if name in self.lab.limits else None
            return value is not None and allowed is not None and not allowed.low <= value <= allowed.high

        return min(pumps, key=lambda name: (lacks(name, "rate", step.rate), lacks(name, "volume", step.volume)))

    def _dips(self, step: str, wells: Wells) -> str:
        """The well a pump's line dips into: the first of what stands at its end."""
        well = wells.names[0]
        if well != self._kinds[self._known(step, wells.labware)].first_well:
            message = f"the pump's line dips into the first well of {wells.labware}, not into {well}"
            raise ProtocolError([Problem("PUMP-001", step, message, "Use the first well, or a vessel of one well.")])
        return well

    def flow(self, step: m.GasStep) -> None:
        """By the flow controller, which is shut again at the end."""
        gas = self._device("GasFlow", step.id)
        self._draft(step.id, gas, "flow", rate_sccm=step.rate, duration_s=step.for_, gas=step.gas)

    def furnace(self, step: m.FurnaceStep) -> None:
        """A sample, if there is one, goes in before and stays until it is moved."""
        furnace = self._device("Furnace", step.id)
        uses: tuple[str, ...] = ()
        if step.labware is not None:
            chamber = self.lab.sites[furnace][0]
            uses = (self._known(step.id, step.labware), chamber)
            self.layout.bring(step.id, step.labware, chamber)
        segments = [
            {"temperature_c": segment.to, "duration_s": segment.for_}
            | ({} if segment.ramp is None else {"ramp_c_min": segment.ramp})
            for segment in step.program
        ]
        self._draft(step.id, furnace, "run_program", *uses, segments=segments)

    def _draft(self, step: str, device: str, verb: str, *uses: str, **args: object) -> None:
        self.layout.drafts.append(Draft(step, device, verb, args, uses))
