"""The twin of a LADS plate reader: an OPC UA server whose optics look into the world.

What the instrument adds to the truth is published in `drivers.core.accuracy` (noise) and here: the plate's own
absorbance and stray light, as typical data sheets of monochromator readers give them.
"""

import asyncio
import math
from typing import Any

from asyncua import Server, ua, uamethod
from asyncua.common.node import Node

from drivers.core.accuracy import absorbance_sd
from drivers.readers.lads import wire
from sim_lab.twin import ServerTwin
from sim_lab.twins.opcua_server import bound_port, micro_server
from sim_lab.world.model import Labware, World
from sim_lab.world.optics import absorbance

PLATE_ABSORBANCE = 0.040  # an empty polystyrene microplate with water, in the visible
STRAY_LIGHT = 1e-4  # of what the lamp gives; it bounds what can be read at A = 4
RANGE_NM = (230.0, 1000.0)
TRAY_S = 1.5
FILTER_S = 2.0  # to set a wavelength
_method: Any = uamethod  # it has no types
WELL_S = 0.2  # to move to a well and measure


class Twin(ServerTwin):
    """A reader with a tray and one functional unit."""

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self._program: asyncio.Task[None] | None = None
        self._runs = 0
        self._server: Server | None = None
        self._nodes: dict[str, Node] = {}
        self._tray_in = True
        self._close_tray(True)

    def _close_tray(self, inside: bool) -> None:
        """What stands on a tray that is in cannot be reached."""
        self._tray_in = inside
        (self.world.closed.add if inside else self.world.closed.discard)(self.site("tray"))

    async def start(self, host: str, port: int) -> str:
        """Serve; returns the endpoint."""
        server = self._server = await micro_server(host, port, f"{self.name} (twin)")
        index = await server.register_namespace(wire.NAMESPACE)
        device = await (await server.nodes.objects.add_object(index, wire.DEVICE_SET)).add_object(index, self.name)
        unit = await (await device.add_object(index, wire.UNIT_SET)).add_object(index, self.options.unit)
        await self._add_state(unit, index)
        await self._add_tray(unit, index)
        await self._add_results(unit, index)
        await server.start()
        return f"opc.tcp://{host}:{bound_port(server)}"

    async def stop(self) -> None:
        """End the server and whatever runs."""
        if self._program is not None:
            self._program.cancel()
        if self._server is not None:
            await self._server.stop()

    # Address space

    async def _add_state(self, unit: Node, index: int) -> None:
        state = await unit.add_object(index, wire.UNIT_STATE[0])
        self._nodes["unit"] = await state.add_variable(index, wire.CURRENT_STATE, _text(wire.UnitState.STOPPED))
        inputs = [_argument("ProgramTemplateId"), _argument("PropertyKeys", many=True),
                  _argument("PropertyValues", many=True), _argument("JobId")]  # fmt: skip
        await state.add_method(index, "StartProgram", self._start_program, inputs, [_argument("DeviceProgramRunId")])
        await state.add_method(index, "Abort", self._abort, [], [])

    async def _add_tray(self, unit: Node, index: int) -> None:
        tray = await (await unit.add_object(index, wire.FUNCTION_SET)).add_object(index, self.options.tray)
        state = await tray.add_object(index, wire.COVER_STATE)
        self._nodes["tray"] = await state.add_variable(index, wire.CURRENT_STATE, _text(wire.CoverState.CLOSED))
        await state.add_method(index, "Open", self._open, [], [])
        await state.add_method(index, "Close", self._close, [], [])

    async def _add_results(self, unit: Node, index: int) -> None:
        manager = await unit.add_object(index, "ProgramManager")
        program = await manager.add_object(index, "ActiveProgram")
        self._nodes["runtime"] = await program.add_variable(index, "EstimatedRuntime", 0.0)
        last = await (await manager.add_object(index, "ResultSet")).add_object(index, "Last")
        self._nodes["run"] = await last.add_variable(index, "DeviceProgramRunId", "")
        self._nodes["error"] = await last.add_variable(index, "Error", "")
        variables = await last.add_object(index, "VariableSet")
        self._nodes["values"] = await variables.add_variable(index, "Absorbance", [0.0], ua.VariantType.Double)

    # Methods

    @_method
    async def _open(self, _: Any) -> Any:
        return await self._move_tray(inside=False)

    @_method
    async def _close(self, _: Any) -> Any:
        return await self._move_tray(inside=True)

    async def _move_tray(self, *, inside: bool) -> Any:
        if self._running:
            return ua.StatusCode(ua.StatusCodes.BadInvalidState)
        if inside != self._tray_in:
            await self._nodes["tray"].write_value(_text(wire.CoverState.MOVING))
            await asyncio.sleep(TRAY_S)
            self._close_tray(inside)
        reached = wire.CoverState.CLOSED if inside else wire.CoverState.OPENED
        await self._nodes["tray"].write_value(_text(reached))
        return None

    @_method
    async def _start_program(self, _: Any, program: str, keys: list[str], values: list[str], job: str) -> Any:
        plate = self.world.on(self.site("tray"))
        try:
            wells, wavelengths = wire.read_properties(keys, values)
        except (KeyError, ValueError):
            return ua.StatusCode(ua.StatusCodes.BadInvalidArgument)
        if program != self.options.program:
            return ua.StatusCode(ua.StatusCodes.BadInvalidArgument)
        if self._running or not self._tray_in:
            return ua.StatusCode(ua.StatusCodes.BadInvalidState)
        if plate is None:
            return ua.StatusCode(ua.StatusCodes.BadNoData)
        within = all(RANGE_NM[0] <= nm <= RANGE_NM[1] for nm in wavelengths)
        if not within or not all(well in plate.vessels for well in wells):
            return ua.StatusCode(ua.StatusCodes.BadOutOfRange)
        self._runs += 1
        run_id = f"{self.name}-{self._runs}"
        duration_s = len(wavelengths) * (FILTER_S + len(wells) * WELL_S)
        await self._nodes["runtime"].write_value(duration_s * 1e3)
        await self._nodes["unit"].write_value(_text(wire.UnitState.RUNNING))
        self._program = asyncio.ensure_future(self._measure(run_id, plate, wells, wavelengths))
        return run_id

    @_method
    async def _abort(self, _: Any) -> None:
        if self._running and self._program is not None:
            self._program.cancel()
            await self._nodes["error"].write_value("aborted")
            await self._nodes["unit"].write_value(_text(wire.UnitState.ABORTED))

    @property
    def _running(self) -> bool:
        return self._program is not None and not self._program.done()

    async def _measure(self, run_id: str, plate: Labware, wells: list[str], wavelengths: list[float]) -> None:
        read: list[float] = []
        for nm in wavelengths:
            await asyncio.sleep(FILTER_S + len(wells) * WELL_S)
            read += [self._read(plate, well, nm) for well in wells]
        await self._nodes["values"].write_value(read, ua.VariantType.Double)
        await self._nodes["run"].write_value(run_id)
        await self._nodes["error"].write_value("")
        await self._nodes["unit"].write_value(_text(wire.UnitState.STOPPED))

    def _read(self, plate: Labware, well: str, wavelength_nm: float) -> float:
        """What the detector makes of a well: stray light adds to what passes, noise to what is read."""
        vessel = self.world.vessel(plate, well)
        true = PLATE_ABSORBANCE + absorbance(vessel.mol, plate.kind.wells[well].area_mm2, wavelength_nm)
        seen = -math.log10((10**-true + STRAY_LIGHT) / (1 + STRAY_LIGHT))
        return seen + self.rng.gauss(0.0, absorbance_sd(seen))


def _text(state: str) -> ua.LocalizedText:
    return ua.LocalizedText(str(state))


def _argument(name: str, *, many: bool = False) -> ua.Argument:
    """A text, or a list of texts, of a method."""
    return ua.Argument(Name=name, DataType=ua.NodeId(ua.ObjectIds.String), ValueRank=1 if many else -1)
