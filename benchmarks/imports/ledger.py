"""Volumes by an Opentrons command list alone; knows nothing of our format, and shares no code with our importer.

Liquid that the list draws and never loads is taken to have been there at the start, just enough of it.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

Well = tuple[str, str]
LIBRARY = files("opentrons_shared_data") / "data" / "labware" / "definitions" / "2"
LAYOUTS = {"SINGLE": 1, "COLUMN": 8}


class Volumes:
    """What is in every well at the end of `commands` (uL).

    `tables` are those of a file of schema 6; `cuts` says that no more is given than a tip holds.
    """

    def __init__(
        self, commands: list[dict[str, Any]], tables: Mapping[str, Any], flex: bool, cuts: bool = False
    ) -> None:
        self.tables, self.flex, self.cuts = tables, flex, cuts
        self.now: dict[Well, float] = defaultdict(float)
        self.lowest: dict[Well, float] = defaultdict(float)
        self.columns: dict[str, list[list[str]]] = {}
        self.capacity: dict[str, dict[str, float]] = {}
        self.trash = {"fixedTrash"}
        self.nozzles: dict[str, int] = {}
        self.tips: dict[str, list[float]] = {}
        self.real: dict[Well, float] = defaultdict(float)  # with air as air, and nothing there at the start
        self.real_peak: dict[Well, float] = defaultdict(float)
        self.real_tips: dict[str, list[float]] = {}
        self.gone: dict[str, set[str]] = defaultdict(set)  # rack -> places without a tip
        self.at: dict[str, Well | None] = {}
        for command in commands:
            act = getattr(self, "on_" + command["commandType"], None)
            if act is not None:
                act(command.get("params", {}), command.get("result") or {})

    @property
    def end(self) -> dict[Well, float]:
        """Every well that was ever used."""
        return {place: volume - min(self.lowest[place], 0.0) for place, volume in self.now.items()}

    def on_loadPipette(self, params: dict[str, Any], result: dict[str, Any]) -> None:
        key = params.get("pipetteId") or result["pipetteId"]
        name = params.get("pipetteName") or self.tables["pipettes"][key]["name"]
        self.nozzles[key] = (
            8 if "multi" in name or name.startswith("flex_8") else 96 if "96" in name and self.flex else 1
        )

    def on_configureNozzleLayout(self, params: dict[str, Any], result: dict[str, Any]) -> None:
        style = params["configurationParams"]["style"]
        self.nozzles[params["pipetteId"]] = LAYOUTS.get(style, self.nozzles[params["pipetteId"]])

    def on_loadLabware(self, params: dict[str, Any], result: dict[str, Any]) -> None:
        key = params.get("labwareId") or result["labwareId"]
        found = result.get("definition") or self._definition(key, params)
        self.columns[key] = found["ordering"]
        self.capacity[key] = {well: spec["totalLiquidVolume"] for well, spec in found["wells"].items()}
        if found["metadata"].get("displayCategory") == "trash":
            self.trash.add(key)

    def on_loadLiquid(self, params: dict[str, Any], result: dict[str, Any]) -> None:
        for well, volume in params["volumeByWell"].items():
            self.now[params["labwareId"], well] += volume
            self._rise((params["labwareId"], well), volume)

    def on_pickUpTip(self, params: dict[str, Any], result: dict[str, Any]) -> None:
        """A tip on every nozzle under which the rack has one: at the last row of a rack, the first nozzle alone."""
        if self.nozzles[params["pipetteId"]] == 96 and params["wellName"] != "A1":
            self.nozzles[params["pipetteId"]] = 1  # 96 nozzles fit a rack in one way; any other is one nozzle's
        nozzles, rack = self.nozzles[params["pipetteId"]], params["labwareId"]
        if nozzles != 8:
            self.tips[params["pipetteId"]] = [0.0] * nozzles
            return
        column = next(column for column in self.columns[rack] if params["wellName"] in column)
        below = column[column.index(params["wellName"]) :]
        gone = self.gone[rack]
        if below[0] in gone:  # a fresh rack was brought
            gone.clear()
        taken = below[: next((i for i, well in enumerate(below) if well in gone), len(below))]
        gone.update(taken)
        self.tips[params["pipetteId"]] = [0.0] * len(taken)

    def on_dropTip(self, params: dict[str, Any], result: dict[str, Any]) -> None:
        tips = self.tips.pop(params["pipetteId"], [])
        columns = self.columns.get(params.get("labwareId", ""), [])
        column = next((column for column in columns if params["wellName"] in column), None)
        if column is not None:
            first = column.index(params["wellName"])
            self.gone[params["labwareId"]].difference_update(column[first : first + len(tips)])

    on_dropTipInPlace = on_dropTip

    def on_moveToWell(self, params: dict[str, Any], result: dict[str, Any]) -> None:
        self.at[params["pipetteId"]] = (params["labwareId"], params["wellName"])

    on_touchTip = on_moveToWell

    def on_moveToAddressableArea(self, params: dict[str, Any], result: dict[str, Any]) -> None:
        self.at[params["pipetteId"]] = None  # a bin or a chute

    on_moveToAddressableAreaForDropTip = on_moveToAddressableArea

    def on_aspirate(self, params: dict[str, Any], result: dict[str, Any]) -> None:
        self.pour(params, [params["volume"]] * len(self.tips.get(params["pipetteId"], [])))

    on_aspirateInPlace = on_airGapInPlace = on_aspirate

    def on_dispense(self, params: dict[str, Any], result: dict[str, Any]) -> None:
        tips = self.tips.get(params["pipetteId"], [])
        self.pour(params, [-min(params["volume"], held) if self.cuts else -params["volume"] for held in tips])

    on_dispenseInPlace = on_dispense

    def on_blowout(self, params: dict[str, Any], result: dict[str, Any]) -> None:
        self.pour(params, [-held for held in self.tips.get(params["pipetteId"], [])])

    on_blowOutInPlace = on_blowout

    def pour(self, params: dict[str, Any], drawn: list[float]) -> None:
        """Into each tip what it draws out of the well below it."""
        pipette = params["pipetteId"]
        if "labwareId" in params:
            self.at[pipette] = (params["labwareId"], params["wellName"])
        here = self.at.get(pipette)
        for nozzle, volume in enumerate(drawn):
            counted = self.tips[pipette][nozzle]
            self.tips[pipette][nozzle] += volume
            if here is not None and here[0] not in self.trash and volume:
                place = (here[0], self.below(here, nozzle, len(drawn)))
                if not place[1]:
                    continue  # it hangs over nothing
                self._pour_really(pipette, nozzle, place, volume, counted)
                self.now[place] -= volume
                self.lowest[place] = min(self.lowest[place], self.now[place])

    def _pour_really(self, pipette: str, nozzle: int, place: Well, volume: float, counted: float) -> None:
        tips = self.real_tips.setdefault(pipette, [])
        tips += [0.0] * (nozzle + 1 - len(tips))
        tips[nozzle] = min(tips[nozzle], counted)  # a fresh tip is empty
        if volume > 0:
            known = place in self.real_peak
            taken = min(volume, self.real[place]) if known else volume
            self.real[place] -= taken if known else 0.0
            tips[nozzle] += taken
        else:
            given = tips[nozzle] * min(1.0, -volume / counted) if counted else 0.0
            tips[nozzle] -= given
            self._rise(place, given)

    def _rise(self, place: Well, volume: float) -> None:
        self.real[place] += volume
        self.real_peak[place] = max(self.real_peak[place], self.real[place])

    def overflows(self) -> bool:
        """Whether a well is given more than it holds, by commands alone."""
        return any(peak > self.capacity[place[0]].get(place[1], peak) + 1e-6 for place, peak in self.real_peak.items())

    def below(self, place: Well, nozzle: int, nozzles: int) -> str:
        """The well under a nozzle: every 9 mm down the column and along the row, or a trough's one well."""
        labware, well = place
        columns = self.columns[labware]
        start = next(index for index, column in enumerate(columns) if well in column)
        across, down = divmod(nozzle, 8) if nozzles > 1 else (0, 0)
        step = len(columns) // 12 or 1 if nozzles == 96 else 0
        column = columns[start if len(columns) == 1 else start + across * step]
        first = columns[start].index(well)
        if len(column) == 1:
            return column[0]
        row = first + down * (len(column) // 8 or 1)
        return column[row] if row < len(column) else ""

    def _definition(self, key: str, params: dict[str, Any]) -> dict[str, Any]:
        uri = self.tables.get("labware", {}).get(key, {}).get("definitionId")
        uri = uri or f"{params['namespace']}/{params['loadName']}/{params['version']}"
        carried = self.tables.get("labwareDefinitions", {})
        found = carried.get(uri)
        for each in carried.values():  # some files keep them under other keys
            if f"{each['namespace']}/{each['parameters']['loadName']}/{each['version']}" == uri:
                found = found or each
        if found is None:
            file = LIBRARY / uri.split("/")[1] / f"{uri.split('/')[2]}.json"
            found = json.loads(file.read_text("utf-8"))
        return dict(found)
