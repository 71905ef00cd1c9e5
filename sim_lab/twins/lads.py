"""The twin of a LADS plate reader: an OPC UA server whose optics look into the world.

What the instrument adds to the truth is published in `drivers.core.accuracy` (noise) and here: the plate's own
absorbance and stray light, as typical data sheets of monochromator readers give them. Its times are the figures of the
driver's package (`timing`).
"""

import asyncio
import logging
import math
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

from asyncua import Server, ua, uamethod

from drivers.core.accuracy import absorbance_sd
from drivers.readers.lads import wire
from drivers.readers.lads.timing import TRAY_S, reading_s
from drivers.readers.lads.wire import CoverState, UnitState
from sim_lab.twin import ServerTwin
from sim_lab.twins.lads_space import Space
from sim_lab.twins.opcua_server import bound_port, end_sessions, micro_server
from sim_lab.world.model import Labware, World
from sim_lab.world.optics import absorbance

PLATE_ABSORBANCE = 0.040  # an empty polystyrene microplate with water, in the visible
STRAY_LIGHT = 1e-4  # of what the lamp gives; it bounds what can be read at A = 4
RANGE_NM = (230.0, 1000.0)
_method: Any = uamethod  # it has no types
logger = logging.getLogger(__name__)


class Twin(ServerTwin):
    """A reader with a tray and one functional unit."""

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self._server: Server | None = None
        self._work: set[asyncio.Task[None]] = set()
        self._program: asyncio.Task[None] | None = None
        self._runs = 0
        self._unit = UnitState.STOPPED
        self._tray = CoverState.CLOSED
        self.world.closed.add(self.site("tray"))

    async def start(self, host: str, port: int) -> str:
        """Serve; returns the endpoint."""
        server = self._server = await micro_server(host, port, f"{self.name} (twin)")
        methods = {
            wire.START: self._start_program, wire.ABORT: self._abort, wire.CLEAR: self._clear,
            wire.OPEN: self._open, wire.CLOSE: self._close,
        }  # fmt: skip
        self._space = await Space.build(server, self.name, self.options.unit, self.options.tray, methods)
        await self._space.show_unit(self._unit)
        await self._space.show_tray(self._tray)
        await server.start()
        return f"opc.tcp://{host}:{bound_port(server)}"

    async def stop(self) -> None:
        """End the server and whatever runs."""
        for task in tuple(self._work):
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        if self._server is not None:
            await self._server.stop()

    # Methods: each is answered when the reader has begun, or with a status code that refuses

    @_method
    async def _open(self, _: Any) -> Any:
        return await self._move_tray(CoverState.CLOSED, CoverState.OPENING, CoverState.OPENED)

    @_method
    async def _close(self, _: Any) -> Any:
        if self.world.on(self.site("tray")) is not None and self.fails("plate_not_seated") is not None:
            return ua.StatusCode(ua.StatusCodes.BadInvalidState)  # its light barrier sees the rim
        return await self._move_tray(CoverState.OPENED, CoverState.CLOSING, CoverState.CLOSED)

    @_method
    async def _start_program(self, _: Any, program: str, pairs: Any, job: str, task: str, samples: Any) -> Any:
        plate = self.world.on(self.site("tray"))
        try:
            wells, wavelengths = wire.read_properties([wire.decode_pair(pair.Body or b"") for pair in pairs or ()])
        except (KeyError, ValueError):
            return ua.StatusCode(ua.StatusCodes.BadInvalidArgument)
        if program != self.options.program:
            return ua.StatusCode(ua.StatusCodes.BadInvalidArgument)
        if self._unit != UnitState.STOPPED or self._tray != CoverState.CLOSED:
            return ua.StatusCode(ua.StatusCodes.BadInvalidState)
        if plate is None:
            return ua.StatusCode(ua.StatusCodes.BadNoData)
        within = all(RANGE_NM[0] <= nm <= RANGE_NM[1] for nm in wavelengths)
        if not within or not all(well in plate.vessels for well in wells):
            return ua.StatusCode(ua.StatusCodes.BadOutOfRange)
        self._runs += 1
        run_id = f"{self.name}-{self._runs}"
        await self._space.show_program(run_id, reading_s(len(wells), len(wavelengths)))
        await self._enter(UnitState.RUNNING)
        self._program = self._begin(self._measure(run_id, job, plate, wells, wavelengths))
        return run_id

    @_method
    async def _abort(self, _: Any) -> Any:
        if self._unit != UnitState.RUNNING or self._program is None:
            return ua.StatusCode(ua.StatusCodes.BadInvalidState)
        self._program.cancel()
        await self._enter(UnitState.ABORTED)
        return None

    @_method
    async def _clear(self, _: Any) -> Any:
        if self._unit != UnitState.ABORTED:
            return ua.StatusCode(ua.StatusCodes.BadInvalidState)
        await self._enter(UnitState.STOPPED)
        return None

    # What the reader does

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[None]) -> None:
        """A mistake of the twin is told, and ends its clients' sessions, so that nobody waits for an end."""
        self._work.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("the twin of %s failed", self.name, exc_info=error)
            if self._server is not None:
                end_sessions(self._server)

    async def _enter(self, state: UnitState) -> None:
        self._unit = state
        await self._space.show_unit(state)

    async def _move_tray(self, start: CoverState, way: CoverState, end: CoverState) -> Any:
        if self._tray != start or self._unit == UnitState.RUNNING:
            return ua.StatusCode(ua.StatusCodes.BadInvalidState)
        self._tray = way
        self.world.closed.add(self.site("tray"))  # only a tray that is out can be reached
        await self._space.show_tray(way)
        self._begin(self._arrive(end))
        return None

    async def _arrive(self, end: CoverState) -> None:
        await asyncio.sleep(TRAY_S)
        self._tray = end
        if end == CoverState.OPENED:
            self.world.closed.discard(self.site("tray"))
        await self._space.show_tray(end)

    async def _measure(self, run_id: str, job: str, plate: Labware, wells: list[str], wavelengths: list[float]) -> None:
        started, read = _now(), []
        dim = 1 - (self.fails("lamp_dark") or 0.0)
        for nm in wavelengths:
            await asyncio.sleep(reading_s(len(wells), 1))
            read += [self._read(plate, well, nm, dim) for well in wells]
        await self._space.add_result(run_id, job or "", started, _now(), read)
        await self._enter(UnitState.STOPPED)

    def _read(self, plate: Labware, well: str, wavelength_nm: float, lamp: float = 1.0) -> float:
        """What the detector makes of a well: stray light adds to what passes, noise to what is read.

        `lamp` is the share of its light that the lamp still gives: its noise is as much greater.
        """
        vessel = self.world.vessel(plate, well)
        true = PLATE_ABSORBANCE + absorbance(vessel, plate.kind.wells[well].area_mm2, wavelength_nm)
        seen = -math.log10((10**-true + STRAY_LIGHT) / (1 + STRAY_LIGHT))
        return seen + self.rng.gauss(0.0, absorbance_sd(seen) / lamp)


def _now() -> datetime:
    """Of the clock that the loop keeps, so that virtual time is told to clients too."""
    return datetime.fromtimestamp(time.time(), UTC)
