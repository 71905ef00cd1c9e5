"""The bytes of an XDL file as plain elements. A stranger wrote it: no document types, no entities, bounds."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from protocols.importers.findings import refused
from protocols.importers.text import clean
from protocols.parse import MAX_BYTES

MAX_ELEMENTS, MAX_DEPTH = 20_000, 30
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_SECTIONS = ("Hardware", "Reagents", "Parameters", "Metadata", "Variables")


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its kind, its attributes as clean text, and the elements in it."""

    kind: str
    attributes: Mapping[str, str]
    children: tuple["Element", ...] = ()


@dataclass(frozen=True, slots=True)
class Procedure:
    """One synthesis: apparatus in words, reagents as materials, and its steps."""

    title: str
    hardware: tuple[str, ...]
    reagents: Mapping[str, Mapping[str, str]]
    steps: tuple[Element, ...]


@dataclass(slots=True)
class _Open:
    kind: str
    attributes: dict[str, str]
    children: list[Element] = field(default_factory=list)


def read(data: bytes, name: str) -> list[Procedure]:
    """Every synthesis of a file, at least one; raises `ProtocolError` (IMP-001)."""
    root = _Reader(name).read(data)
    found = [_procedure(element) for element in _syntheses(root)]
    found = [procedure for procedure in found if procedure.steps]
    if not found:
        raise refused(
            "IMP-001", f"{name} holds no XDL procedure", "Give a file with <Synthesis> or <XDL> and its steps."
        )
    return found


class _Reader:
    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0
        self.open: list[_Open] = [_Open("", {})]

    def read(self, data: bytes) -> Element:
        """The root with all that is in it."""
        if len(data) > MAX_BYTES:
            raise refused("IMP-001", f"{self.name} has {len(data)} bytes; at most {MAX_BYTES} are read")
        # Syntheses one after the other, and the processing instruction of XDL, are no XML: one root holds all.
        parser: Any = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = self._forbidden
        try:
            parser.Parse("<all>" + _bare(_decoded(data)) + "</all>", True)
        except (expat.ExpatError, ValueError) as error:
            raise refused("IMP-001", f"{self.name} is no XML: {error}") from error
        return self.open[0].children[0]

    def _forbidden(self, *_: Any) -> None:
        raise refused("IMP-001", f"{self.name} has a document type or entities; these are not read")

    def _start(self, kind: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > MAX_ELEMENTS or len(self.open) > MAX_DEPTH:
            bounds = f"more than {MAX_ELEMENTS} elements, or more than {MAX_DEPTH} deep"
            raise refused("IMP-001", f"{self.name} has {bounds}")
        if not _KIND.fullmatch(kind):
            raise refused("IMP-001", f"{self.name}: an element has a name that no step has")
        self.open.append(_Open(kind, {clean(key): clean(value) for key, value in attributes.items()}))

    def _end(self, _: str) -> None:
        last = self.open.pop()
        self.open[-1].children.append(Element(last.kind, last.attributes, tuple(last.children)))


def _decoded(data: bytes) -> str:
    """UTF-8, or where it is not, Latin-1: old files say so in their first line, or nowhere."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _bare(text: str) -> str:
    """Without the first lines that say what the file is."""
    text = text.lstrip()
    while text.startswith("<?") and "?>" in text:
        text = text[text.index("?>") + 2 :].lstrip()
    return text


def _syntheses(root: Element) -> Iterator[Element]:
    for element in root.children:
        if element.kind == "Synthesis":
            yield element
        elif any(child.kind == "Synthesis" for child in element.children):
            yield from _syntheses(element)
        elif element.kind in ("XDL", "Procedure"):
            yield element


def _procedure(element: Element) -> Procedure:
    parts = {child.kind: child for child in element.children}
    hardware = tuple(_component(part) for part in parts["Hardware"].children) if "Hardware" in parts else ()
    reagents: dict[str, Mapping[str, str]] = {}
    for part in parts["Reagents"].children if "Reagents" in parts else ():
        name = part.attributes.get("name") or part.attributes.get("id")
        if name:
            reagents[name[:100]] = _material(part)
    steps = tuple(child for part in element.children if part.kind not in _SECTIONS for child in _steps(part))
    metadata = parts.get("Metadata")
    title = element.attributes.get("name") or (metadata.attributes.get("description", "") if metadata else "")
    return Procedure(title, hardware, reagents, steps if element.kind != "Procedure" else element.children)


def _steps(part: Element) -> tuple[Element, ...]:
    return part.children if part.kind == "Procedure" else (part,)


def _component(part: Element) -> str:
    more = [value for key, value in part.attributes.items() if key != "id"]
    return " ".join((part.attributes.get("id", part.kind), f"({', '.join(more)})" if more else "")).strip()


def _material(part: Element) -> dict[str, str]:
    cas = part.attributes.get("cas", "")
    return {"cas": cas} if re.fullmatch(r"\d{2,7}-\d{2}-\d", cas, re.ASCII) else {}
