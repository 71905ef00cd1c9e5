"""XDL procedures (versions 0.4 to 2) as documents of `lab-protocol/1`: work at the flask, asked of a person by step.

This lab has no reactor, separator, rotary evaporator or filter, so every XDL step becomes an `operator` step that says
what to do with every value of the file, and a `wait` where time passes. A `Repeat` with a number becomes a `repeat`.
Every step gives at least one of ours, whose id carries its number and kind (`s12_Add`). Rules of findings: IMP-001 the
file cannot be read (refuses it); IMP-004 asked of a person; IMP-006 about reagents; IMP-009 about time.

Source of the format: the XDL standard (Cronin group), steps and their attributes; kinds that it does not list are asked
of a person with all their attributes, and named in a finding.
"""

import hashlib
from typing import Any

from protocols.importers.findings import Findings, Imported
from protocols.importers.xdl.read import Element, Procedure, read
from protocols.importers.xdl.words import KNOWN, is_wait, seconds, sentence
from protocols.parse import from_document

#: Repeats of a loop that are written out at most; a person decides about more.
MAX_REPEATS = 1000
MAX_MESSAGE = 1900  # characters; the format takes 2,000
_LOOPS = ("Repeat", "Loop")
_GROUPS = ("Async", "Prep", "Reaction", "Workup", "Purification", "Blueprint")


def import_xdl(data: bytes, name: str) -> Imported:
    """The document of a file's bytes, with all findings; raises `ProtocolError` where it cannot be read.

    A file with several syntheses becomes one protocol, one synthesis after the other.
    """
    found = _Import(Findings())
    procedures = read(data, name)
    for number, procedure in enumerate(procedures, 1):
        found.procedure(procedure, number, len(procedures))
    document: dict[str, Any] = {
        "format": "lab-protocol/1",
        "name": (procedures[0].title or name)[:200],
        "purpose": "Imported from XDL: work at the flask, step by step.",
        "author": {
            "kind": "import", "name": "XDL", "source": name[:200], "source_sha256": hashlib.sha256(data).hexdigest(),
        },
        "materials": found.materials,
        "steps": found.steps,
        "assumptions": found.findings.assumptions,
    }  # fmt: skip
    from_document(document)
    return Imported(document, found.findings.close())


class _Import:
    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.materials: dict[str, Any] = {}
        self.steps: list[dict[str, Any]] = []
        self._number = 0

    def procedure(self, procedure: Procedure, number: int, of: int) -> None:
        """Ready the apparatus and reagents, then every step in order."""
        title = f"Synthesis {number} of {of}: " if of > 1 else ""
        for name, about in procedure.reagents.items():
            self.materials.setdefault(name, about)
        hardware = "; ".join(procedure.hardware) or "as the steps say"
        reagents = "; ".join(procedure.reagents) or "as the steps say"
        text = f"{title}Have ready the apparatus: {hardware}. And the reagents: {reagents}."
        self._ask(self.steps, f"ready{number}", text)
        for element in procedure.steps:
            self._step(element, self.steps)

    def _step(self, element: Element, into: list[dict[str, Any]]) -> None:
        self._number += 1
        name = f"s{self._number}_{element.kind}"[:50]
        if element.kind in _LOOPS and element.children:
            self._loop(element, name, into)
        elif element.kind in _GROUPS or element.children:
            self._group(element, name, into)
        else:
            self._single(element, name, into)

    def _single(self, element: Element, name: str, into: list[dict[str, Any]]) -> None:
        if element.kind not in KNOWN:
            self.findings.note("IMP-004", f"step '{element.kind}' is not of the XDL standard: a person is asked", name)
        lasts = seconds(element.attributes.get("time", ""), element.kind)
        if lasts.assumed:
            self.findings.assume("IMP-009", lasts.assumed, name)
        if is_wait(element) and lasts.value is not None:
            into.append({"id": name, "do": "wait", "for": f"{lasts.value:g} s"})
            return
        begun = " Say so when it has begun; its time is counted." if lasts.value else ""
        self._ask(into, name, sentence(element) + begun)
        if lasts.value:
            into.append({"id": f"{name}.time", "do": "wait", "for": f"{lasts.value:g} s"})

    def _loop(self, element: Element, name: str, into: list[dict[str, Any]]) -> None:
        text = element.attributes.get("repeats", "")
        body: list[dict[str, Any]] = []
        for child in element.children:
            self._step(child, body)
        if text.isdecimal() and text.isascii() and 1 <= int(text[:9]) <= MAX_REPEATS:
            into.append({"id": name, "do": "repeat", "times": int(text), "steps": body})
            return
        self.findings.assume(
            "IMP-004", f"'{element.kind}' without a number of turns: a person decides after each", name
        )
        into += body
        self._ask(into, name, f"The source repeats the steps above ({_said(element)}): do that by hand, then go on.")

    def _group(self, element: Element, name: str, into: list[dict[str, Any]]) -> None:
        """Steps in a section, or beside others: they are done one after the other."""
        what = "beside what follows" if element.kind == "Async" else "as one part"
        if element.kind == "Async":
            self.findings.assume("IMP-009", "what the source does beside other steps is done before them here", name)
        self._ask(into, name, f"Now comes '{element.kind}' ({_said(element)}): the source does these steps {what}.")
        for child in element.children:
            self._step(child, into)

    def _ask(self, into: list[dict[str, Any]], name: str, message: str) -> None:
        while len(message) > MAX_MESSAGE:
            part, message = message[:MAX_MESSAGE], message[MAX_MESSAGE:]
            into.append({"id": f"{name}.part{len(message)}"[:64], "do": "operator", "message": f"{part} ..."})
        into.append({"id": name, "do": "operator", "message": message})


def _said(element: Element) -> str:
    return ", ".join(f"{key} {value}" for key, value in element.attributes.items()) or "no more is said"
