"""Steps of the instruments on the bench: balance, hotplate, pumps, gas and furnace, which labware is brought to."""

from collections.abc import Callable

from protocols import model as m
from protocols.drafts import Draft
from protocols.labview import LabView
from protocols.layout import Layout
from protocols.problems import Problem, ProtocolError

Find = Callable[[str, str], str]


class BenchSteps:
    """Binds them; `device` gives the lab's device of a role, `known` a labware that is declared, or they raise."""

    def __init__(self, lab: LabView, layout: Layout, device: Find, known: Find) -> None:
        self.lab, self.layout, self._device, self._known = lab, layout, device, known

    def weigh(self, step: m.Measure) -> None:
        """What labware weighs with all that is in it, over the zero of the empty pan."""
        balance = self._device("Balance", step.id)
        if step.labware is None or step.wells or step.wavelengths:
            raise ProtocolError([Problem("MEAS-001", step.id, "weighing needs `labware`, and takes it as a whole")])
        labware, pan = self._known(step.id, step.labware), self.lab.sites[balance][0]
        if self.layout.where[labware] != pan:
            self.layout.vacate(step.id, pan)
            self._draft(step.id, balance, "zero", pan, labware)
        self.layout.bring(step.id, labware, pan)
        self._draft(step.id, balance, "weigh", labware, pan)

    def heat(self, step: m.Heat) -> None:
        """On the hotplate, which is off again at the end."""
        hotplate = self._device("Hotplate", step.id)
        labware, plate = self._known(step.id, step.labware), self.lab.sites[hotplate][0]
        self.layout.bring(step.id, labware, plate)
        ramp = {} if step.ramp is None else {"ramp_c_min": step.ramp}
        self._draft(
            step.id, hotplate, "heat", labware, plate, temperature_c=step.to, **ramp, duration_s=step.for_
        )  # fmt: skip

    def _draft(self, step: str, device: str, verb: str, *uses: str, **args: object) -> None:
        self.layout.drafts.append(Draft(step, device, verb, args, uses))
