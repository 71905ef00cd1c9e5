"""Files that are broken, odd or hostile: a clear refusal or a document that reads, never a traceback."""

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.check import check
from protocols.importers.findings import Imported
from protocols.importers.opentrons import import_opentrons
from protocols.parse import from_document
from protocols.problems import ProtocolError


def refused(data: bytes, name: str = "file.json") -> str:
    with pytest.raises(ProtocolError) as caught:
        import_opentrons(data, name)
    assert all(problem.severity == "block" for problem in caught.value.problems)
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no Opentrons JSON protocol"),
        (b"\xff\xfe\x00", "no Opentrons JSON protocol"),
        (b"from opentrons import protocol_api", "no Opentrons JSON protocol"),
        (b"[1, 2]", "holds no table at its top"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": "\\ud800"}', "no Opentrons JSON protocol"),
        (b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}", "more than 60 levels deep"),
        (b"[" * 200_000, "no Opentrons JSON protocol"),
        (b'{"a": ' + b"9" * 5000 + b"}", "no Opentrons JSON protocol"),
        (b" " * 30_000_000, "has 30000000 bytes"),
        (b"{}", "it has no schemaVersion"),
        (b'{"schemaVersion": 3}', "is of schema 3"),
        (b'{"schemaVersion": 5}', "export it again"),
        (b'{"schemaVersion": true}', "is of schema True"),
        (b'{"schemaVersion": [8]}', "is of schema [8]"),
        (b'{"schemaVersion": 8}', "robot.model is missing"),
        (b'{"schemaVersion": 8, "robot": {"model": "OT-9"}}', "Known: OT-2 Standard and OT-3 Standard"),
        (b'{"schemaVersion": 8, "robot": []}', "`robot` must be a table"),
        (b'{"schemaVersion": 8, "robot": {"model": "OT-2 Standard"}}', "`commands` must be a list"),
    ],
)
def test_what_is_no_such_file_is_refused_with_a_reason(data: bytes, said: str) -> None:
    text = refused(data)
    assert "IMP-001" in text
    assert said in text


def test_a_python_protocol_gets_a_hint() -> None:
    assert "ends with .py is taken as a Python protocol" in refused(b"import opentrons", "run.py")


BROKEN: dict[str, tuple[Any, str]] = {
    "a command is no table": (5, "must have a commandType and params"),
    "params are a list": ({"commandType": "home", "params": []}, "must have a commandType and params"),
    "unknown pipette": (("aspirate", {"pipetteId": "other", "labwareId": "dish", "wellName": "A1", "volume": 1}), "no pipette 'other'"),
    "unknown labware": (("pickUpTip", {"pipetteId": "pip", "labwareId": "moon", "wellName": "A1"}), "no labware 'moon'"),
    "unknown well": (("pickUpTip", {"pipetteId": "pip", "labwareId": "rack", "wellName": "Z9"}), "has no well 'Z9'"),
    "missing well": (("pickUpTip", {"pipetteId": "pip", "labwareId": "rack"}), "`wellName` must be text, not missing"),
    "volume is text": (("aspirate", {"pipetteId": "pip", "labwareId": "dish", "wellName": "A1", "volume": "5"}), "`volume` must be a number"),
    "volume is negative": (("aspirate", {"pipetteId": "pip", "labwareId": "dish", "wellName": "A1", "volume": -5}), "at least 0"),
    "volume is huge": (("aspirate", {"pipetteId": "pip", "labwareId": "dish", "wellName": "A1", "volume": 10**400}), "`volume` must be"),
    "height is text": (
        ("moveToWell", {"pipetteId": "pip", "labwareId": "dish", "wellName": "A1", "wellLocation": {"offset": {"z": "x"}}}),
        "offset.z` must be a number",
    ),
    "offset is a list": (
        ("moveToWell", {"pipetteId": "pip", "labwareId": "dish", "wellName": "A1", "wellLocation": {"offset": [1]}}),
        "offset` must be a table",
    ),
    "in place and nowhere": (("aspirateInPlace", {"pipetteId": "pip", "volume": 5}), "nothing says where the pipette is"),
    "unknown pipette model": (("loadPipette", {"pipetteId": "b", "pipetteName": "p9", "mount": "right"}), "there is no pipette 'p9'"),
    "unknown mount": (("loadPipette", {"pipetteId": "b", "pipetteName": "p300_multi", "mount": "top"}), "there is no mount 'top'"),
    "mount is taken": (("loadPipette", {"pipetteId": "b", "pipetteName": "p300_multi", "mount": "left"}), "carries a pipette already"),
    "labware twice": (("loadLabware", {"labwareId": "dish", "loadName": "dish_4", "namespace": "tests", "version": 1, "location": "offDeck"}), "a second time"),
    "unknown kind": (("loadLabware", {"labwareId": "b", "loadName": "x", "namespace": "y", "version": 1, "location": "offDeck"}), "no definition of y/x/1"),
    "no kind": (("loadLabware", {"labwareId": "b", "location": "offDeck"}), "of what kind"),
    "nowhere": (("loadLabware", {"labwareId": "b", "loadName": "dish_4", "namespace": "tests", "version": 1, "location": {}}), "none of slot, module"),
    "no slot": (("moveLabware", {"labwareId": "dish", "newLocation": {"slotName": "13"}}), "there is no deck slot '13'"),
    "no place": (("moveLabware", {"labwareId": "dish"}), "not said where"),
    "on itself": (("moveLabware", {"labwareId": "dish", "newLocation": {"labwareId": "dish"}}), "cannot stand on"),
    "the trash moves": (("moveLabware", {"labwareId": "fixedTrash", "newLocation": "offDeck"}), "the trash stays"),
    "unknown module": (("magneticModule/disengage", {"moduleId": "m"}), "no module 'm'"),
    "module nowhere": (("loadModule", {"moduleId": "m", "model": "x", "location": {}}), "there is no deck slot ''"),
    "liquid into tips": (("loadLiquid", {"liquidId": "0", "labwareId": "rack", "volumeByWell": {"A1": 5}}), "that liquid could be in"),
    "wait of text": (("waitForDuration", {"seconds": "5"}), "`seconds` must be a number"),
    "unknown layout": (("configureNozzleLayout", {"pipetteId": "pip", "configurationParams": {"style": "ROW"}}), "'ROW' of p300_single_gen2 has no counterpart"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_command_is_named(kit: Any, case: str) -> None:
    command, said = BROKEN[case]
    source = kit.source(kit.setup())
    source["commands"].append(
        {"commandType": command[0], "params": command[1]} if isinstance(command, tuple) else command
    )
    text = refused(json.dumps(source).encode())
    assert "IMP-002 (block) command 6" in text
    assert said in text


def test_every_broken_command_is_told_at_once(kit: Any) -> None:
    bad = [("pickUpTip", kit.at(kit.RACK, "Z1")), ("pickUpTip", kit.at(kit.RACK, "Z2"))]
    text = refused(json.dumps(kit.source([*kit.setup(), *bad])).encode())
    assert "command 6 pickUpTip" in text
    assert "command 7 pickUpTip" in text


def test_no_room_for_a_third_layout_is_refused(kit: Any) -> None:
    single = ("configureNozzleLayout", {"pipetteId": "pip", "configurationParams": {"style": "SINGLE"}})
    other = ("loadPipette", {"pipetteId": "b", "pipetteName": "p20_single_gen2", "mount": "right"})
    go = ("moveToWell", kit.at(kit.TROUGH, "A1"))
    text = refused(json.dumps(kit.source([*kit.setup("p300_multi"), other, go, single, go])).encode())
    assert "would need a pipette more than an OT-2 carries" in text


def whole(kit: Any) -> dict[str, Any]:
    """A protocol that uses most of what there is."""
    here = {"pipetteId": kit.PIPETTE}
    source: dict[str, Any] = kit.source(
        [
            ("loadModule", {"moduleId": "m", "model": "temperatureModuleV2", "location": {"slotName": "6"}}),
            *kit.setup(), kit.load("hot", "tests/dish_4", {"moduleId": "m"}), kit.load("late", "tests/dish_4", "offDeck"),
            ("loadLiquid", {"liquidId": "0", "labwareId": kit.DISH, "volumeByWell": {"A1": 100, "B1": 20}}),
            ("temperatureModule/setTargetTemperature", {"moduleId": "m", "celsius": 4}),
            ("pickUpTip", kit.at(kit.RACK, "A1")), ("aspirate", kit.flow(kit.DISH, "A1", 50)),
            ("dispense", kit.flow("hot", "A1", 30)), ("touchTip", kit.at("hot", "A1")), ("blowout", kit.at(kit.PLATE, "A1")),
            ("moveToAddressableArea", here | {"addressableAreaName": "fixedTrash"}), ("dropTipInPlace", here),
            ("moveLabware", {"labwareId": "late", "newLocation": {"slotName": "9"}, "strategy": "manualMoveWithPause"}),
            ("waitForDuration", {"seconds": 5}), ("home", {}), ("waitForResume", {"message": "look"}),
        ]
    )  # fmt: skip
    return source


def of_schema_6(source: dict[str, Any]) -> dict[str, Any]:
    """The same with names in tables, as schema 6 has them."""
    tables: dict[str, Any] = {"pipettes": {}, "labware": {}, "modules": {}}
    for params in (command["params"] for command in source["commands"]):
        if "pipetteName" in params:
            tables["pipettes"][params["pipetteId"]] = {"name": params.pop("pipetteName")}
        if "model" in params:
            tables["modules"][params["moduleId"]] = {"model": params.pop("model")}
        if "loadName" in params:
            uri = f"{params.pop('namespace')}/{params.pop('loadName')}/{params.pop('version')}"
            tables["labware"][params["labwareId"]] = {"definitionId": uri, "displayName": "some labware"}
    return source | tables | {"schemaVersion": 6}


_ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
    | st.sampled_from(["A1", "dish", "rack", "offDeck", "7", "param", "off", "trash", "aspirate", "loadLabware", "tests/dish_4/1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


def wound(source: Any, data: st.DataObject) -> None:
    """Delete or replace one part, somewhere."""
    place = source
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.integers(0, 5)):
            place = place[key]
        elif data.draw(st.booleans()):
            del place[key]
            return
        else:
            place[key] = data.draw(_ODD)
            return


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_no_wound_breaks_the_importer(kit: Any, data: st.DataObject) -> None:
    source = copy.deepcopy(whole(kit))
    if data.draw(st.booleans()):
        source = of_schema_6(source)
    for _ in range(data.draw(st.integers(1, 3))):
        wound(source, data)
    try:
        imported = import_opentrons(json.dumps(source).encode(), "wounded.json")
    except ProtocolError as error:
        assert error.problems
        return
    assert isinstance(imported, Imported)
    check(from_document(imported.document), kit.lab)


@pytest.mark.parametrize("older", [False, True])
def test_the_whole_one_is_whole(kit: Any, older: bool) -> None:
    source = copy.deepcopy(whole(kit))
    imported = import_opentrons(json.dumps(of_schema_6(source) if older else source).encode(), "whole.json")
    checked = check(from_document(imported.document), kit.lab)
    assert checked.ok, checked.problems
