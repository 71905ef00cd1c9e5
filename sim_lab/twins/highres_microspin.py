"""The twin of a MicroSpin: a rotor with two buckets, a door, and the plate in bucket 1 against a balance plate.

Ramps and motions are those of the driver's package. What stands in bucket 2 weighs what the options say; a rotor that
is out of balance trips while it speeds up. The wells of the world are well mixed: `spun` tells that it was done.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from drivers.centrifuges.highres_microspin import wire
from drivers.centrifuges.highres_microspin.timing import SECONDS, ramps_s
from drivers.centrifuges.highres_microspin.wire import Request
from drivers.core.errors import ConnectionLost
from drivers.core.transport import Transport
from sim_lab.twin import StreamTwin
from sim_lab.world.model import World

PLATE_G = 40.0  # an empty microplate: a typical mass
WATER_G_UL = 1e-3
#: By how much the buckets may differ: our estimate.
IMBALANCE_G = 20.0
CLOSED, OPEN = -258, 19242  # positions of the door in PyLabRobot's recordings
NOT_HOMED, OUT_OF_BALANCE, DOOR_STUCK = -5, -7, -9  # codes of ours
VERSION = ("Product Name: RandomServe", "Serial Number: TWIN", "Version:               MS-1.3.3")


@dataclass(frozen=True, slots=True)
class Spun:
    """One spin to its end: what was in bucket 1, with which force, for how long at speed."""

    labware: str | None
    force_g: int
    duration_s: int


class Refused(Exception):
    """`ERROR!`: a code and a text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


class Aborted(Exception):
    """`ABORTED!`."""


class Twin(StreamTwin):
    """One centrifuge; bucket 1 is the site `<name>.bucket`, out of reach while the door is closed."""

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.bucket = self.site("bucket")
        world.closed.add(self.bucket)
        self.is_homed = False
        self.is_latched = False
        self.door = CLOSED
        self.errors: list[str] = []
        self.spun: list[Spun] = []
        self._number = 0
        self._motion: asyncio.Task[None] | None = None
        self._braking: asyncio.Task[None] | None = None
        self._brake_s = 0.0  # what braking from the speed of now takes

    async def serve(self, link: Transport) -> None:
        """Answer one client, one command after the other."""
        requests = wire.Requests()
        with contextlib.suppress(ConnectionLost):
            while data := await link.receive():
                for request in requests.feed(data):
                    self._number += 1
                    tail = f"{request.text} {self._number}"
                    await link.send(wire.encode_line(f"ACK! {tail}"))
                    end, lines = await self._answer(request)
                    for line in (*lines, f"{end} {tail}"):
                        await link.send(wire.encode_line(line))
                    if request.name == "disconnect":
                        await link.close()
                        return

    async def _answer(self, request: Request) -> tuple[str, list[str]]:
        try:
            return "OK!", list(await self._do(request))
        except Aborted:
            return "ABORTED!", []
        except Refused as refused:
            seconds = int(self.world.now()) % 86400
            clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
            self.errors.append(f"Error {len(self.errors) + 1}: ({clock}) {refused.code}: {refused.text}")
            return "ERROR!", self.errors[-10:]

    async def _do(self, request: Request) -> tuple[str, ...]:
        match request.name, request.args:
            case "version", _:
                return VERSION
            case "whoami", _:
                return (str(self._number),)
            case "disconnect", _:
                return ()
            case "errors", _:
                return tuple(self.errors[-10:])
            case "homedstatus", _:
                return ("homed" if self.is_homed else "not homed",)
            case "status", _:
                await self._rest()
                return ("Spindle Position: 1958", f"Door Position: {self.door}")
            case "abort", _:
                self._abort()
                return (wire.NEXT_STEPS,)
            case "clearbuttonabort", _:
                self.is_latched = False
                return ()
            case "home", ():
                return await self._perform(self._home())
            case "open", (("1" | "2") as bucket,):
                return await self._perform(self._open(bucket))
            case "spin", args if (numbers := wire.spin_numbers(args)) is not None:
                return await self._perform(self._spin(*numbers))
            case ("home" | "open" | "spin") as name, args:
                raise Refused(wire.PARAMETER, f'Abnormal parameters ({len(args)}) for command "{name}"')
            case name, _:
                raise Refused(wire.PARAMETER, f'Command "{name}" not recognized!')

    async def _perform(self, motion: Coroutine[Any, Any, None]) -> tuple[str, ...]:
        """A motion, after the one that is under way."""
        await self._rest()
        if self.is_latched:
            motion.close()
            raise Aborted
        task = self._motion = asyncio.get_running_loop().create_task(motion)
        await asyncio.wait((task,))  # a client that goes does not take the motion with it
        if task.cancelled():
            raise Aborted
        task.result()
        return ()

    async def _rest(self) -> None:
        for task in (self._motion, self._braking):
            if task is not None and not task.done():
                await asyncio.wait((task,))

    def _abort(self) -> None:
        """Brake; it is told at once, before the rotor rests."""
        self.is_latched = True
        if self._motion is not None and not self._motion.done():
            self._motion.cancel()
            self._braking = asyncio.get_running_loop().create_task(asyncio.sleep(self._brake_s))

    async def _home(self) -> None:
        self._close()
        await asyncio.sleep(SECONDS["home"])
        self.is_homed = True

    async def _open(self, bucket: str) -> None:
        self._require_homed()
        self._close()
        await asyncio.sleep(SECONDS["open_door"])
        if self.fails("lid_stuck") is not None:
            raise Refused(DOOR_STUCK, "door does not move")
        self.door = OPEN
        if bucket == "1":
            self.world.closed.discard(self.bucket)

    def _close(self) -> None:
        self.door = CLOSED
        self.world.closed.add(self.bucket)

    async def _spin(self, force_g: int, up: int, down: int, duration_s: int) -> None:
        self._require_homed()
        if self.door == OPEN:
            self._close()
            await asyncio.sleep(SECONDS["close"])
        ramp_s, self._brake_s = ramps_s(force_g, up / 100, down / 100, SECONDS)
        if self._imbalance_g() > IMBALANCE_G:
            await asyncio.sleep(ramp_s)  # it shows at speed
            self.is_homed = False
            raise Refused(OUT_OF_BALANCE, "rotor is out of balance")
        await asyncio.sleep(ramp_s + duration_s + self._brake_s)
        self._brake_s = 0.0
        there = self.world.on(self.bucket)
        self.spun.append(Spun(there.name if there else None, force_g, duration_s))

    def _imbalance_g(self) -> float:
        there = self.world.on(self.bucket)
        liquid_ul = sum(self.world.vessel(there, well).volume_ul for well in there.vessels) if there else 0.0
        unevenly_g = 2 * IMBALANCE_G if self.fails("rotor_imbalance") is not None else 0.0
        mass_g = (PLATE_G if there else 0.0) + liquid_ul * WATER_G_UL
        return unevenly_g + abs(mass_g - float(self.options.counterweight_g))

    def _require_homed(self) -> None:
        if not self.is_homed:
            raise Refused(NOT_HOMED, "device is not homed")
