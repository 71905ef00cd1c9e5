"""Every name, number and argument of the LADS vocabulary against the NodeSet of the standard, which npm brings."""

import xml.etree.ElementTree as ET
from enum import IntEnum
from pathlib import Path

import pytest

from drivers.readers.lads import wire
from sim_lab.twins.lads_space import DEVICE_SET, DI_TYPES, LADS_TYPES

NODESETS = Path(__file__).resolve().parents[2] / "outside" / "node_modules" / "node-opcua-nodesets" / "nodesets"
pytestmark = pytest.mark.skipif(
    not NODESETS.exists(), reason="node-opcua-nodesets is not installed (tests/outside, needs npm)"
)
UA = "{http://opcfoundation.org/UA/2011/03/UANodeSet.xsd}"
TYPES = "{http://opcfoundation.org/UA/2008/02/Types.xsd}"
URIS = {"Opc.Ua.LADS.NodeSet2.xml": wire.NAMESPACE, "Opc.Ua.Di.NodeSet2.xml": wire.DI_NAMESPACE}


class NodeSet:
    """One NodeSet file: its nodes by number, and a type's members by name, inherited ones too."""

    def __init__(self, file: str) -> None:
        root = ET.parse(NODESETS / file).getroot()
        uris = [uri.text for uri in root.findall(f"{UA}NamespaceUris/{UA}Uri")]
        self.index = uris.index(URIS[file]) + 1
        self.uris = dict(enumerate(uris, 1))
        self.nodes = {node.get("NodeId", ""): node for node in root if node.get("NodeId")}

    def id_of(self, number: int) -> str:
        return f"ns={self.index};i={number}"

    def name(self, node_id: str) -> str:
        return str(self.nodes[node_id].get("BrowseName")).split(":")[-1]

    def super(self, node_id: str) -> str:
        (parent,) = [
            str(reference.text) for reference in self.nodes[node_id].findall(f"{UA}References/{UA}Reference")
            if reference.get("ReferenceType") == "HasSubtype" and reference.get("IsForward") == "false"
        ]  # fmt: skip
        return parent

    def members(self, type_id: str) -> dict[str, str]:
        """Browse name -> node id, of a type and the types above it in this file."""
        above = self.super(type_id) if "Type" in self.nodes[type_id].tag else ""
        inherited = self.members(above) if above in self.nodes else {}
        return inherited | {
            self.name(node_id): node_id for node_id, node in self.nodes.items() if node.get("ParentNodeId") == type_id
        }


@pytest.fixture(scope="module")
def lads() -> NodeSet:
    return NodeSet("Opc.Ua.LADS.NodeSet2.xml")


def member(lads: NodeSet, of: str, *path: str) -> str:
    """The node of a member, walking down from a type through the types of its members."""
    node = lads.id_of(LADS_TYPES[of][0])
    for name in path:
        members = lads.members(node)
        if name not in members:  # not overridden in place: it is of the member's type
            (kind,) = [
                str(reference.text) for reference in lads.nodes[node].findall(f"{UA}References/{UA}Reference")
                if reference.get("ReferenceType") == "HasTypeDefinition"
            ]  # fmt: skip
            members = lads.members(kind)
        node = members[name]
    return node


@pytest.mark.parametrize("file", URIS)
def test_types_have_their_numbers_and_supertypes(file: str) -> None:
    nodeset = NodeSet(file)
    table, others = (LADS_TYPES, DI_TYPES) if "LADS" in file else (DI_TYPES, {})
    for name, (number, parent) in table.items():
        node_id = nodeset.id_of(number)
        assert nodeset.name(node_id) == name
        if isinstance(parent, int):
            assert nodeset.super(node_id) == f"i={parent}"
        elif parent in table:
            assert nodeset.super(node_id) == nodeset.id_of(table[parent][0])
        else:
            index = next(number for number, uri in nodeset.uris.items() if uri == wire.DI_NAMESPACE)
            assert nodeset.super(node_id) == f"ns={index};i={others[parent][0]}"


def test_the_device_set_is_where_di_has_it() -> None:
    di = NodeSet("Opc.Ua.Di.NodeSet2.xml")
    assert di.name(di.id_of(DEVICE_SET)) == wire.DEVICE_SET


@pytest.mark.parametrize(
    ("of", "path"),
    [
        ("LADSDeviceType", (wire.UNIT_SET,)),
        ("FunctionalUnitType", wire.UNIT_STATE),
        ("FunctionalUnitType", (wire.FUNCTION_SET,)),
        ("FunctionalUnitType", wire.RESULT_SET),
        ("FunctionalUnitType", wire.ESTIMATED_RUNTIME),
        ("FunctionalUnitType", (*wire.ACTIVE_PROGRAM, wire.RESULT_RUN)),
        ("FunctionalUnitStateMachineType", (wire.START,)),
        ("FunctionalUnitStateMachineType", (wire.ABORT,)),
        ("FunctionalUnitStateMachineType", (wire.CLEAR,)),
        ("FunctionalUnitStateMachineType", (wire.STATE_ID[0],)),
        ("CoverFunctionType", (wire.COVER_STATE, wire.STATE_ID[0])),
        ("CoverStateMachineType", (wire.OPEN,)),
        ("CoverStateMachineType", (wire.CLOSE,)),
        ("ResultType", (wire.RESULT_RUN,)),
        ("ResultType", (wire.RESULT_JOB,)),
        ("ResultType", ("Started",)),
        ("ResultType", ("Stopped",)),
        ("ResultType", (wire.RESULT_VALUES[0],)),
    ],
)
def test_names_are_members_of_the_types_that_have_them(lads: NodeSet, of: str, path: tuple[str, ...]) -> None:
    assert member(lads, of, *path)


@pytest.mark.parametrize(
    ("of", "states"), [("FunctionalStateMachineType", wire.UnitState), ("CoverStateMachineType", wire.CoverState)]
)
def test_states_have_their_numbers(lads: NodeSet, of: str, states: type[IntEnum]) -> None:
    for state in states:
        assert member(lads, of, wire.state_text(state)) == lads.id_of(state)


def test_only_clear_leads_out_of_an_abort(lads: NodeSet) -> None:
    ways = lads.members(lads.id_of(LADS_TYPES["FunctionalStateMachineType"][0]))
    assert [way for way in ways if way.startswith("AbortedTo")] == ["AbortedToClearing"]


def arguments(lads: NodeSet, method: str, which: str) -> list[tuple[str, str, str]]:
    """Name, data type and rank of each argument of a method."""
    node = lads.nodes[lads.members(method)[which]]
    return [
        (str(one.findtext(f"{TYPES}Name")), str(one.findtext(f"{TYPES}DataType/{TYPES}Identifier")),
         str(one.findtext(f"{TYPES}ValueRank")))
        for one in node.iter(f"{TYPES}Argument")
    ]  # fmt: skip


def test_start_program_takes_what_the_standard_says(lads: NodeSet) -> None:
    method = member(lads, "FunctionalUnitStateMachineType", wire.START)
    lists = {"Properties": wire.KEY_VALUE_TYPE, "Samples": wire.SAMPLE_INFO_TYPE}
    assert arguments(lads, method, "InputArguments") == [
        (name, lads.id_of(lists[name]), "1") if name in lists else (name, "i=12", "-1") for name in wire.START_INPUTS
    ]
    assert arguments(lads, method, "OutputArguments") == [(wire.START_OUTPUT, "i=12", "-1")]


@pytest.mark.parametrize(
    ("number", "binary", "fields"),
    [
        (wire.KEY_VALUE_TYPE, wire.KEY_VALUE_BINARY, wire.KEY_VALUE_FIELDS),
        (wire.SAMPLE_INFO_TYPE, wire.SAMPLE_INFO_BINARY, wire.SAMPLE_INFO_FIELDS),
    ],
)
def test_data_types_have_their_fields_and_encoding(
    lads: NodeSet, number: int, binary: int, fields: tuple[str, ...]
) -> None:
    node = lads.nodes[lads.id_of(number)]
    assert [(one.get("Name"), one.get("DataType")) for one in node.iter(f"{UA}Field")] == [
        (name, "String") for name in fields
    ]
    assert lads.name(lads.id_of(binary)) == "Default Binary"
    assert lads.id_of(binary) in {
        one.text for one in node.iter(f"{UA}Reference") if one.get("ReferenceType") == "HasEncoding"
    }
