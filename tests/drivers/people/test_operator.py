"""The person: tasks as lines, answers, refusals, absence."""

import asyncio
import json

import pytest

from drivers.core.errors import CommandFailed, ConnectionLost, ProtocolViolation, ReplyTimeout
from drivers.core.transport import Port
from drivers.people.operator import DRIVER, wire
from drivers.people.operator.device import Person
from drivers.people.operator.options import Options
from sim_lab.clock import run
from sim_lab.link import wire as new_wire


async def asked(reply: bytes | None) -> float:
    """Have a person asked who answers so; None never answers. Returns the time it took."""
    here, there = new_wire()
    person = Person("operator", Port("sim:", lambda *_: here), Options(patience_s=60), DRIVER.default_limits)
    await person.connect()

    async def other() -> None:
        await there.receive()
        if reply == b"":
            await there.close()
        elif reply is not None:
            await there.send(reply)

    task = asyncio.ensure_future(other())
    try:
        await person.confirm("Look.")
    finally:
        await task
        await person.disconnect()
    return asyncio.get_running_loop().time()


def test_task_lines() -> None:
    line = wire.task("3", "fill", {"labware": "plate", "liquid": "dye", "volumes_ul": {"A1": 5.0}, "species": {}})
    assert line.endswith(b"\n")
    assert json.loads(line) == {
        "id": "3", "do": "fill", "say": "Fill dye into plate: A1 5 uL.",
        "args": {"labware": "plate", "liquid": "dye", "volumes_ul": {"A1": 5.0}, "species": {}},
    }  # fmt: skip
    lines = wire.Lines()
    assert lines.feed(line[:10]) == []
    assert [task["id"] for task in lines.feed(line[10:] + wire.answer("4")) if task] == ["3", "4"]
    assert lines.feed(b"nonsense\n[1]\n") == [None, None]


def test_a_confirmed_task_is_done() -> None:
    run(lambda: asked(wire.answer("")))


def test_an_answer_to_another_task_is_not_ours() -> None:
    with pytest.raises(ReplyTimeout):
        run(lambda: asked(wire.answer("9")))


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (wire.answer("", None, "no plate left"), CommandFailed, "Not done: no plate left"),
        (b"", ConnectionLost, "nobody is there"),
        (b"hm\n", ProtocolViolation, "not a JSON object"),
        (None, ReplyTimeout, "nobody answered in 60 s: Look."),
    ],
)
def test_what_is_not_done_is_told(reply: bytes | None, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        run(lambda: asked(reply))
