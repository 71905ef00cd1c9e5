"""`python -m benchmarks.library`: what was predicted of each protocol of the library, against the full-stack twin.

Durations: the forecast before the run, from figures of the devices, and how long the run took. Volumes: the ledger's,
and what the twin's vessels hold at the end, every well; there the twin's pipettes have no error and nothing evaporates,
for those are what no prediction can know. Protocols of devices that keep real time take as long as they take.
"""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from drivers.core.world import WorldSettings
from labfile import Lab, read
from orchestrator.cell import Cell
from orchestrator.execute import execute
from orchestrator.labview import timings, view
from orchestrator.result import Result
from orchestrator.simulate import EPOCH_S
from protocols import parse
from protocols.check import check
from protocols.forecast import forecast
from protocols.ledger import fold
from protocols.program import Program
from sim_lab.session import TwinWorld
from sim_lab.world import model
from sim_lab.world.pipetting import Plunger

ROOT = Path(__file__).resolve().parents[1]
FILES = (*sorted((ROOT / "protocols/library").glob("*.yaml")), *sorted((ROOT / "protocols/examples").glob("*.yaml")))
SHARE, VOLUME_UL = 0.05, 1e-6  # what a duration and a volume may be off


@dataclass(frozen=True, slots=True)
class Compared:
    """One protocol: seconds predicted and taken, and the largest difference of a well's volume."""

    outcome: str
    predicted_s: float
    took_s: float
    volume_ul: float

    @property
    def share(self) -> float:
        """How far the prediction was off; below zero where the run took longer."""
        return self.predicted_s / self.took_s - 1

    @property
    def holds(self) -> bool:
        """Whether it is what the issue asks for."""
        return self.outcome == "completed" and abs(self.share) < SHARE and self.volume_ul < VOLUME_UL


@contextlib.contextmanager
def ideal() -> Iterator[None]:
    """A world in which a pipette moves what it is told, and no water leaves a well."""
    with (
        mock.patch.object(Plunger, "actual", lambda _, nominal_ul: nominal_ul),
        mock.patch.object(model, "evaporation_mol_s", return_value=0.0),
    ):
        yield


def compare(lab: Lab, file: Path) -> Compared:
    """Predict, run, and hold one against the other, on the way that the run took."""
    program = check(parse.read(file), view(lab)).program
    assert program is not None, file
    with ideal():
        result, held = _run(lab, program)
    done = {span.action for span in result.spans}
    told = forecast(program, timings(lab, program.devices), lambda action: action.id in done)
    ledger, _ = fold(program, lambda action: action.id in done)
    worst = 0.0
    for name, labware in ledger.end_state(program)["labware"].items():
        for well in held[name].keys() | labware["wells"]:
            believed_ul = labware["wells"][well]["volume_ul"] if well in labware["wells"] else 0.0
            worst = max(worst, abs(believed_ul - held[name].get(well, 0.0)))
    return Compared(result.outcome, told.duration_s or 0.0, result.duration_s, worst)


def _run(lab: Lab, program: Program) -> tuple[Result, dict[str, dict[str, float]]]:
    """Its result, and what each well of each labware of the twin holds at its end (uL)."""
    speed = 1.0 if lab.in_real_time(program.devices) else None
    cell = Cell(lab, "twin", WorldSettings(seed=1, speed=speed, epoch_s=EPOCH_S))
    cell.load(program.devices)

    async def main() -> tuple[Result, dict[str, dict[str, float]]]:
        try:
            result = await execute(program, cell, {"world": "twin", "dry_run": True})
            assert isinstance(cell.world, TwinWorld)
            return result, {
                name: {well: vessel.volume_ul for well, vessel in labware.vessels.items()}
                for name, labware in cell.world.truth.labware.items()
            }
        finally:
            await cell.close()

    return cell.world.run(main)


def main() -> int:
    """The command."""
    lab, all_hold = read(ROOT / "lab.toml"), True
    print(f"{'protocol':24} {'predicted s':>12} {'took s':>9} {'off %':>7} {'volumes off uL':>15}")
    for file in FILES:
        one = compare(lab, file)
        print(f"{file.stem:24} {one.predicted_s:12.1f} {one.took_s:9.1f} {100 * one.share:7.2f} {one.volume_ul:15.1e}")
        all_hold &= one.holds
    return 0 if all_hold else 1


if __name__ == "__main__":
    sys.exit(main())
