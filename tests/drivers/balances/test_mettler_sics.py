"""MT-SICS: the maker's bytes, a balance that weighs what is there, and a driver that believes nothing else."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.balances.mettler_sics import DRIVER, wire
from drivers.balances.mettler_sics.options import Options
from drivers.core.errors import CommandFailed, CommandRefused, CommandStopped, DeviceError
from drivers.core.instrument import Command
from drivers.core.labware import kind
from drivers.core.transport import Port, Transport
from sim_lab import clock, link
from sim_lab.twins.mettler_sics import Twin
from sim_lab.world.mass import apparent_g, empty_g, water_g_ul
from sim_lab.world.model import World

WATER = {"7732-18-5": 55.4}


class Line(Transport):
    """Spoils what the balance says, or loses the line."""

    def __init__(self, inner: Transport) -> None:
        self.inner, self.sent, self.spoil = inner, [], lambda data: data

    async def open(self) -> None: ...

    async def send(self, data: bytes) -> None:
        self.sent.append(data)
        await self.inner.send(data)

    async def receive(self) -> bytes:
        return self.spoil(await self.inner.receive())

    async def close(self) -> None:
        await self.inner.close()


class Bench:
    def __init__(self, **options) -> None:
        self.world = World(1, {})
        self.world.now = asyncio.get_running_loop().time
        self.twin = Twin("balance", None, self.world)
        self.lines, self.tasks = [], set()
        self.balance = DRIVER.load()("balance", Port("sim:", self.dial), Options(**options), DRIVER.default_limits)

    def dial(self) -> Transport:
        here, there = link.wire(self.twin.baud)
        self.tasks.add(asyncio.ensure_future(self.twin.serve(there)))
        self.lines.append(Line(here))
        return self.lines[-1]

    async def grams(self) -> float:
        (reading,) = await self.balance.perform(Command("1", "weigh"))
        return reading.value


def run(main):
    return clock.run(main, epoch_s=0.0)


def test_the_makers_examples():
    """Reference Manual 11780711, examples of S, SI, T, TA, Z, I4, M21 and `@`."""
    assert wire.encode_weight("S", "S", 100.0, 2) == b"S S     100.00 g\r\n"
    assert wire.encode_weight("S", "D", 129.07, 2) == b"S D     129.07 g\r\n"
    assert wire.encode_weight("T", "S", 100.0, 2) == b"T S     100.00 g\r\n"
    assert wire.encode_weight("TA", "A", 100.0, 2) == b"TA A     100.00 g\r\n"
    assert wire.encode_reply("Z", "A") == b"Z A\r\n"
    assert wire.encode_reply("I4", "A", '"B021002593"') == b'I4 A "B021002593"\r\n'
    assert wire.Requests().feed(b"S\r\nM21 0 0\r\n@\r\n") == [
        wire.Request("S"), wire.Request("M21", ("0", "0")), wire.Request("@")
    ]  # fmt: skip


@given(st.lists(st.sampled_from([b"S\r\n", b"TA\r\n", b"\r\n", b"M21 0 0\r\n"])), st.integers(1, 7))
def test_requests_come_in_pieces_of_any_size(sent, size):
    data, requests = b"".join(sent), wire.Requests()
    found = [one for n in range(0, len(data), size) for one in requests.feed(data[n : n + size])]
    assert [wire.encode_request(one.word, *one.args) for one in found] == [one for one in sent if one.strip()]


def test_it_weighs_what_is_there():
    async def main():
        lab = Bench()
        await lab.balance.connect()
        await lab.balance.zero()
        assert await lab.grams() == pytest.approx(0, abs=1e-4)
        lab.world.place("plate", kind("plate_96_flat"), "balance.pan")
        began = lab.world.now()
        assert await lab.grams() == pytest.approx(empty_g(kind("plate_96_flat")), rel=0.02)
        assert 1 < lab.world.now() - began < 6  # it had to come to rest
        await lab.balance.tare()
        lab.world.fill("plate", "A1", 300.0, WATER)
        assert await lab.grams() == pytest.approx(apparent_g(300 * water_g_ul(22.0)), abs=2e-4)
        await asyncio.sleep(3600)  # an open well dries
        assert -0.05 < await lab.grams() - 0.2993 < -0.001
        lab.world.lift("balance.pan")
        assert await lab.grams() < -40
        await lab.balance.zero()
        assert await lab.grams() == pytest.approx(0, abs=1e-4)

    run(main)


def test_the_density_of_water_is_that_of_others():
    """CoolProp (IAPWS-95): 998.207 kg/m3 at 20 degC and 997.048 at 25 degC."""
    assert water_g_ul(20.0) * 1e6 == pytest.approx(998.207, abs=2e-3)
    assert water_g_ul(25.0) * 1e6 == pytest.approx(997.048, abs=3e-3)


def test_too_much_and_unrest_are_told():
    async def main():
        lab = Bench(tries=2)
        await lab.balance.connect()
        lab.world.place("trough", kind("reservoir_1"), "balance.pan")
        lab.world.fill("trough", "A1", 190_000.0, WATER)
        with pytest.raises(CommandFailed, match="overload"):
            await lab.grams()
        with pytest.raises(CommandFailed, match="overload"):
            await lab.balance.zero()
        lab.world.lift("balance.pan")
        lab.twin.disturbed_g = 0.01
        with pytest.raises(CommandRefused, match="draught"):
            await lab.grams()
        assert lab.lines[-1].sent.count(b"S\r\n") == 3
        lab.twin.disturbed_g = 0.0
        assert await lab.grams() == pytest.approx(0, abs=1e-4)

    run(main)


@pytest.mark.parametrize("spoil", [
    lambda data: data[:9], lambda data: b"S S      99.99", lambda data: b"TA A      1.00000 g\r\n",
    lambda data: data[:4] + b"    1x.00000 g\r\n", lambda data: b"S S      1.00000 mg\r\n", lambda data: b"\xff\xfe\r\n",
    lambda data: b"", lambda data: b"S D    0.00001 g\r\n",
])  # fmt: skip
def test_no_wrong_answer_is_taken_for_a_weight(spoil):
    async def main():
        lab = Bench()
        await lab.balance.connect()
        lab.lines[-1].spoil = lambda data: spoil(data) if data.startswith(b"S ") else data
        with pytest.raises(DeviceError):
            await lab.grams()
        assert await lab.grams() == pytest.approx(0, abs=1e-4)  # on a new line

    run(main)


def test_a_late_answer_is_not_the_next_ones():
    async def main():
        lab = Bench()
        await lab.balance.connect()
        lab.world.place("plate", kind("plate_96_flat"), "balance.pan")
        await lab.lines[-1].inner.send(b"TA\r\n")
        await asyncio.sleep(1)
        assert await lab.grams() > 40

    run(main)


def test_a_lost_line_is_dialled_again():
    async def main():
        lab = Bench()
        await lab.balance.connect()
        await lab.lines[-1].inner.close()
        with pytest.raises(DeviceError):
            await lab.grams()
        assert await lab.grams() == pytest.approx(0, abs=1e-4)
        assert len(lab.lines) == 2

    run(main)


def test_a_stop_ends_the_wait():
    async def main():
        lab = Bench()
        await lab.balance.connect()
        lab.twin.disturbed_g = 1.0
        weighing = asyncio.ensure_future(lab.grams())
        await asyncio.sleep(5)
        began = lab.world.now()
        await lab.balance.stop()
        with pytest.raises(CommandStopped):
            await weighing
        assert lab.world.now() - began < 1
        lab.twin.disturbed_g = 0.0
        assert await lab.grams() == pytest.approx(0, abs=1e-4)

    run(main)
