"""Each mapping rule of the Opentrons importer, on small protocols written for it."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from protocols.importers.findings import Imported
from protocols.importers.opentrons import import_opentrons
from protocols.importers.opentrons.slots import place_of

Said = Callable[[Imported, str], list[str]]


def steps(imported: Imported) -> list[tuple[str, str]]:
    return [(step["id"], step["do"]) for step in imported.document["steps"]]


def transfer(kit: Any, source: str, to: str, volume: float = 50, tip: str = "A1") -> list[tuple[str, dict[str, Any]]]:
    labware, well = source.rsplit("/", 1)
    target, target_well = to.rsplit("/", 1)
    return [
        ("pickUpTip", kit.at(kit.RACK, tip)), ("aspirate", kit.flow(labware, well, volume)),
        ("dispense", kit.flow(target, target_well, volume)), ("dropTip", kit.at("fixedTrash", "A1")),
    ]  # fmt: skip


# Header and labware


def test_the_header_says_where_it_came_from(kit: Any) -> None:
    data = json.dumps(kit.source(kit.setup())).encode()
    document = import_opentrons(data, "small.json").document
    assert document["name"] == "small"
    assert document["purpose"] == "for tests"
    assert document["author"] == {
        "kind": "import", "name": "the tests 1", "source": "small.json", "source_sha256": hashlib.sha256(data).hexdigest(),
    }  # fmt: skip


def test_labware_keeps_its_id_its_place_and_its_definition(kit: Any) -> None:
    labware = kit.imported(kit.setup()).document["labware"]
    assert list(labware) == [kit.RACK, kit.PLATE, kit.DISH, kit.TROUGH]
    assert labware[kit.PLATE]["definition"]["parameters"]["loadName"] == "plate_96"
    assert (labware[kit.PLATE]["name"], labware[kit.PLATE]["slot"]) == ("the plate", "2")
    assert labware[kit.TROUGH]["type"] == "nest_12_reservoir_15ml"
    assert "definition" not in labware[kit.TROUGH]


def test_schema_6_keeps_names_in_tables(kit: Any) -> None:
    commands = [
        ("loadPipette", {"pipetteId": kit.PIPETTE, "mount": "left"}),
        ("loadLabware", {"labwareId": kit.RACK, "location": {"slotName": "1"}}),
        ("loadLabware", {"labwareId": kit.DISH, "location": {"slotName": 3}}),
        *transfer(kit, "dish/A1", "dish/B1"),
    ]
    tables = {
        "pipettes": {kit.PIPETTE: {"name": "p300_single_gen2"}},
        "labware": {
            kit.RACK: {"definitionId": "opentrons/opentrons_96_tiprack_300ul/1", "displayName": "tips"},
            kit.DISH: {"definitionId": "tests/dish_4/1"},
        },
    }
    document = kit.imported(commands, schema=6, **tables).document
    assert document["pipettes"] == {"p300_single_gen2": {"model": "p300_single_gen2", "mount": "left"}}
    assert (document["labware"]["dish"]["name"], document["labware"]["dish"]["slot"]) == ("kind dish_4", "3")
    assert kit.volumes(commands, schema=6, **tables) == {("dish", "B1"): 50}


def test_a_definition_is_found_by_what_it_calls_itself(kit: Any) -> None:
    parts = {"labwareDefinitions": {"some/other/key": kit.definition("dish_4", "AB", 2, 77)}}
    document = kit.imported([kit.load("d", "tests/dish_4", {"slotName": "1"})], **parts).document
    assert document["labware"]["d"]["definition"]["wells"]["A1"]["totalLiquidVolume"] == 77


def test_an_id_that_our_format_cannot_carry_is_changed(kit: Any, said: Said) -> None:
    commands = [kit.load(name, "tests/dish_4", {"slotName": slot}) for slot, name in (("1", "trash"), ("2", " x "))]
    imported = kit.imported(commands)
    assert list(imported.document["labware"]) == ["labware_1", "x_1"]
    assert said(imported, "IMP-005")[0] == "labware 'trash' is called 'labware_1' here"


def test_an_older_version_of_the_library_is_told(kit: Any, said: Said) -> None:
    load = ("loadLabware", kit.load("p", "corning_96_wellplate_360ul_flat", {"slotName": "1"})[1] | {"version": 99})
    imported = kit.imported([load])
    assert "corning_96_wellplate_360ul_flat/99 is not in the file" in said(imported, "IMP-005")[0]
    assert imported.document["assumptions"] == said(imported, "IMP-005")


# Modules, adapters, places


MODULES = [
    ("loadModule", {"moduleId": "m", "model": "temperatureModuleV2", "location": {"slotName": "6"}}),
    ("loadLabware", {"labwareId": "a", "loadName": "opentrons_96_well_aluminum_block", "namespace": "opentrons",
                     "version": 1, "location": {"moduleId": "m"}}),
]  # fmt: skip


def test_labware_on_an_adapter_on_a_module_stands_in_the_modules_slot(kit: Any, said: Said) -> None:
    imported = kit.imported([*MODULES, kit.load("p", "tests/plate_96", {"labwareId": "a"}, "mine")])
    assert list(imported.document["labware"]) == ["p"]
    assert imported.document["labware"]["p"]["slot"] == "6"
    assert any(
        "'mine' stands on 'Opentrons 96 Well Aluminum Block'" in text for text in imported.document["assumptions"]
    )
    assert any(text.startswith("command 1 loadModule:") for text in said(imported, "IMP-004"))
    assert any(text.startswith("command 2 loadLabware:") for text in said(imported, "IMP-005"))


@pytest.mark.parametrize(
    ("kind", "params", "words"),
    [
        ("magneticModule/engage", {"height": 12.5}, "raise the magnets to 12.5 mm"),
        ("magneticModule/engage", {"engageHeight": 8}, "raise the magnets to 8 mm"),
        ("magneticModule/disengage", {}, "lower the magnets"),
        ("temperatureModule/setTargetTemperature", {"celsius": 4}, "set it to 4 degC"),
        ("temperatureModule/waitForTemperature", {"celsius": 4}, "wait until it is at 4 degC"),
        ("temperatureModule/waitForTemperature", {}, "wait until it is at its target"),
        ("heaterShaker/setAndWaitForShakeSpeed", {"rpm": 500}, "shake at 500 rpm"),
        ("thermocycler/setTargetBlockTemperature", {"celsius": 95, "holdTimeSeconds": 30}, '{"holdTimeSeconds": 30}'),
        (
            "thermocycler/runProfile",
            {
                "profile": [{"celsius": 95, "holdSeconds": 30}, {"celsius": 60, "holdSeconds": 10}],
                "blockMaxVolumeUl": 50,
            },
            "30 s at 95 degC, then 10 s at 60 degC (block volume at most 50 uL)",
        ),
        ("thermocycler/runExtendedProfile", {"profileElements": [{"cycles": 3}]}, '{"cycles": 3}'),
        ("absorbanceReader/read", {"fileName": "x"}, 'absorbanceReader/read {"fileName": "x"}'),
    ],
)
def test_a_modules_command_is_a_task_with_its_values(kit: Any, said: Said, kind: str, params: Any, words: str) -> None:
    commands = [
        *MODULES,
        kit.load("p", "tests/plate_96", {"moduleId": "m"}, "mine"),
        (kind, {"moduleId": "m", **params}),
    ]
    imported = kit.imported(commands)
    assert steps(imported) == [("s001_operator", "operator")]
    message = imported.document["steps"][0]["message"]
    assert words in message
    assert "'mine' (slot 6)" in message
    told = next(problem for problem in imported.problems if problem.message.startswith(f"command 4 {kind}:"))
    assert (told.rule, told.step) == ("IMP-004", "s001_operator")
    assert kit.checked(commands).ok


def test_names_of_places() -> None:
    flex = [f"{row}{column}" for row in "DCBA" for column in (1, 2, 3)]
    assert [place_of(name) for name in flex] == [str(number) for number in range(1, 13)]
    assert [place_of(name) for name in ("A4", "D4")] == ["off", "off"]
    assert [place_of(name) for name in ("0", "13", "E1", "", "middle", "²")] == [None] * 6


def test_a_flex_file_comes_to_the_slots_of_an_ot2(kit: Any, said: Said) -> None:
    commands = [
        ("loadPipette", {"pipetteId": kit.PIPETTE, "pipetteName": "p1000_multi_flex", "mount": "left"}),
        kit.load("one", "tests/dish_4", {"slotName": "D1"}), kit.load("ten", "tests/dish_4", {"slotName": "A1"}),
        kit.load("corner", "tests/dish_4", {"slotName": "A3"}), kit.load("stage", "tests/dish_4", {"addressableAreaName": "C4"}),
        ("moveLabware", {"labwareId": "stage", "newLocation": {"slotName": "B2"}, "strategy": "usingGripper"}),
    ]  # fmt: skip
    imported = kit.imported(commands, robot="OT-3 Standard")
    slots = {name: spec["slot"] for name, spec in imported.document["labware"].items()}
    assert slots == {"one": "1", "ten": "10", "corner": "2", "stage": "off"}
    assert imported.document["steps"] == [
        {"id": "s001_move", "do": "move", "labware": "stage", "to": "8", "by": "person"}
    ]
    assert imported.document["pipettes"] == {"p1000_multi_flex": {"model": "p1000_multi_flex", "mount": "left"}}
    told = " ".join(said(imported, "IMP-005"))
    assert all(words in told for words in ("written for a Flex", "staging place C4", "stands in slot 2", "gripper"))
    assert kit.checked(commands, robot="OT-3 Standard").ok


def test_labware_goes_off_the_deck_and_comes_back_with_what_it_holds(kit: Any) -> None:
    commands = [
        *kit.setup()[:3], ("loadLiquid", {"liquidId": "0", "labwareId": "dish", "volumeByWell": {"A1": 100}}),
        ("moveLabware", {"labwareId": "dish", "newLocation": {"slotName": "9"}, "strategy": "manualMoveWithPause"}),
        *transfer(kit, "dish/A1", f"{kit.PLATE}/A1"),
        ("moveLabware", {"labwareId": kit.PLATE, "newLocation": "offDeck", "strategy": "manualMoveWithPause"}),
        ("moveLabware", {"labwareId": kit.PLATE, "newLocation": {"slotName": "5"}, "strategy": "manualMoveWithPause"}),
        *[(kind, params | ({"wellName": "B1"} if kind == "pickUpTip" else {})) for kind, params in transfer(kit, f"{kit.PLATE}/A1", "dish/B2", 20)],
    ]  # fmt: skip
    commands.insert(3, kit.load("dish", "tests/dish_4", "offDeck"))
    document = kit.imported(commands).document
    assert document["labware"]["dish"]["slot"] == "off"
    assert [step["to"] for step in document["steps"] if step["do"] == "move"] == ["9", "off", "5"]
    assert kit.volumes(commands) == {("dish", "A1"): 50, (kit.PLATE, "A1"): 30, ("dish", "B2"): 20}


def test_labware_loaded_during_the_run_is_brought_then(kit: Any, said: Said) -> None:
    commands = [
        *kit.setup()[:4], ("loadLiquid", {"liquidId": "0", "labwareId": "dish", "volumeByWell": {"A1": 100}}),
        *transfer(kit, "dish/A1", f"{kit.PLATE}/A1"), kit.load("late", "tests/dish_4", {"slotName": "7"}, "late one"),
    ]  # fmt: skip
    imported = kit.imported(commands)
    assert imported.document["labware"]["late"]["slot"] == "off"
    assert imported.document["steps"][-1]["to"] == "7"
    assert any("'late one' waits beside the deck" in text for text in said(imported, "IMP-005"))
    assert kit.checked(commands).ok


def test_an_adapter_takes_along_what_stands_on_it(kit: Any, said: Said) -> None:
    move = {"labwareId": "a", "newLocation": {"slotName": "9"}, "strategy": "manualMoveWithPause"}
    loaded = [*MODULES, kit.load("p", "tests/plate_96", {"labwareId": "a"})]
    assert kit.imported([*loaded, ("moveLabware", move)]).document["steps"][0]["to"] == "9"
    alone = kit.imported([*MODULES, ("moveLabware", move)])
    assert alone.document["steps"][0]["message"] == "Take 'Opentrons 96 Well Aluminum Block' to slot 9."
    assert any(text.startswith("command 3 moveLabware:") for text in said(alone, "IMP-004"))


@pytest.mark.parametrize("area", ["wasteChute", "gripperWasteChute", "movableTrashA3"])
def test_labware_thrown_away_leaves_the_deck(kit: Any, area: str) -> None:
    move = {"labwareId": kit.DISH, "newLocation": {"addressableAreaName": area}, "strategy": "usingGripper"}
    assert kit.imported([*kit.setup(), ("moveLabware", move)]).document["steps"][0]["to"] == "off"


# Pipetting


def test_moves_carry_volume_rate_and_height(kit: Any) -> None:
    depth = 10
    commands = [
        *kit.setup(), ("pickUpTip", kit.at(kit.RACK, "C2")), ("aspirate", kit.flow(kit.DISH, "A1", 33.3, z=2.5)),
        ("dispense", kit.flow(kit.PLATE, "B2", 33.3, z=-1, origin="top")),
        ("aspirate", kit.flow(kit.PLATE, "B2", 5, z=1, origin="center")),
        ("touchTip", kit.at(kit.PLATE, "B2")), ("blowout", kit.at(kit.PLATE, "B2")),
        ("moveToWell", kit.at(kit.DISH, "B1")), ("dropTip", kit.at(kit.RACK, "C2")),
    ]  # fmt: skip
    well = f"{kit.PLATE}/B2"
    assert kit.moves(commands) == [
        {"act": "pick_up", "tip": "rack/C2"},
        {"act": "aspirate", "well": "dish/A1", "volume": "33.3 uL", "rate": "20 uL/s", "height": "2.5 mm"},
        {"act": "dispense", "well": well, "volume": "33.3 uL", "rate": "20 uL/s", "height": f"{depth - 1} mm"},
        {"act": "aspirate", "well": well, "volume": "5 uL", "rate": "20 uL/s", "height": f"{depth // 2 + 1} mm"},
        {"act": "touch_tip", "well": well}, {"act": "blow_out", "well": well},
        {"act": "go_to", "well": "dish/B1", "height": f"{depth} mm"}, {"act": "drop", "into": "rack/C2"},
    ]  # fmt: skip
    assert kit.volumes(commands) == {(kit.PLATE, "B2"): pytest.approx(33.3)}  # the blow-out gave the rest back


def test_steps_end_with_the_tip_the_pipette_or_another_kind_of_step(kit: Any) -> None:
    other = {"pipetteId": "second"}
    commands = [
        *kit.setup(), ("loadPipette", {"pipetteId": "second", "pipetteName": "p300_multi_gen2", "mount": "right"}),
        *transfer(kit, "dish/A1", "dish/B1"), *transfer(kit, "dish/A2", "dish/B2", tip="B1"),
        ("pickUpTip", kit.at(kit.RACK, "A2") | other), ("waitForDuration", {"seconds": 90}),
        ("aspirate", kit.flow(kit.TROUGH, "A1", 10) | other), ("home", {}), ("dispense", kit.flow(kit.TROUGH, "A1", 10) | other),
        ("moveToWell", kit.at(kit.DISH, "A1")), ("dropTip", kit.at("fixedTrash", "A1") | other),
    ]  # fmt: skip
    imported = kit.imported(commands)
    assert [name for name, _ in steps(imported)] == [
        "s001_p300_single_gen2", "s002_p300_single_gen2", "s003_p300_multi_gen2", "s004_wait", "s005_p300_multi_gen2",
        "s006_p300_single_gen2", "s007_p300_multi_gen2",
    ]  # fmt: skip
    assert imported.document["steps"][2]["channels"] == 8
    assert imported.document["steps"][3]["for"] == "90 s"
    assert [move["act"] for move in imported.document["steps"][4]["moves"]] == ["aspirate", "dispense"]


def test_acts_in_place_are_at_the_last_well_or_over_the_trash(kit: Any) -> None:
    here = {"pipetteId": kit.PIPETTE}
    commands = [
        *kit.setup(), ("pickUpTip", kit.at(kit.RACK, "A1")), ("moveToWell", kit.flow(kit.DISH, "A1", 0, z=3)),
        ("aspirateInPlace", here | {"volume": 80, "flowRate": 7}), ("dispenseInPlace", here | {"volume": 30, "flowRate": 7}),
        ("moveToAddressableArea", here | {"addressableAreaName": "1ChannelWasteChute", "offset": {"x": 0, "y": 0, "z": 0}}),
        ("dispenseInPlace", here | {"volume": 20, "flowRate": 7}), ("blowOutInPlace", here | {"flowRate": 7}),
        ("moveToAddressableAreaForDropTip", here | {"addressableAreaName": "fixedTrash"}), ("dropTipInPlace", here),
    ]  # fmt: skip
    moves = kit.moves(commands)
    assert moves[2] == {"act": "aspirate", "well": "dish/A1", "volume": "80 uL", "rate": "7 uL/s", "height": "3 mm"}
    assert [move.get("well") for move in moves[3:]] == ["dish/A1", *["trash/A1"] * 4, None]
    assert moves[-1] == {"act": "drop"}
    checked = kit.checked(commands)
    assert checked.ok
    assert checked.stock["waste_ul"] == 50


def test_in_place_after_raw_motion_is_told(kit: Any, said: Said) -> None:
    here = {"pipetteId": kit.PIPETTE}
    commands = [
        *kit.setup(), ("pickUpTip", kit.at(kit.RACK, "A1")), ("aspirate", kit.flow(kit.DISH, "A1", 10)),
        ("moveRelative", here | {"axis": "z", "distance": 5}), ("dispenseInPlace", here | {"volume": 10, "flowRate": 5}),
        ("moveToAddressableArea", here | {"addressableAreaName": "D3"}), ("dropTipInPlace", here),
    ]  # fmt: skip
    imported = kit.imported(commands)
    assert any("command 9 dispenseInPlace: taken to act at dish/A1" in text for text in said(imported, "IMP-008"))
    assert said(imported, "IMP-003") == [
        "command 8 moveRelative: raw motion moves no matter; left out",
        "command 10 moveToAddressableArea: raw motion to D3 moves no matter; left out",
    ]


def test_a_drop_of_which_nobody_says_where_is_over_the_trash(kit: Any, said: Said) -> None:
    imported = kit.imported([*kit.setup(), ("dropTipInPlace", {"pipetteId": kit.PIPETTE})])
    assert imported.document["steps"][0]["moves"] == [{"act": "drop"}]
    assert any("over the trash" in text for text in said(imported, "IMP-008"))


def test_details_without_a_counterpart_are_told_once(kit: Any, said: Said) -> None:
    aside = {"wellLocation": {"origin": "bottom", "offset": {"x": 1, "y": 0, "z": 1}}, "pushOut": 2, "speed": 0}
    commands = [
        *kit.setup(), ("pickUpTip", kit.at(kit.RACK, "A1")), *[("aspirate", kit.flow(kit.DISH, "A1", 1) | aside)] * 15,
        ("aspirate", kit.flow(kit.DISH, "A1", 1, origin="meniscus", z=-2)),
    ]  # fmt: skip
    told = said(kit.imported(commands), "IMP-008")
    assert len(told) == 3
    assert told[0].startswith("commands 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18 and 3 more: offsets in x and y")
    assert "`pushOut`" in told[1]
    assert told[2].startswith("command 22: a height from the meniscus")


def test_nothing_drawn_is_only_a_way(kit: Any, said: Said) -> None:
    imported = kit.imported(
        [*kit.setup(), ("pickUpTip", kit.at(kit.RACK, "A1")), ("aspirate", kit.flow(kit.DISH, "A1", 0))]
    )
    assert imported.document["steps"][0]["moves"][1] == {"act": "go_to", "well": "dish/A1", "height": "1 mm"}
    assert said(imported, "IMP-003") == ["command 7: 0 uL are moved; only the way to the well is kept"]


def test_an_air_gap_is_told(kit: Any, said: Said) -> None:
    commands = [*kit.setup(), ("pickUpTip", kit.at(kit.RACK, "A1")), ("aspirate", kit.flow(kit.DISH, "A1", 5, z=11))]
    assert "air gap" in " ".join(said(kit.imported(commands), "IMP-006"))


def test_stirring_the_trash_moves_no_matter(kit: Any, said: Said) -> None:
    commands = [
        *kit.setup(), ("pickUpTip", kit.at(kit.RACK, "A1")), ("aspirate", kit.flow("fixedTrash", "A1", 5)),
        ("dispense", kit.flow("fixedTrash", "A1", 5)), ("dropTip", kit.at("fixedTrash", "A1")),
    ]  # fmt: skip
    assert [move["act"] for move in kit.moves(commands)] == ["pick_up", "go_to", "go_to", "drop"]
    assert kit.volumes(commands) == {}
    assert said(kit.imported(commands), "IMP-003")[0].startswith("commands 7, 8: it stirs the trash")


# Pipettes


def test_96_nozzles_on_an_ot2_mean_one_well(kit: Any, said: Said) -> None:
    commands = [*kit.setup("p1000_96"), *transfer(kit, "dish/A1", "dish/B1")]
    imported = kit.imported(commands)
    assert imported.document["pipettes"] == {"p1000_96": {"model": "p1000_96", "mount": "left", "single_nozzle": True}}
    assert len(said(imported, "IMP-007")) == 1
    assert kit.volumes(commands) == {("dish", "B1"): 50}


def test_96_nozzles_on_a_flex_are_all_used(kit: Any) -> None:
    commands = [
        ("loadPipette", {"pipetteId": kit.PIPETTE, "pipetteName": "p1000_96", "mount": "left"}), *kit.setup()[1:],
        ("pickUpTip", kit.at(kit.RACK, "A1")), ("aspirate", kit.flow(kit.PLATE, "A1", 40)),
    ]  # fmt: skip
    document = kit.imported(commands, robot="OT-3 Standard").document
    assert document["steps"][0]["channels"] == 96
    assert len(document["labware"][kit.PLATE]["holds"]) == 96
    misfit = kit.imported([*commands, ("dispense", kit.flow(kit.PLATE, "B1", 40))], robot="OT-3 Standard").document
    assert misfit["pipettes"]["p1000_96"]["single_nozzle"] is True
    assert list(misfit["labware"][kit.PLATE]["holds"]) == ["A1"]


def layout(kit: Any, style: str) -> tuple[str, dict[str, Any]]:
    params = {"style": style, "primaryNozzle": "A1"}
    return "configureNozzleLayout", {"pipetteId": kit.PIPETTE, "configurationParams": params}


def test_one_layout_of_nozzles_from_the_start(kit: Any) -> None:
    commands = [*kit.setup("p300_multi_gen2"), layout(kit, "SINGLE"), *transfer(kit, "dish/A1", "dish/B1")]
    assert kit.imported(commands).document["pipettes"]["p300_multi_gen2"]["single_nozzle"] is True
    assert kit.volumes(commands) == {("dish", "B1"): 50}


def test_a_second_layout_is_done_by_a_pipette_on_the_other_mount(kit: Any, said: Said) -> None:
    trough = [("pickUpTip", kit.at(kit.RACK, "A2")), ("aspirate", kit.flow(kit.TROUGH, "A1", 10)),
              ("dispense", kit.flow(kit.PLATE, "A1", 10)), ("dropTip", kit.at("fixedTrash", "A1"))]  # fmt: skip
    commands = [
        *kit.setup("p300_multi_gen2"),
        layout(kit, "ALL"),
        *trough,
        layout(kit, "SINGLE"),
        *transfer(kit, "dish/A1", "dish/B1"),
    ]
    pipettes = kit.imported(commands).document["pipettes"]
    assert {need["mount"]: need["model"] for need in pipettes.values()} == {
        "left": "p300_multi_gen2",
        "right": "p300_single_gen2",
    }
    assert any("on the right mount does it here" in text for text in said(kit.imported(commands), "IMP-007"))
    plate = {(kit.PLATE, f"{row}1"): 10.0 for row in "ABCDEFGH"}
    assert kit.volumes(commands) == plate | {("dish", "B1"): 50}


def test_a_column_of_96_nozzles_is_done_by_eight(kit: Any) -> None:
    commands = [
        *kit.setup("p1000_96"), layout(kit, "COLUMN"), ("pickUpTip", kit.at(kit.RACK, "A1")),
        ("aspirate", kit.flow(kit.TROUGH, "A1", 10)), ("dispense", kit.flow(kit.PLATE, "A5", 10)),
        ("dropTip", kit.at("fixedTrash", "A1")),
    ]  # fmt: skip
    pipettes = kit.imported(commands, robot="OT-3 Standard").document["pipettes"]
    assert pipettes["p1000_multi_flex"] == {"model": "p1000_multi_flex", "mount": "right"}
    assert kit.volumes(commands, robot="OT-3 Standard") == {(kit.PLATE, f"{row}5"): 10 for row in "ABCDEFGH"}


# Liquids


def test_what_is_drawn_and_never_loaded_is_filled_by_hand_just_enough(kit: Any, said: Said) -> None:
    commands = [*kit.setup(), *transfer(kit, "dish/A1", "dish/B1", 60), *transfer(kit, "trough/A1", "dish/B2", 70)]
    commands[-4] = ("pickUpTip", kit.at(kit.RACK, "B1"))
    imported = kit.imported(commands)
    assert imported.document["labware"]["dish"]["holds"] == {"A1": {"material": "unnamed liquid 1", "volume": "60 uL"}}
    assert imported.document["labware"]["trough"]["holds"] == {
        "A1": {"material": "unnamed liquid 2", "volume": "70 uL"}
    }
    assert said(imported, "IMP-006") == [text for text in imported.document["assumptions"] if "by hand" in text]
    assert kit.volumes(commands) == {("dish", "B1"): 60, ("dish", "B2"): 70}
    checked = kit.checked(commands)
    assert checked.program
    assert [a.args["volumes_ul"] for a in checked.program.actions if a.verb == "fill"] == [{"A1": 60}, {"A1": 70}]


def test_a_load_that_is_too_small_is_made_up(kit: Any, said: Said) -> None:
    load = ("loadLiquid", {"liquidId": "0", "labwareId": kit.DISH, "volumeByWell": {"A1": 20, "A2": 0}})
    commands = [*kit.setup(), load, *transfer(kit, "dish/A1", "dish/B1", 50)]
    imported = kit.imported(commands)
    assert imported.document["materials"] == {"ink": {"name": "blue"}}
    assert imported.document["labware"]["dish"]["holds"] == {"A1": {"material": "ink", "volume": "50 uL"}}
    assert said(imported, "IMP-006") == [
        "'the dish' A1: 30 uL more of ink are drawn than the file loads; they are filled as well"
    ]


def test_what_was_brought_there_before_is_not_assumed(kit: Any) -> None:
    load = ("loadLiquid", {"liquidId": "0", "labwareId": kit.DISH, "volumeByWell": {"A1": 100}})
    again = transfer(kit, "dish/B1", "dish/B2", 90)
    again[0] = ("pickUpTip", kit.at(kit.RACK, "B1"))
    commands = [*kit.setup(), load, *transfer(kit, "dish/A1", "dish/B1", 60), *again]
    assert kit.imported(commands).document["labware"]["dish"]["holds"]["B1"]["volume"] == "30 uL"
    assert kit.volumes(commands) == {("dish", "A1"): 40, ("dish", "B2"): 90}


def test_liquids_together_in_a_well_are_a_mixture_of_their_own(kit: Any) -> None:
    loads = [
        ("loadLiquid", {"liquidId": name, "labwareId": kit.DISH, "volumeByWell": {"A1": v}})
        for name, v in (("0", 30), ("x", 10))
    ]
    document = kit.imported([*kit.setup(), *loads]).document
    assert document["labware"]["dish"]["holds"]["A1"] == {"material": "0.75 ink + 0.25 liquid x", "volume": "40 uL"}


def test_two_liquids_of_one_name_stay_two(kit: Any) -> None:
    loads = [
        ("loadLiquid", {"liquidId": name, "labwareId": kit.DISH, "volumeByWell": {well: 5}})
        for name, well in (("0", "A1"), ("1", "A2"))
    ]
    liquids = {"0": {"displayName": "ink"}, "1": {"displayName": "ink"}}
    assert list(kit.imported([*kit.setup(), *loads], liquids=liquids).document["materials"]) == ["ink", "ink (2)"]


def test_a_load_above_the_definition_is_believed_and_told(kit: Any, said: Said) -> None:
    loads = {kit.DISH: ("A1", 600), kit.TROUGH: ("A2", 20_000)}
    commands = [
        *kit.setup(),
        *[
            ("loadLiquid", {"liquidId": "0", "labwareId": name, "volumeByWell": {w: v}})
            for name, (w, v) in loads.items()
        ],
    ]
    assert kit.volumes(commands) == {(name, well): volume for name, (well, volume) in loads.items()}
    assert len(said(kit.imported(commands), "IMP-006")) == 2


def test_an_overflow_is_left_to_the_validator(kit: Any) -> None:
    load = ("loadLiquid", {"liquidId": "0", "labwareId": kit.PLATE, "volumeByWell": {"A1": 300}})
    checked = kit.checked([*kit.setup(), load, *transfer(kit, "dish/A1", f"{kit.PLATE}/A1", 50)])
    assert [problem.rule for problem in checked.problems if problem.severity == "block"] == ["LIQ-003"]


def test_a_well_may_be_full_to_its_brim(kit: Any) -> None:
    def given(volume: float) -> list[Any]:
        load = {"labwareId": "pcr", "namespace": "opentrons", "loadName": "nest_96_wellplate_100ul_pcr_full_skirt"}
        place = ("loadLabware", {**load, "version": 1, "location": {"slotName": "9"}})
        fill = ("loadLiquid", {"liquidId": "0", "labwareId": "pcr", "volumeByWell": {"A1": 100}})
        return [*kit.setup(), place, fill, *transfer(kit, "dish/A1", "pcr/A1", volume)]

    assert kit.checked(given(110)).ok  # 210 uL: its geometry holds 217.3
    assert any("to the brim" in problem.message for problem in kit.imported(given(110)).problems)
    blocked = [problem.rule for problem in kit.checked(given(120)).problems if problem.severity == "block"]
    assert blocked == ["LIQ-003"]


# People and the rest


@pytest.mark.parametrize(
    ("command", "step"),
    [
        (("delay", {"seconds": 3}), {"do": "wait", "for": "3 s"}),
        (("delay", {"wait": 2.5}), {"do": "wait", "for": "2.5 s"}),
        (("delay", {"wait": True, "message": "look"}), {"do": "operator", "message": "look"}),
        (("delay", {"waitForResume": True}), {"do": "operator", "message": "Go on when you are ready."}),
        (("pause", {"message": "look"}), {"do": "operator", "message": "look"}),
        (("waitForResume", {"message": "x" * 3000}), {"do": "operator", "message": "x" * 1997 + "..."}),
        (
            ("flyAway", {"to": "moon"}),
            {
                "do": "operator",
                "message": 'The source has a command \'flyAway\' here: {"to": "moon"}. Do what it asks.',
            },
        ),
    ],
)
def test_waits_pauses_and_what_nobody_knows(kit: Any, command: Any, step: dict[str, Any]) -> None:
    imported = kit.imported([*kit.setup(), command])
    assert {key: value for key, value in imported.document["steps"][0].items() if key != "id"} == step
    assert kit.checked([*kit.setup(), command]).ok


def test_remarks_and_raw_commands_are_findings(kit: Any, said: Said) -> None:
    commands = [("comment", {"message": "hello"}), ("home", {}), ("savePosition", {"pipetteId": "p"})]
    imported = kit.imported(commands)
    assert said(imported, "IMP-003") == [
        "command 1 comment: a remark, kept only here: hello",
        "command 2 home: raw motion moves no matter; left out",
        "command 3 savePosition: moves no matter; left out",
    ]
    assert steps(imported) == [("s001_operator", "operator")]  # a protocol has at least one step


def test_the_message_of_a_timed_wait_is_told(kit: Any, said: Said) -> None:
    imported = kit.imported([("waitForDuration", {"seconds": 1, "message": "coffee"})])
    assert '"coffee"' in said(imported, "IMP-008")[0]
