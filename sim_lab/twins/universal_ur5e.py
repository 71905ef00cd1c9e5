"""The twin of a UR5e: the servers of its controller (dashboard, RTDE, programs) in front of one arm.

The controller is on as long as the twin is; its arm is switched off at first. The client interfaces 30001 to 30003 take
programs, in remote control only, and stream nothing here.
"""

import contextlib
from typing import Any

from drivers.arms.universal_ur5e import dashboard, script
from drivers.core.errors import ConnectionLost
from drivers.core.lines import Lines
from drivers.core.transport import Transport
from sim_lab.twin import StreamTwin
from sim_lab.twins.ur5e_body import Body
from sim_lab.twins.ur5e_dashboard import Dashboard
from sim_lab.twins.ur5e_memory import Memory
from sim_lab.twins.ur5e_programs import Programs
from sim_lab.twins.ur5e_rtde import Session, Variables
from sim_lab.world.model import World

DASHBOARD, RTDE = 29999, 30004
SCRIPTS = (30001, 30002, 30003)


class Twin(StreamTwin):
    """One controller and its arm. Its address is RTDE's; the maker's numbers reach all its servers."""

    tcp_ports = (DASHBOARD, *SCRIPTS, RTDE)

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.memory = Memory()
        obstacles = options.obstacles if options is not None else {}
        self.body = Body(name, world, {name: box.metres for name, box in obstacles.items()})
        self.programs = Programs(self.body, self.memory)
        self.dashboard = Dashboard(self.programs, lambda: world.now())
        self._variables = Variables(self.programs, lambda: world.now())

    async def serve(self, link: Transport) -> None:
        """Answer one client of RTDE."""
        await Session(link, self._variables).serve()

    async def serve_port(self, tcp_port: int, link: Transport) -> None:
        """Answer one client of another server."""
        with contextlib.suppress(ConnectionLost):
            if tcp_port == DASHBOARD:
                await self._serve_dashboard(link)
            elif tcp_port in SCRIPTS:
                await self._take_programs(link)
            else:
                await self.serve(link)

    async def _serve_dashboard(self, link: Transport) -> None:
        lines = Lines(dashboard.END)
        await link.send(dashboard.encode(dashboard.GREETING))
        while data := await link.receive():
            for line in lines.feed(data):
                told = line.decode("ascii", "replace")
                if told.strip().lower() == "quit":
                    await link.send(dashboard.encode("Disconnected"))
                    return await link.close()
                await link.send(dashboard.encode(await self.dashboard.answer(told)))

    async def _take_programs(self, link: Transport) -> None:
        programs = script.Programs()
        while data := await link.receive():
            for text in programs.feed(data):
                if self.dashboard.remote:
                    self.programs.send(text)
