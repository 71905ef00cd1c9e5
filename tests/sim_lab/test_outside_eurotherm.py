"""Modbus clients that others wrote, as they are, on the served twin: pymodbus, minimalmodbus, and Debian's mbpoll."""

import asyncio
import shutil
import subprocess

import pytest

from sim_lab.serve import serve_pty, serve_tcp
from sim_lab.twins.eurotherm_3200 import Twin
from sim_lab.world.model import World


async def _served(serve):
    world = World(1, {})
    world.now = asyncio.get_running_loop().time
    twin = Twin("furnace", None, world)
    return twin, await serve(twin)


def test_pymodbus_over_tcp():
    from pymodbus.client import AsyncModbusTcpClient

    async def main():
        twin, served = await _served(lambda twin: serve_tcp(twin, "127.0.0.1", 0))
        async with AsyncModbusTcpClient("127.0.0.1", port=int(served.address.rpartition(":")[2])) as client:
            pv, target, _, _, working = (await client.read_holding_registers(1, count=5)).registers
            assert (pv, target, working) == (220, 200, 200)
            assert not (await client.write_register(24, 3000)).isError()
            assert (await client.read_input_registers(5)).registers == [3000]
            assert not (await client.write_registers(24, [4000])).isError()
            assert twin.working_c == 400
            assert (await client.write_register(24, 20000)).exception_code == 3
            assert (await client.read_holding_registers(400)).exception_code == 2
            assert (await client.read_coils(1)).exception_code == 1
        await served.stop()

    asyncio.run(main())


def test_minimalmodbus_over_rtu():
    minimalmodbus = pytest.importorskip("minimalmodbus")

    def client(path):
        furnace = minimalmodbus.Instrument(path, 1)
        furnace.serial.baudrate = 9600
        assert furnace.read_register(1, 1) == 22.0
        furnace.write_register(24, 300.5, 1, functioncode=6)
        assert furnace.read_register(5, 1) == 300.5
        furnace.write_register(24, 20.0, 1)  # function 16
        assert furnace.read_registers(1, 5)[4] == 200
        with pytest.raises(minimalmodbus.IllegalRequestError):
            furnace.write_register(1, 5, functioncode=6)
        furnace.serial.close()

    async def main():
        twin, served = await _served(serve_pty)
        await asyncio.to_thread(client, served.address.removeprefix("serial://"))
        assert twin.working_c == 20
        await served.stop()

    asyncio.run(main())


@pytest.mark.skipif(shutil.which("mbpoll") is None, reason="mbpoll is not installed")
@pytest.mark.parametrize("frame", ["tcp", "rtu"])
def test_mbpoll(frame):
    def client(where, *more):
        command = ["mbpoll", "-0", "-1", "-a", "1", "-t", "4", *where, *more]
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout

    async def main():
        twin, served = await _served(serve_pty if frame == "rtu" else lambda twin: serve_tcp(twin, "127.0.0.1", 0))
        port = served.address.rpartition(":")[2]
        if frame == "tcp":
            where = ["-m", "tcp", "-p", port, "127.0.0.1"]
        else:
            where = ["-m", "rtu", "-b", "9600", "-P", "none", served.address.removeprefix("serial://")]
        said = await asyncio.to_thread(client, ["-r", "24", *where], "1234")
        assert "Written 1 references" in said
        assert twin.working_c == 123.4
        said = await asyncio.to_thread(client, ["-r", "1", "-c", "5", *where])
        assert "[5]: \t1234" in said
        await served.stop()

    asyncio.run(main())
