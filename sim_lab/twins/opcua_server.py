"""An OPC UA server that is up at once: asyncua's, with the part of the standard address space that a device needs.

asyncua fills in all 6,000 nodes of the standard at every start, which takes a second. A micro device serves its own
server object and the types that this and its own nodes refer to; that is what is picked here, from asyncua's own
tables (Profile "Micro Embedded Device": base information only).
"""

import asyncio
import datetime
import time
from copy import copy
from pathlib import Path
from typing import Any

from asyncua import Server, ua
from asyncua.server import binary_server_asyncio
from asyncua.server.address_space import AddressSpace, AttributeValue, NodeData, NodeManagementService
from asyncua.server.internal_server import InternalServer
from asyncua.server.standard_address_space.standard_address_space_services import create_standard_address_space_Services
from asyncua.server.uaprocessor import UaProcessor

#: What hangs below the standard's Server object here; diagnostics, publish/subscribe and the rest are left out.
_SERVER_PARTS = {
    "ServerArray", "NamespaceArray", "ServerStatus", "ServiceLevel", "Auditing", "ServerCapabilities",
    "ServerRedundancy", "EstimatedReturnTime",
}  # fmt: skip
_SERVER = 2253
_FOLDERS = range(84, 92)  # Root, Objects, Types, Views and the folders of types
#: BaseObject, Folder, BaseDataVariable, Property, Argument, two rules; then what devices with state machines and data
#: types of their own refer to: FiniteStateMachine, State, FiniteStateVariable, DataTypeEncoding.
_OWN_TYPES = (58, 61, 63, 68, 296, 78, 80, 2771, 2307, 2760, 76)
_BUILT_IN_TYPES = range(1, 31)
SESSION_LIMIT_MS = 86_400_000.0
#: Between looks at whether a session's client is still there: asyncua's own second is 86,400 looks in a day.
WATCH_S = 300.0


class _Tables:
    """Collects what asyncua's generated tables would add to a server."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.references: list[Any] = []

    def add_nodes(self, nodes: list[Any]) -> None:
        self.nodes += nodes

    def add_references(self, references: list[Any]) -> None:
        self.references += references


def _base_information() -> tuple[list[Any], list[Any]]:
    """Nodes and references of the picked part, in an order in which parents come first."""
    tables = _Tables()
    create_standard_address_space_Services(tables)
    nodes = {node.RequestedNewNodeId.Identifier: node for node in tables.nodes}
    below: dict[int, list[int]] = {}
    for number, node in nodes.items():
        below.setdefault(node.ParentNodeId.Identifier, []).append(number)
    kept: dict[int, Any] = {}

    def keep(number: int) -> None:
        """A node with its parents, its type and the type of its value."""
        node = nodes.get(number)
        if node is None or number in kept:
            return
        keep(node.ParentNodeId.Identifier)
        if number not in kept:
            kept[number] = node
            keep(node.TypeDefinition.Identifier)
            data_type = getattr(node.NodeAttributes, "DataType", None)
            if data_type is not None:
                keep(data_type.Identifier)

    def keep_below(number: int) -> None:
        keep(number)
        for child in below.get(number, ()):
            keep_below(child)

    for number, node in nodes.items():
        if number in _FOLDERS or number in _BUILT_IN_TYPES or node.NodeClass == ua.NodeClass.ReferenceType:
            keep(number)
    for number in (*_OWN_TYPES, _SERVER, *below[_SERVER]):
        if number in (*_OWN_TYPES, _SERVER):
            keep(number)
        elif nodes[number].BrowseName.Name in _SERVER_PARTS:
            keep_below(number)
    for number in list(kept):
        for child in below.get(number, ()):
            if nodes[child].BrowseName.Name == "Default Binary":
                keep(child)
    references = [
        r for r in tables.references if r.SourceNodeId.Identifier in kept and r.TargetNodeId.Identifier in kept
    ]
    return list(kept.values()), references


def _base_nodes() -> tuple[NodeData, ...]:
    """The base information as a server holds it; what is left over after several passes would be a mistake above."""
    space = AddressSpace()
    service = NodeManagementService(space)
    nodes, references = _base_information()
    while nodes:
        rest = list(service.try_add_nodes(nodes, check=False))
        if len(rest) == len(nodes):
            raise RuntimeError(f"{len(rest)} nodes have no parent")
        nodes = rest
    if list(service.try_add_references(references)):
        raise RuntimeError("references lead nowhere")
    return tuple(space[node_id] for node_id in space.keys())  # noqa: SIM118 - it is no mapping


def _copied(node: NodeData) -> NodeData:
    """A node for one server: a value is replaced when it is written; a name is also changed where it is referred to."""
    copied = NodeData(node.nodeid)
    copied.attributes = {name: AttributeValue(attribute.value) for name, attribute in node.attributes.items()}
    copied.references = [copy(reference) for reference in node.references]
    return copied


_BASE_NODES = _base_nodes()


class _MicroServer(InternalServer):
    async def load_standard_address_space(self, shelf_file: Path | None = None) -> None:
        """Only the base information."""
        for node in _BASE_NODES:
            self.aspace[node.nodeid] = _copied(node)


class _Processor(UaProcessor):
    """Of one connection; asyncua has no setting for how often it looks at its session."""

    def __init__(self, internal_server: InternalServer, transport: asyncio.Transport, limits: Any) -> None:
        super().__init__(internal_server, transport, limits)
        if isinstance(internal_server, _MicroServer):
            self._watchdog_interval = WATCH_S


binary_server_asyncio.UaProcessor = _Processor  # nor for what serves a connection


async def micro_server(host: str, port: int, name: str) -> Server:
    """A server that is not started yet: anonymous and without encryption, so for loopback only."""
    internal = _MicroServer()
    internal.max_session_timeout_ms = SESSION_LIMIT_MS
    internal.disabled_clock = True  # its clock writes every second; here the time is told when it is asked for
    server = Server(iserver=internal)
    await server.init()
    server.set_server_name(name)
    server.set_endpoint(f"opc.tcp://{host}:{port}")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    server.set_identity_tokens([ua.AnonymousIdentityToken])
    internal.aspace.set_attribute_value_callback(
        ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime), ua.AttributeIds.Value, _time
    )
    return server


def _time(*_: Any) -> ua.DataValue:
    now = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)  # of the clock that the loop keeps
    return ua.DataValue(ua.Variant(now, ua.VariantType.DateTime))


def bound_port(server: Server) -> int:
    """The TCP port of a started server."""
    port: int = server.bserver._server.sockets[0].getsockname()[1]  # noqa: SLF001 - asyncua does not tell it
    return port


def end_sessions(server: Server) -> None:
    """Close every client's connection; the server goes on, for who comes anew."""
    for client in tuple(server.bserver.clients):
        if client.transport is not None:
            client.transport.close()
