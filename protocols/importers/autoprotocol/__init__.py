"""Autoprotocol JSON as documents of `lab-protocol/1`, instruction by instruction, in order.

What this lab has a device for becomes a step of ours (pipetting between plates, sealing, absorbance); all else becomes
an `operator` step with every value of the file. Each instruction gives at least one step, whose id carries its number
and name (`s3_provision`). Rules of findings: IMP-001 the file cannot be read (refuses it); IMP-004 asked of a person;
IMP-006 about liquids; IMP-009 about time. Source of the format: autoprotocol.org, instructions of version 10.
"""

import hashlib
from typing import Any

from protocols.importers.autoprotocol.liquids import Liquids
from protocols.importers.autoprotocol.read import File, Instruction, read
from protocols.importers.autoprotocol.values import Unreadable, quantity, words
from protocols.importers.findings import Findings, Imported
from protocols.parse import from_document

MAX_MESSAGE = 1900
#: Instruction -> the key under which it names its container, for those that are a step of ours.
_SEALS = {"seal": "seal", "unseal": "peel"}
_LIDS = {"cover": "on", "uncover": "off"}


def import_autoprotocol(data: bytes, name: str) -> Imported:
    """The document of a file's bytes, with all findings; raises `ProtocolError` where it cannot be read."""
    file = read(data, name)
    found = _Import(file)
    for instruction in file.instructions:
        found.add(instruction)
    document: dict[str, Any] = {
        "format": "lab-protocol/1",
        "name": name[:200],
        "purpose": "Imported from Autoprotocol.",
        "author": {
            "kind": "import", "name": "Autoprotocol", "source": name[:200],
            "source_sha256": hashlib.sha256(data).hexdigest(),
        },
        "materials": found.liquids.materials,
        "labware": found.liquids.labware(),
        "steps": found.steps,
        "assumptions": found.findings.assumptions,
    }  # fmt: skip
    from_document(document)
    return Imported(document, found.findings.close())


class _Import:
    def __init__(self, file: File) -> None:
        self.findings, self.steps = Findings(), list[dict[str, Any]]()
        self.liquids = Liquids(file.containers, self.findings)
        self.containers = file.containers
        self._ready()

    def add(self, instruction: Instruction) -> None:
        """One instruction: as a step of ours, or where that cannot be, as a task for a person."""
        name = f"s{instruction.number}_{instruction.op}"[:50]
        try:
            steps = self._steps(name, instruction)
        except Unreadable as error:
            self.findings.note("IMP-004", f"{error}: a person is asked", name)
            steps = None
        if steps:
            self.steps += steps
        else:
            self._ask(name, f"Do '{instruction.op}': {words(instruction.values)}.")

    def _steps(self, name: str, instruction: Instruction) -> list[dict[str, Any]] | None:
        op, values = instruction.op, instruction.values
        known = self.liquids.known(values.get("object"))
        if op == "pipette":
            return self.liquids.groups(name, values.get("groups"))
        if op in ("transfer", "distribute", "consolidate", "mix"):
            return self.liquids.groups(name, [{op: values}])
        if op in _SEALS and known:
            return [{"id": name, "do": _SEALS[op], "labware": known}]
        if op in _LIDS and known:
            return [{"id": name, "do": "lid", "labware": known, "put": _LIDS[op]}]
        if op == "spin" and known and "acceleration" in values:
            force = quantity(values["acceleration"], "acceleration")
            return [{"id": name, "do": "centrifuge", "labware": known, "force": force,
                     "for": quantity(values.get("duration"), "time")}]  # fmt: skip
        if op == "absorbance" and known:
            return [self._absorbance(name, known, values)]
        if op == "incubate":
            return self._incubate(name, values)
        return None

    def _absorbance(self, name: str, labware: str, values: dict[str, Any]) -> dict[str, Any]:
        wavelengths = values.get("wavelength")
        listed = wavelengths if isinstance(wavelengths, list) else [wavelengths]
        wells = self.liquids.wells_of(labware, values.get("wells"))
        return {"id": name, "do": "measure", "kind": "absorbance", "labware": labware, "wells": wells,
                "wavelengths": [quantity(each, "wavelength") for each in listed]}  # fmt: skip

    def _incubate(self, name: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        """At the place that the source names (`warm_37`, `cold_4`): a person carries it, and the time is counted."""
        lasts = quantity(values.get("duration"), "time")
        self._ask(name, f"Incubate: {words(values)}. Say so when it has begun; its time is counted.")
        return [{"id": f"{name}.time", "do": "wait", "for": lasts}]

    def _ready(self) -> None:
        new = [f"{name} ({container.kind})" for name, container in self.containers.items()]
        self._ask("ready", f"Have ready: {'; '.join(new) or 'what the steps say'}.")

    def _ask(self, name: str, message: str) -> None:
        parts = [message[n : n + MAX_MESSAGE] for n in range(0, len(message), MAX_MESSAGE)]
        for number, part in enumerate(parts, 1):
            more = number < len(parts)
            step = {"id": f"{name}.part{number}" if more else name, "do": "operator"}
            self.steps.append({**step, "message": part + (" ..." if more else "")})
