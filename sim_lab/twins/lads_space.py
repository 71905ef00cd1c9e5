"""What an OPC UA client sees of the reader's twin: the part of a LADS device that a plate reader needs.

Types, states and data types carry the names and numbers of OPC 30500-1 (LADS 1.0.0) and OPC 10000-100 (DI); members
of types that this reader does not have are left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from asyncua import Server, ua
from asyncua.common.node import Node
from asyncua.common.structures104 import new_struct_field

from drivers.readers.lads import wire

FOLDER, OBJECT, STATE_MACHINE = 61, 58, 2771  # OPC 10000-5 and -16: what the types below are made of
STATE_TYPE, STATE_VARIABLE, ENCODING_TYPE = 2307, 2760, 76
DEVICE_SET = 5001
DI_TYPES: Mapping[str, tuple[int, int | str]] = {
    "TopologyElementType": (1001, OBJECT),
    "ComponentType": (15063, "TopologyElementType"),
    "DeviceType": (1002, "ComponentType"),
}
LADS_TYPES: Mapping[str, tuple[int, int | str]] = {
    "SetType": (61, FOLDER),
    "LADSDeviceType": (1002, "DeviceType"),
    "FunctionalUnitSetType": (1023, "SetType"),
    "FunctionalUnitType": (1003, "TopologyElementType"),
    "FunctionalStateMachineType": (1038, STATE_MACHINE),
    "FunctionalUnitStateMachineType": (1043, "FunctionalStateMachineType"),
    "FunctionSetType": (1026, "SetType"),
    "FunctionType": (1004, "TopologyElementType"),
    "CoverFunctionType": (1011, "FunctionType"),
    "CoverStateMachineType": (1010, STATE_MACHINE),
    "ProgramManagerType": (1006, "TopologyElementType"),
    "ActiveProgramType": (1040, OBJECT),
    "ResultSetType": (1020, "SetType"),
    "ResultType": (1021, OBJECT),
    "VariableSetType": (1041, "SetType"),
}
#: What stands on its plate, by the properties of DI's DeviceType.
PLATE = {wire.SERIAL: "LADS-TWIN-1", wire.SOFTWARE: "1.0.0"}
KEPT_RESULTS = 10
Method = Callable[..., Any]


class Space:
    """The reader's nodes on a server; it shows states and results, and calls back for methods."""

    def __init__(self, server: Server, lads: int, types: Mapping[str, Node]) -> None:
        self._server = server
        self._lads = lads
        self._types = types
        self._results: list[Node] = []

    @classmethod
    async def build(cls, server: Server, name: str, unit: str, tray: str, methods: Mapping[str, Method]) -> "Space":
        """Add types and the device; `methods` has one function for each method of the wire."""
        di = await server.register_namespace(wire.DI_NAMESPACE)
        lads = await server.register_namespace(wire.NAMESPACE)
        types: dict[str, Node] = {}
        for index, table in ((di, DI_TYPES), (lads, LADS_TYPES)):
            for type_name, (number, parent) in table.items():
                above = server.get_node(ua.NodeId(parent)) if isinstance(parent, int) else types[parent]
                types[type_name] = await above.add_object_type(
                    ua.NodeId(number, index), ua.QualifiedName(type_name, index)
                )
        space = cls(server, lads, types)
        await space._add_states()
        await space._add_data_types()
        devices = await server.nodes.objects.add_object(
            ua.NodeId(DEVICE_SET, di), ua.QualifiedName(wire.DEVICE_SET, di)
        )
        device = await space._add(devices, name, "LADSDeviceType", own=True)
        for label, text in PLATE.items():
            await device.add_property(_new(1), ua.QualifiedName(label, di), text)
        units = await space._add(device, wire.UNIT_SET, "FunctionalUnitSetType")
        await space._add_unit(await space._add(units, unit, "FunctionalUnitType", own=True), tray, methods)
        return space

    async def show_unit(self, state: wire.UnitState) -> None:
        """The functional unit is in this state."""
        await self._unit_state.show(state)

    async def show_tray(self, state: wire.CoverState) -> None:
        """The cover is in this state."""
        await self._cover_state.show(state)

    async def show_program(self, run_id: str, runtime_s: float) -> None:
        """A program runs, and will for about so long."""
        await self._run_id.write_value(run_id)
        await self._runtime.write_value(runtime_s * 1e3)

    async def add_result(
        self, run_id: str, job: str, started: datetime, stopped: datetime, values: list[float]
    ) -> None:
        """A run's result, with the job it was started for; of older ones the last few are kept."""
        result = await self._add(self._result_set, run_id, "ResultType", own=True)
        ids = (wire.RESULT_RUN, run_id), (wire.RESULT_JOB, job)
        for name, value in (*ids, ("Started", started), ("Stopped", stopped)):
            await self._add_property(result, name, value)
        variables = await self._add(result, wire.RESULT_VALUES[0], "VariableSetType")
        await variables.add_variable(_new(1), ua.QualifiedName(wire.RESULT_VALUES[1], 1), values, ua.VariantType.Double)
        self._results.append(result)
        if len(self._results) > KEPT_RESULTS:
            await self._server.delete_nodes([self._results.pop(0)], recursive=True)

    async def _add_states(self) -> None:
        for type_name, states in (
            ("FunctionalStateMachineType", wire.UnitState), ("CoverStateMachineType", wire.CoverState),
        ):  # fmt: skip
            for state in states:
                place = ua.NodeId(int(state), self._lads), ua.QualifiedName(wire.state_text(state), self._lads)
                await self._types[type_name].add_object(*place, ua.NodeId(STATE_TYPE))

    async def _add_data_types(self) -> None:
        for name, number, binary, fields in (
            ("KeyValueType", wire.KEY_VALUE_TYPE, wire.KEY_VALUE_BINARY, wire.KEY_VALUE_FIELDS),
            ("SampleInfoType", wire.SAMPLE_INFO_TYPE, wire.SAMPLE_INFO_BINARY, wire.SAMPLE_INFO_FIELDS),
        ):
            structure = self._server.nodes.base_structure_type
            data_type = await structure.add_data_type(self._node_id(number), ua.QualifiedName(name, self._lads))
            encoding = await self._server.nodes.base_object_type.add_object(
                self._node_id(binary), ua.QualifiedName("Default Binary", 0), ua.NodeId(ENCODING_TYPE)
            )
            await encoding.delete_reference(ua.ObjectIds.BaseObjectType, ua.ObjectIds.HasComponent, forward=False)
            await data_type.add_reference(encoding, ua.ObjectIds.HasEncoding)
            definition = ua.StructureDefinition(
                DefaultEncodingId=encoding.nodeid,
                BaseDataType=structure.nodeid,
                Fields=[new_struct_field(field, ua.VariantType.String) for field in fields],
            )
            await data_type.write_data_type_definition(definition)

    async def _add_unit(self, unit: Node, tray: str, methods: Mapping[str, Method]) -> None:
        state = await self._add(unit, wire.UNIT_STATE[0], "FunctionalUnitStateMachineType")
        self._unit_state = await _State.add(state, self._lads, wire.UnitState.STOPPED)
        texts = ua.NodeId(ua.ObjectIds.String)
        lists = {"Properties": self._node_id(wire.KEY_VALUE_TYPE), "Samples": self._node_id(wire.SAMPLE_INFO_TYPE)}
        inputs = [_argument(name, lists.get(name, texts), many=name in lists) for name in wire.START_INPUTS]
        await self._add_method(state, wire.START, methods, inputs, [_argument(wire.START_OUTPUT, texts)])
        await self._add_method(state, wire.ABORT, methods)
        await self._add_method(state, wire.CLEAR, methods)
        functions = await self._add(unit, wire.FUNCTION_SET, "FunctionSetType")
        cover = await self._add(functions, tray, "CoverFunctionType", own=True)
        cover_state = await self._add(cover, wire.COVER_STATE, "CoverStateMachineType")
        self._cover_state = await _State.add(cover_state, self._lads, wire.CoverState.CLOSED)
        await self._add_method(cover_state, wire.OPEN, methods)
        await self._add_method(cover_state, wire.CLOSE, methods)
        manager = await self._add(unit, wire.ACTIVE_PROGRAM[0], "ProgramManagerType")
        program = await self._add(manager, wire.ACTIVE_PROGRAM[1], "ActiveProgramType")
        self._run_id = await self._add_property(program, wire.RESULT_RUN, "")
        self._runtime = await self._add_property(
            program, wire.ESTIMATED_RUNTIME[-1], 0.0, datatype=ua.NodeId(ua.ObjectIds.Duration)
        )
        self._result_set = await self._add(manager, wire.RESULT_SET[1], "ResultSetType")

    async def _add(self, parent: Node, name: str, type_name: str, *, own: bool = False) -> Node:
        """An object; its name is of LADS, or with `own` of this server."""
        return await parent.add_object(
            _new(1), ua.QualifiedName(name, 1 if own else self._lads), self._types[type_name].nodeid
        )

    async def _add_property(self, parent: Node, name: str, value: Any, **kind: Any) -> Node:
        return await parent.add_property(_new(1), ua.QualifiedName(name, self._lads), value, **kind)

    async def _add_method(self, parent: Node, name: str, methods: Mapping[str, Method], *arguments: Any) -> None:
        inputs, outputs = arguments or ([], [])
        await parent.add_method(_new(1), ua.QualifiedName(name, self._lads), methods[name], inputs, outputs)

    def _node_id(self, number: int) -> ua.NodeId:
        return ua.NodeId(number, self._lads)


@dataclass(frozen=True, slots=True)
class _State:
    """A state machine's `CurrentState` with its `Id`."""

    lads: int
    text: Node
    number: Node

    @classmethod
    async def add(cls, machine: Node, lads: int, first: IntEnum) -> "_State":
        text = await machine.add_variable(_new(1), ua.QualifiedName(wire.STATE_ID[0], 0), _text(first))
        await text.delete_reference(ua.ObjectIds.BaseDataVariableType, ua.ObjectIds.HasTypeDefinition)
        await text.add_reference(STATE_VARIABLE, ua.ObjectIds.HasTypeDefinition)
        number = await text.add_property(_new(1), ua.QualifiedName(wire.STATE_ID[1], 0), ua.NodeId(int(first), lads))
        return cls(lads, text, number)

    async def show(self, state: IntEnum) -> None:
        await self.text.write_value(_text(state))
        await self.number.write_value(ua.NodeId(int(state), self.lads))


def _text(state: IntEnum) -> ua.LocalizedText:
    return ua.LocalizedText(wire.state_text(state), "en")


def _new(index: int) -> ua.NodeId:
    """A node id that the server chooses, in a namespace; 1 is the server's own."""
    return ua.NodeId(0, index)


def _argument(name: str, data_type: ua.NodeId, *, many: bool = False) -> ua.Argument:
    return ua.Argument(Name=name, DataType=data_type, ValueRank=1 if many else -1, ArrayDimensions=[0] if many else [])
