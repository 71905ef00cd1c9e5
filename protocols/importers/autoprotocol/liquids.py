"""Pipetting of Autoprotocol as steps of ours, between containers that this lab has labware for."""

from collections.abc import Mapping
from typing import Any

from drivers.core.labware import kind
from protocols.importers.autoprotocol.read import Container, well_of
from protocols.importers.autoprotocol.values import Unreadable, quantity
from protocols.importers.findings import Findings
from protocols.wells import row_letters

#: Container type -> our labware; a container of another type is handled by a person.
_KINDS = {
    "96-flat": "plate_96_flat", "96-flat-uv": "plate_96_flat", "96-flat-clear-clear-tc": "plate_96_flat",
    "96-pcr": "plate_96_pcr", "96-deep": "plate_96_deep", "96-deep-kf": "plate_96_deep", "384-flat": "plate_384_flat",
    "384-flat-white-white-lv": "plate_384_flat", "6-flat": "plate_6_flat", "6-flat-tc": "plate_6_flat",
}  # fmt: skip


class Liquids:
    """Turns groups of pipetting into steps; remembers which wells were drawn from before anything came into them."""

    def __init__(self, containers: Mapping[str, Container], findings: Findings) -> None:
        self.findings = findings
        self.materials: dict[str, Any] = {}
        self._kinds = {name: _KINDS[found.kind] for name, found in containers.items() if found.kind in _KINDS}
        self._filled: set[str] = set()
        self._holds: dict[str, dict[str, str]] = {}
        self._used: set[str] = set()

    def known(self, name: Any) -> str | None:
        """The container, if this lab has labware for it."""
        if isinstance(name, str) and name in self._kinds:
            self._used.add(name)
            return name
        return None

    def labware(self) -> dict[str, Any]:
        """The labware that steps use, with what it must hold at the start."""
        return {
            name: {"type": self._kinds[name]} | ({"holds": self._holds[name]} if name in self._holds else {})
            for name in self._kinds if name in self._used
        }  # fmt: skip

    def wells_of(self, labware: str, wells: Any) -> str:
        """Wells of one container by their names, such as `A1,B1`."""
        listed = wells if isinstance(wells, list) else [wells]
        names = [self._name(labware, str(well).rpartition("/")[2]) for well in listed]
        return ",".join(dict.fromkeys(names))

    def groups(self, name: str, groups: Any) -> list[dict[str, Any]] | None:
        """The steps of some groups; None where a container is not known here (a person does all of them)."""
        moves: list[tuple[str, str, str, int]] = []  # from, to, volume, mixes; `mix` has both the same
        for group in groups if isinstance(groups, list) else ():
            moves += self._moves(group)
        if not moves:
            return None
        addresses = [address for source, to, _, _ in moves for address in (source, to)]
        if any(not address for address in addresses):
            return None
        return [self._step(f"{name}.{number}", *move) for number, move in enumerate(moves, 1)]

    def _moves(self, group: Any) -> list[tuple[str, str, str, int]]:
        if not isinstance(group, dict):
            raise Unreadable("a group of pipetting is no table")
        found: list[tuple[str, str, str, int]] = []
        for kind_, values in group.items():
            for one in values if isinstance(values, list) else [values]:
                if not isinstance(one, dict):
                    raise Unreadable(f"a '{kind_}' is no table")
                if kind_ == "mix":
                    well = self._address(one.get("well"))
                    found.append((well, well, quantity(one.get("volume"), "volume"), _count(one.get("repetitions", 1))))
                elif kind_ == "distribute" and isinstance(one.get("to"), list):
                    source = self._address(one.get("from"))
                    found += [(source, self._address(to.get("well")), quantity(to.get("volume"), "volume"), 0)
                              for to in one["to"] if isinstance(to, dict)]  # fmt: skip
                elif kind_ == "consolidate" and isinstance(one.get("from"), list):
                    target = self._address(one.get("to"))
                    found += [(self._address(each.get("well")), target, quantity(each.get("volume"), "volume"), 0)
                              for each in one["from"] if isinstance(each, dict)]  # fmt: skip
                elif kind_ == "transfer":
                    found.append((self._address(one.get("from")), self._address(one.get("to")),
                                  quantity(one.get("volume"), "volume"), 0))  # fmt: skip
                else:
                    raise Unreadable(f"a group '{str(kind_)[:40]}' is not known")
        return found

    def _step(self, name: str, source: str, to: str, volume: str, mixes: int) -> dict[str, Any]:
        self._draw(source)
        self._filled.add(to)
        if mixes:
            return {"id": name, "do": "mix", "wells": to, "volume": volume, "times": mixes}
        return {"id": name, "do": "transfer", "source": source, "to": to, "volume": volume}

    def _draw(self, address: str) -> None:
        labware, _, well = address.rpartition("/")
        if address in self._filled:
            return
        self._filled.add(address)
        material = f"contents of {labware}"[:100]
        self.materials.setdefault(material, {})
        self._holds.setdefault(labware, {})[well] = material
        text = f"what {labware} holds at the start is not known: wells that are drawn from are filled by hand"
        self.findings.assume("IMP-006", text)

    def _address(self, text: Any) -> str:
        """A well of ours, or nothing where the container is not known here."""
        found = well_of(text)
        if found is None or self.known(found[0]) is None:
            return ""
        return f"{found[0]}/{self._name(*found)}"

    def _name(self, labware: str, index: str) -> str:
        if not index.isdecimal():
            return index.upper()
        shape = kind(self._kinds[labware])
        row, column = divmod(int(index), len(shape.columns))  # counted along the rows
        name = f"{row_letters(row)}{column + 1}"
        if name not in shape.wells:
            raise Unreadable(f"{labware} has no well {index}")
        return name


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 50:
        raise Unreadable(f"{str(value)[:20]!r} is no number of repetitions (1 to 50)")
    return value
