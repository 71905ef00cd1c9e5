"""An `if` at work: the reading decides, what is not due is passed over, and a worker that ends forgets nothing."""

import asyncio
from typing import Any

import pytest

from drivers.core.instrument import Reading
from drivers.core.world import WorldSettings
from labfile import Lab
from orchestrator.cell import Cell
from orchestrator.conductor import Conductor
from orchestrator.journal import MemoryLog
from orchestrator.labview import view
from orchestrator.service import Service
from orchestrator.simulate import simulate
from orchestrator.state import records as r
from orchestrator.state.cell import fold
from orchestrator.state.views import waits_for_person
from protocols.check import check
from protocols.conditions import Condition, due
from protocols.parse import from_document
from protocols.program import Program

LINE = 0.15  # absorbance of 100 uL of the dye in a well lies near 0.26


def protocol(lab: Lab, above: float) -> Program:
    steps: list[dict[str, Any]] = [
        {"id": "fill", "do": "transfer", "source": "stock/A1", "to": "plate/A1:A2", "volume": "100 uL"},
        {"id": "read", "do": "measure", "kind": "absorbance", "labware": "plate", "wells": "A1:A2", "wavelengths": ["504 nm"]},
        {"id": "strong", "do": "if", "reading": "read", "at": "504 nm", "wells": "plate/A1:A2", "above": above,
         "then": [{"id": "thin", "do": "transfer", "source": "stock/A2", "to": "plate/A1", "volume": "50 uL"}],
         "otherwise": [{"id": "more", "do": "transfer", "source": "stock/A1", "to": "plate/A2", "volume": "80 uL"},
                       {"id": "shake", "do": "shake", "labware": "plate", "speed": "300 rpm", "for": "20 s"}]},
        {"id": "last", "do": "measure", "kind": "absorbance", "labware": "plate", "wells": "A1:A2", "wavelengths": ["504 nm"]},
    ]  # fmt: skip
    document = {
        "format": "lab-protocol/1", "name": "t", "author": {"kind": "human", "name": "tests"},
        "materials": {"dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}},
        "labware": {"stock": {"type": "reservoir_12", "holds": {"A1": "dye", "A2": "water"}}, "plate": {"type": "plate_96_flat"}},
        "steps": steps,
    }  # fmt: skip
    found = check(from_document(document), view(lab))
    assert found.program is not None, found.problems
    return found.program


@pytest.mark.parametrize(("above", "volumes"), [(LINE, {"A1": 150.0, "A2": 100.0}), (5.0, {"A1": 100.0, "A2": 180.0})])
def test_the_reading_decides(lab: Lab, above: float, volumes: dict[str, float]) -> None:
    found = simulate(lab, protocol(lab, above), seed=1)
    assert found.result.outcome == "completed", found.result.error
    wells = found.result.end_state["labware"]["plate"]["wells"]
    assert {well: wells[well]["volume_ul"] for well in volumes} == volumes
    done = {span.step for span in found.result.spans}
    assert ("thin" in done) == (above == LINE)
    assert ("shake" in done) == (above != LINE)


class Floor:
    """A service whose worker may be changed at any record."""

    def __init__(self, lab: Lab) -> None:
        self.cell = Cell(lab, "twin", WorldSettings(seed=1, epoch_s=0.0))
        self.records: list[r.Record] = []

    def start(self, now: Any) -> None:
        self.conductor = Conductor(MemoryLog(), now, fold(self.records))
        self.conductor.listeners.append(self.records.append)
        self.service = Service(self.conductor, self.cell)


@pytest.mark.parametrize("at", ["read", "strong", "more"])
def test_a_worker_that_ends_in_between_forgets_nothing(lab: Lab, at: str) -> None:
    floor, program = Floor(lab), protocol(lab, 5.0)
    floor.cell.load(program.devices)

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        floor.start(clock)
        await floor.service.submit("r", program, about={"run_id": "r"})
        steps = {action.id: action.step for action in program.actions}
        while not any(isinstance(x, r.Begun) and steps[x.action] == at for x in floor.records):
            await asyncio.sleep(1)
        await floor.service.close()
        floor.start(clock)
        epoch = floor.conductor.state.epoch + 1
        floor.conductor.record(r.Claimed(at=clock(), holder="heir", epoch=epoch, world="twin"))
        floor.service.take_up()
        while floor.conductor.state.runs:
            await asyncio.sleep(10)
            assert not any(map(waits_for_person, floor.conductor.state.runs.values()))
        await floor.service.close()
        await floor.cell.close()

    floor.cell.world.run(main)
    assert next(x.outcome for x in floor.records if isinstance(x, r.Finished)) == "completed"
    passed = {x.action.partition(".")[0] for x in floor.records if isinstance(x, r.PassedOver)}
    assert passed == {"thin", "strong"} or passed == {"thin"}
    done = [x.action for x in floor.records if isinstance(x, r.Done)]
    assert len(done) == len(set(done))


def test_a_condition_that_nobody_can_tell_waits_for_a_person(lab: Lab) -> None:
    """A reading whose wells are not those that were asked for."""
    readings = {"read": (Reading("absorbance_504nm", "1", wells={"A1": 0.4}),)}
    conditions = {"c": Condition("read", "absorbance_504nm", ("A1", "A2"), above=0.1)}
    assert due((("c", True),), conditions, readings) == "c"
    assert due((("c", True),), {"c": Condition("read", None, ("A1",), above=0.1)}, readings) is True
    assert due((("c", False),), {"c": Condition("read", None, ("A1",), below=0.1)}, readings) is True
    assert due((("c", True),), {"c": Condition("read", "absorbance_1nm", None, below=0.1)}, readings) == "c"
