"""A LADS plate reader over asyncua: the tray is a cover function, a reading is a program of its functional unit."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from asyncua import Client, ua
from asyncua.common.node import Node

from drivers.core.errors import (
    CommandFailed,
    CommandRefused,
    CommandStopped,
    ConnectionFailed,
    ConnectionLost,
    ProtocolViolation,
    ReplyTimeout,
)
from drivers.core.instrument import Reading, Readings
from drivers.core.limits import Limits
from drivers.core.roles import PlateReader
from drivers.core.transport import Port
from drivers.readers.lads import wire
from drivers.readers.lads.options import Options

#: Subscriptions of asyncua mix two clocks, so states are polled: soon at first, then at this pace.
POLL_S = 0.5
#: A sign of life this often keeps the session without a word a second.
WATCHDOG_S = 300.0


class LadsReader(PlateReader[Options]):
    """Measures the plate on its tray; anonymous and unencrypted, so for a network of its own only."""

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._client: Any = None
        self._nodes: dict[tuple[str, ...], Node] = {}
        self._unit: Node | None = None
        self._stopped = False

    async def open(self) -> None:
        """Make a session and find the reader's functional unit."""
        await self.close()
        client = Client(self.port.address, timeout=self.options.reply_timeout_s, watchdog_intervall=WATCHDOG_S)
        client.description = self.name
        with self._asking("connect"):
            try:
                await client.connect()
            except OSError as error:
                raise ConnectionFailed(
                    f"no OPC UA server at {self.port.address}: {error}.", device=self.name
                ) from error
            self._client, self._stopped = client, False
            device = (await _children(await _child(client.nodes.objects, wire.DEVICE_SET)))[0]
            units = await _child(device, wire.UNIT_SET)
            self._unit = await _child(units, self.options.unit)

    async def close(self) -> None:
        """End the session; a server that is gone is left alone."""
        client, self._client = self._client, None
        self._nodes.clear()
        if client is not None:
            with contextlib.suppress(ua.UaError, OSError, TimeoutError):
                await client.disconnect()

    async def stop(self, success: bool = True) -> None:
        """Abort a running program; the tray stays where it is."""
        self._stopped = True
        if self._client is not None:
            with self._asking("abort"):
                await (await self._node(*wire.UNIT_STATE)).call_method(await self._id(*wire.UNIT_STATE, "Abort"))

    async def open_tray(self) -> None:
        """Bring the tray out; ends when it is out."""
        await self._move_tray("Open", wire.CoverState.OPENED)

    async def close_tray(self) -> None:
        """Bring the tray in; ends when it is in."""
        await self._move_tray("Close", wire.CoverState.CLOSED)

    async def read_absorbance(self, wells: Sequence[str], wavelengths_nm: Sequence[float]) -> Readings:
        """Start the program, wait for its end, fetch its result: one `Reading` a wavelength."""
        for wavelength in wavelengths_nm:
            self.check("wavelength", wavelength)
        self._stopped = False
        keys, values = wire.properties(wells, wavelengths_nm)
        with self._asking("read_absorbance"):
            state = await self._node(*wire.UNIT_STATE)
            start = await self._id(*wire.UNIT_STATE, "StartProgram")
            run_id = await state.call_method(start, self.options.program, keys, values, self.action)
            runtime_ms = await (await self._node(*wire.ESTIMATED_RUNTIME)).read_value()
            ends = {wire.UnitState.STOPPED, wire.UnitState.ABORTED}
            unit = await self._until(wire.UNIT_STATE, ends, runtime_ms / 1e3, self.options.read_timeout_s)
            of_run, error, flat = [
                await (await self._node(*path)).read_value()
                for path in (wire.RESULT_RUN, wire.RESULT_ERROR, wire.RESULT_VALUES)
            ]
        if unit == wire.UnitState.ABORTED:
            stopped = CommandStopped("the reading was aborted.", device=self.name)
            raise stopped if self._stopped else CommandFailed(f"the reading ended early: {error}.", device=self.name)
        if of_run != run_id or len(flat) != len(wells) * len(wavelengths_nm):
            raise ProtocolViolation(f"the result is of run {of_run} with {len(flat)} values.", device=self.name)
        return tuple(
            Reading(f"absorbance_{nm:g}nm", "1", wells=dict(zip(wells, flat[i * len(wells) :], strict=False)))
            for i, nm in enumerate(wavelengths_nm)
        )

    async def _move_tray(self, method: str, wanted: wire.CoverState) -> None:
        path = (wire.FUNCTION_SET, self.options.tray, wire.COVER_STATE)
        with self._asking(method):
            await (await self._node(*path)).call_method(await self._id(*path, method))
            await self._until(path, {wanted}, 0.0, self.options.tray_timeout_s)

    async def _until(self, path: tuple[str, ...], wanted: set[Any], expected_s: float, timeout_s: float) -> str:
        """Wait until a state machine is in one of the wanted states; looks seldom while it cannot be."""
        state = await self._node(*path, wire.CURRENT_STATE)
        async with asyncio.timeout(timeout_s):
            remaining = expected_s
            while (now := str((await state.read_value()).Text)) not in wanted:
                pause = max(POLL_S, min(remaining / 2, 10.0))
                remaining -= pause
                await asyncio.sleep(pause)
        return now

    async def _node(self, *path: str) -> Node:
        """A node below the functional unit, by browse names; found once a session."""
        if self._unit is None or self._client is None:
            raise CommandRefused("is not connected.", device=self.name)
        if path not in self._nodes:
            node = self._unit
            for name in path:
                node = await _child(node, name)
            self._nodes[path] = node
        return self._nodes[path]

    async def _id(self, *path: str) -> Any:
        return (await self._node(*path)).nodeid

    @contextlib.contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Errors of OPC UA and of the network as errors of a device."""
        try:
            yield
        except TimeoutError:
            raise ReplyTimeout(f"{what}: no end in the time it may take.", device=self.name) from None
        except _Missing as error:
            raise ProtocolViolation(f"{what}: {error}", device=self.name, hint="Is it a LADS reader?") from None
        except (ua.uaerrors.BadConnectionClosed, ua.uaerrors.BadSessionClosed, ConnectionError) as error:
            raise ConnectionLost(f"{what}: the session ended.", device=self.name) from error
        except ua.UaStatusCodeError as error:
            raise CommandRefused(f"{what}: {_REASONS.get(error.code, str(error))}", device=self.name) from error


class _Missing(Exception):
    """A node that a LADS reader has is not there."""


async def _children(node: Node) -> list[Node]:
    found: list[Node] = await node.get_children()
    if not found:
        raise _Missing("the server's DeviceSet is empty.")
    return found


async def _child(node: Node, name: str) -> Node:
    """The child of a browse name, whatever its namespace."""
    for reference in await node.get_children_descriptions():
        if reference.BrowseName.Name == name:
            return Node(node.session, reference.NodeId)
    raise _Missing(f"the server has no node '{name}' there.")


#: What the reader means by a status code.
_REASONS = {
    ua.StatusCodes.BadInvalidState: "not in this state: is the tray in, and nothing running?",
    ua.StatusCodes.BadNoData: "there is no plate on the tray.",
    ua.StatusCodes.BadOutOfRange: "a well or wavelength is outside what it has.",
    ua.StatusCodes.BadInvalidArgument: "it does not know this program or its properties.",
    ua.StatusCodes.BadMethodInvalid: "it has no such method.",
}
