"""A serial bus with its lock: answers belong to their questions, whatever the line does."""

import asyncio

import pytest

from drivers.core.errors import CommandStopped, ConnectionLost, ProtocolViolation, ReplyTimeout
from drivers.core.exchange import Exchange
from drivers.core.lines import Lines
from sim_lab import clock, link


class Far:
    """The other end: answers each line by itself, after `late_s`."""

    def __init__(self):
        self.late_s, self.heard, self.tasks, self.links = 0.0, [], set(), []

    def dial(self):
        here, there = link.wire()
        self.links.append(there)
        self.tasks.add(asyncio.ensure_future(self.serve(there)))
        return here

    async def serve(self, there):
        lines = Lines(b"\n")
        while data := await there.receive():
            for line in lines.feed(data):
                self.heard.append(line)
                self.tasks.add(asyncio.ensure_future(self.answer(there, line)))

    async def answer(self, there, line):
        await asyncio.sleep(self.late_s)
        await there.send(line + b"\n")


def run(story):
    async def main():
        far = Far()
        await story(far, Exchange("x", far.dial, lambda: Lines(b"\n"), reply_s=1.0))

    clock.run(main, epoch_s=0.0)


def test_many_ask_and_each_gets_its_own_answer():
    async def story(far, line):
        far.late_s = 0.1
        asked = [b"%d" % number for number in range(20)]
        assert await asyncio.gather(*(line.ask(each + b"\n") for each in asked)) == asked
        assert far.heard == asked
        assert len(far.links) == 1

    run(story)


def test_an_answer_that_comes_too_late_is_thrown_away():
    async def story(far, line):
        far.late_s = 1.1
        with pytest.raises(ReplyTimeout, match="no answer"):
            await line.ask(b"a\n")
        far.late_s = 0.0
        assert await line.ask(b"b\n") == b"b"

    run(story)


def test_a_stop_ends_the_wait_and_goes_out_at_once():
    async def story(far, line):
        far.late_s = 0.9
        waiting = asyncio.ensure_future(line.ask(b"long\n"))
        await asyncio.sleep(0.5)
        before = asyncio.get_running_loop().time()
        line.halt()
        await line.tell(b"stop\n", always=True, answered=True)
        assert asyncio.get_running_loop().time() == before
        with pytest.raises(CommandStopped):
            await waiting
        with pytest.raises(CommandStopped):
            await line.ask(b"more\n")
        far.late_s = 0.0
        assert await line.ask(b"sure\n", always=True) == b"sure"
        line.resume()
        assert await line.ask(b"on\n") == b"on"
        assert far.heard == [b"long", b"stop", b"sure", b"on"]

    run(story)


def test_a_line_that_goes_is_dialled_again_also_for_a_stop():
    async def story(far, line):
        assert await line.ask(b"a\n") == b"a"
        await far.links[-1].close()
        await line.tell(b"stop\n", always=True)
        await asyncio.sleep(0.1)
        assert far.heard[-1] == b"stop"
        await far.links[-1].close()
        assert await line.ask(b"b\n") == b"b"
        assert len(far.links) == 3
        far.late_s = 0.5
        waiting = asyncio.ensure_future(line.ask(b"c\n"))
        await asyncio.sleep(0.1)
        await far.links[-1].close()
        with pytest.raises(ConnectionLost):
            await waiting

    run(story)


def test_a_flood_is_an_error_and_no_hang():
    async def story(far, line):
        assert await line.ask(b"a\n") == b"a"

        async def flood():
            while True:
                await far.links[-1].send(b"x")
                await asyncio.sleep(0.05)

        far.tasks.add(flooding := asyncio.ensure_future(flood()))
        far.late_s = 2.0
        with pytest.raises((ReplyTimeout, ProtocolViolation)):
            await line.ask(b"b\n")
        with pytest.raises(ProtocolViolation, match="silent"):
            await line.ask(b"c\n")
        flooding.cancel()
        far.late_s = 0.0
        assert await line.ask(b"d\n") == b"d"

    run(story)
