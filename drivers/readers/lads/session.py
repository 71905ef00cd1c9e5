"""A session with a LADS reader over asyncua: nodes by their browse names, errors of OPC UA as errors of a device."""

import contextlib
import struct
from collections.abc import Iterator
from typing import Any

from asyncua import Client, ua
from asyncua.common.node import Node

from drivers.core.errors import CommandRefused, ConnectionFailed, ConnectionLost, ProtocolViolation, ReplyTimeout
from drivers.readers.lads import wire
from drivers.readers.lads.options import Options

#: A sign of life this often keeps the session without a word a second.
WATCHDOG_S = 300.0
#: What asyncua raises where it cannot read what it was sent.
NONSENSE = (AssertionError, LookupError, TypeError, ValueError, struct.error)
_HIERARCHICAL = ua.ObjectIds.HierarchicalReferences


class Session:
    """Reads and calls below one functional unit; a node is looked for once."""

    def __init__(self, name: str, client: Any) -> None:
        self._name = name
        self._client = client
        self._nodes: dict[tuple[str, ...], Node] = {}
        self._device: Any = None
        self._namespace = 0

    @classmethod
    async def begin(cls, name: str, address: str, options: Options) -> "Session":
        """Anonymous and unencrypted, so for a network of its own only. Raises `ConnectionFailed`, or
        `ProtocolViolation` where there is no LADS reader."""
        client = Client(address, timeout=options.reply_timeout_s, watchdog_intervall=WATCHDOG_S)
        client.description = name
        # It also looks after subscriptions, twice a second; there are none, and a day has 172,800 half seconds.
        client._stale_check_interval = WATCHDOG_S  # noqa: SLF001 - asyncua has no word for it
        try:
            await client.connect()
        except NONSENSE as error:
            raise ProtocolViolation(f"the OPC UA server's answer cannot be read: {error!r}.", device=name) from error
        except (OSError, ua.UaError) as error:
            raise ConnectionFailed(f"no OPC UA server at {address}: {error}.", device=name) from error
        session = cls(name, client)
        try:
            with session._asking("connect"):
                await session._find_unit(options)
        except BaseException:
            await session.end()
            raise
        return session

    async def end(self) -> None:
        """Say goodbye; a server that is gone is left alone."""
        with contextlib.suppress(ua.UaError, OSError):
            await self._client.disconnect()

    async def read(self, *path: str) -> Any:
        """The value of a variable below the unit, by browse names."""
        with self._asking(path[-1]):
            return await (await self._node(path)).read_value()

    async def of_device(self, name: str) -> str:
        """A property of the device that has the unit; empty where it has none of that name."""
        with self._asking(name):
            try:
                return str(await (await _below(self._device, name)).read_value() or "")
            except _Missing:
                return ""

    async def state(self, *path: str) -> int:
        """The number of a state machine's present state; 0 for one that LADS does not name."""
        now: ua.NodeId = await self.read(*path, *wire.STATE_ID)
        return int(now.Identifier) if now.NamespaceIndex == self._namespace else 0

    async def call(self, path: tuple[str, ...], method: str, *args: Any) -> Any:
        """Call a method of an object below the unit; raises `CommandRefused` with the reader's reason."""
        with self._asking(method):
            return await (await self._node(path)).call_method((await self._node((*path, method))).nodeid, *args)

    async def start(self, program: str, pairs: tuple[tuple[str, str], ...], job: str) -> str:
        """`StartProgram` without samples or task; returns the id of the run."""
        type_id = ua.NodeId(wire.KEY_VALUE_BINARY, self._namespace)
        bodies = [ua.ExtensionObject(type_id, wire.encode_pair(*pair)) for pair in pairs]
        samples = ua.Variant([], ua.VariantType.ExtensionObject, is_array=True)
        return str(await self.call(wire.UNIT_STATE, wire.START, program, bodies, job, "", samples))

    async def result(self, run_id: str) -> list[float]:
        """The values of a run; results of other runs may stand beside it. Raises `ProtocolViolation`."""
        with self._asking("result"):
            values = await self._find_result(wire.RESULT_RUN, run_id)
            if values is None:
                raise _Missing(f"there is no result of run '{run_id}'.")
            return values

    async def result_of_job(self, job: str) -> list[float] | None:
        """The values of the latest run with this supervisory job; None where there is none."""
        with self._asking("result"):
            return await self._find_result(wire.RESULT_JOB, job)

    async def _find_result(self, name: str, value: str) -> list[float] | None:
        results = await (await self._node(wire.RESULT_SET)).get_children(refs=_HIERARCHICAL)
        for result in reversed(results):
            with contextlib.suppress(_Missing):
                if await (await _below(result, name)).read_value() == value:
                    values: list[float] = await (await _below(result, *wire.RESULT_VALUES)).read_value()
                    return values
        return None

    async def _find_unit(self, options: Options) -> None:
        """The functional unit of the device that the options name, or of the first that has it."""
        try:
            self._namespace = await self._client.get_namespace_index(wire.NAMESPACE)
        except ValueError:
            raise _Missing("the server does not know the namespace of LADS.") from None
        devices = await _below(self._client.nodes.objects, wire.DEVICE_SET)
        for device in await devices.get_children(refs=_HIERARCHICAL):
            if not options.device or (await device.read_browse_name()).Name == options.device:
                with contextlib.suppress(_Missing):
                    self._nodes[()] = await _below(device, wire.UNIT_SET, options.unit)
                    self._device = device
                    return
        raise _Missing(f"no device '{options.device}' with a functional unit '{options.unit}'.")

    async def _node(self, path: tuple[str, ...]) -> Node:
        if path not in self._nodes:
            self._nodes[path] = await _below(await self._node(path[:-1]), path[-1])
        return self._nodes[path]

    @contextlib.contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise ReplyTimeout(f"{what}: no answer in time.", device=self._name) from None
        except _Missing as error:
            raise ProtocolViolation(f"{what}: {error}", device=self._name, hint="Is it a LADS reader?") from None
        except (ua.uaerrors.BadConnectionClosed, ua.uaerrors.BadSessionClosed, ConnectionError) as error:
            raise ConnectionLost(f"{what}: the session ended.", device=self._name) from error
        except NONSENSE as error:
            raise ProtocolViolation(f"{what}: the answer cannot be read: {error!r}.", device=self._name) from error
        except ua.UaStatusCodeError as error:
            raise CommandRefused(f"{what}: {_REASONS.get(error.code, str(error))}", device=self._name) from error


class _Missing(Exception):
    """A node that a LADS reader has is not there."""


async def _below(node: Node, *names: str) -> Node:
    """A node by browse names, whatever their namespace."""
    for name in names:
        for reference in await node.get_children_descriptions():
            if reference.BrowseName.Name == name:
                node = Node(node.session, reference.NodeId)
                break
        else:
            raise _Missing(f"the server has no node '{name}' there.")
    return node


#: What the reader means by a status code.
_REASONS = {
    ua.StatusCodes.BadInvalidState: "not in this state: is the tray in, and nothing running?",
    ua.StatusCodes.BadNoData: "there is no plate on the tray.",
    ua.StatusCodes.BadOutOfRange: "a well or wavelength is outside what it has.",
    ua.StatusCodes.BadInvalidArgument: "it does not know this program or its properties.",
    ua.StatusCodes.BadMethodInvalid: "it has no such method.",
}
