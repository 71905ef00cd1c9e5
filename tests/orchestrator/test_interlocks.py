"""Interlocks: an open door pauses the runs with an alarm, keeps others out, and opens nothing again by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drivers.core.instrument import Reading
from drivers.core.world import WorldSettings
from labfile import Lab, LabFileError, read
from labfile.lab import Interlock
from orchestrator.cell import Cell
from orchestrator.conductor import Conductor
from orchestrator.interlocks import broken
from orchestrator.journal import MemoryLog
from orchestrator.service import Service
from orchestrator.state import records as r
from orchestrator.state.cell import Impossible
from protocols.check import Checked
from protocols.program import Program

DOOR = Interlock("door", "enclosure", "door", None, 0.0, 2.0)
OXYGEN = Interlock("air", "enclosure", "oxygen", 19.5, None, 2.0)
TEXT = (Path(__file__).resolve().parents[2] / "lab.toml").read_text()


@pytest.fixture(scope="module")
def looks(lab: Lab, checked_on: Callable[[Lab, dict[str, Any]], Checked]) -> Program:
    """Looks at the room ten times, a minute between."""
    steps: list[dict[str, Any]] = []
    for number in range(10):
        steps += [{"id": f"look{number}", "do": "measure", "kind": "environment"},
                  {"id": f"wait{number}", "do": "wait", "for": "1 min"}]  # fmt: skip
    author = {"kind": "human", "name": "tests"}
    checked = checked_on(lab, {"format": "lab-protocol/1", "name": "room", "author": author, "steps": steps})
    assert checked.program is not None, checked.problems
    return checked.program


def at_work(lab: Lab, work: Callable[[Service, Any], Awaitable[None]]) -> list[r.Record]:
    cell = Cell(replace(lab, interlocks=(DOOR, OXYGEN)), "twin", WorldSettings(seed=1, epoch_s=0.0))
    cell.load(("environment", "enclosure"))
    story: list[r.Record] = []

    async def main() -> None:
        conductor = Conductor(MemoryLog(), asyncio.get_running_loop().time)
        conductor.listeners.append(story.append)
        service = Service(conductor, cell)
        service.take_up()
        await asyncio.sleep(5)
        await work(service, cell.world.twin("enclosure"))  # type: ignore[attr-defined]
        await service.close()
        await cell.close()

    cell.world.run(main)
    return story


def test_an_open_door_pauses_what_runs_until_a_person_resumes(lab: Lab, looks: Program) -> None:
    async def work(service: Service, twin: Any) -> None:
        await service.submit("one", looks, about={})
        await asyncio.sleep(90)
        twin.world.room.door_open = True
        await twin.publish_value()
        await asyncio.sleep(200)
        with pytest.raises(Impossible, match="door of enclosure is 1, not at most 0"):
            await service.resume("one", "technician")
        with pytest.raises(Impossible, match="an interlock does not hold"):
            await service.submit("two", looks, about={})
        twin.world.room.door_open = False
        await twin.publish_value()
        await asyncio.sleep(100)
        assert service.conductor.state.run("one").paused_by == "interlock:door"  # it goes on by no wind
        await service.resume("one", "technician")
        await asyncio.wait_for(service.idle(), 3600)

    story = at_work(lab, work)
    (alarm,) = [one for one in story if isinstance(one, r.Alarmed)]
    assert "interlock door: door of enclosure is 1, not at most 0" in alarm.message
    assert 95 <= alarm.at <= 98
    (resumed,) = [one for one in story if isinstance(one, r.Resumed)]
    begun = [one.at for one in story if isinstance(one, r.Begun) and one.action.startswith("look")]
    assert not [at for at in begun if alarm.at < at < resumed.at]
    (ended,) = [one for one in story if isinstance(one, r.Finished)]
    assert ended.outcome == "completed"


def test_a_sensor_that_cannot_be_asked_does_not_hold(lab: Lab, looks: Program) -> None:
    async def work(service: Service, twin: Any) -> None:
        await service.submit("one", looks, about={})
        await asyncio.sleep(30)
        await twin.switch_off()
        await asyncio.sleep(10)
        with pytest.raises(Impossible, match="its edge node is dead"):
            await service.submit("two", looks, about={})
        assert service.conductor.state.run("one").paused_by.startswith("interlock:")

    at_work(lab, work)


@pytest.mark.parametrize(
    ("interlock", "value", "why"),
    [(DOOR, 0.0, ""), (DOOR, 1.0, "door of enclosure is 1, not at most 0"), (OXYGEN, 20.9, ""),
     (OXYGEN, 19.0, "oxygen of enclosure is 19 %, not at least 19.5 %"), (DOOR, None, "enclosure does not tell door"),
     (OXYGEN, float("nan"), "oxygen of enclosure is nan %, not at least 19.5 %")],
)  # fmt: skip
def test_what_holds(interlock: Interlock, value: float | None, why: str) -> None:
    unit = "%" if interlock is OXYGEN else "1"
    assert broken(interlock, (Reading(interlock.quantity, unit, value),)) == why
    assert broken(interlock, ()) != ""


@pytest.mark.parametrize(
    ("table", "told"),
    [('device = "enclosure"\nquantity = "door"', "neither `at_least` nor `at_most`"),
     ('device = "shaker"\nquantity = "door"\nat_most = 0', "is no sensor"),
     ('device = "nothing"\nquantity = "door"\nat_most = 0', "no such device"),
     ('device = "enclosure"\nquantity = "door"\nat_most = 0\nat_least = 1', "is more than `at_most`")],
)  # fmt: skip
def test_mistakes_in_the_lab_file(tmp_path: Path, table: str, told: str) -> None:
    path = tmp_path / "lab.toml"
    path.write_text(f"{TEXT}\n[interlocks.door]\n{table}\n")
    with pytest.raises(LabFileError, match=told):
        read(path)


def test_the_lab_file_says_them(tmp_path: Path) -> None:
    path = tmp_path / "lab.toml"
    path.write_text(f'{TEXT}\n[interlocks.door]\ndevice = "enclosure"\nquantity = "door"\nat_most = 0.0\n')
    assert read(path).interlocks == (DOOR,)
