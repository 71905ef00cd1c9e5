"""The command: every protocol below a folder, what became of it, and the shares."""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.imports.ledger import Volumes
from labfile import read
from orchestrator.labview import view
from protocols.check import check
from protocols.importers.findings import Imported
from protocols.importers.opentrons import import_file, import_opentrons
from protocols.importers.opentrons.python.analysis import source_file
from protocols.importers.opentrons.python.bundle import Bundle, read_bundle
from protocols.importers.opentrons.python.jailed import Analysis, outcomes
from protocols.importers.opentrons.read import ROBOTS, SCHEMAS
from protocols.ledger import fold
from protocols.parse import from_document
from protocols.problems import ProtocolError, blocking

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE_UL = 1e-4
CHUNK = 40  # programs that share one start of `opentrons`
LAB = view(read(ROOT / "lab.toml"))


@dataclass(frozen=True)
class Verdict:
    """What became of one file.

    valid, overflows (by its own commands), invalid, refused, other volumes, or not simulated (by its own tool).
    """

    file: Path
    kind: str
    end: str
    why: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--sample", type=int, help="so many Python protocols, drawn by --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbose", action="store_true", help="every file that is not valid")
    options = parser.parse_args()
    programs = sorted(p for folder in options.folders for p in folder.rglob("*.py") if b"apiLevel" in p.read_bytes())
    if options.sample:
        programs = random.Random(options.seed).sample(programs, min(options.sample, len(programs)))
    files = sorted(p for folder in options.folders for p in folder.rglob("*.json") if _is_protocol(p))
    start = time.monotonic()
    verdicts = _json_files(files) + _python_files(programs)
    for verdict in verdicts:
        if options.verbose and verdict.end != "valid":
            print(f"{verdict.file}: {verdict.end}: {verdict.why}")
    for kind in ("json", "py"):
        _tell(kind, [verdict for verdict in verdicts if verdict.kind == kind])
    print(f"{time.monotonic() - start:.0f} s")
    return 0


def _is_protocol(file: Path) -> bool:
    try:
        found = json.loads(file.read_bytes())
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("schemaVersion") in SCHEMAS and "commands" in found


def _analysed(files: list[Path]) -> Iterator[tuple[Path, Bundle, Analysis | str]]:
    """What `opentrons` itself finds in each file."""
    for first in range(0, len(files), CHUNK):
        part = files[first : first + CHUNK]
        bundles = [
            read_bundle(file, {}) if file.suffix == ".py" else Bundle(file.name, file.read_bytes()) for file in part
        ]
        yield from zip(part, bundles, outcomes(bundles), strict=True)
        print(f"\r{first + len(part)}/{len(files)}", end="", file=sys.stderr)


def _python_files(files: list[Path]) -> list[Verdict]:
    """A verdict on each program that `opentrons` can simulate."""
    return [
        _python(file, bundle, found) if not (why := _refusal(bundle, found)) and isinstance(found, Analysis)
        else Verdict(file, "py", "not simulated", why)
        for file, bundle, found in _analysed(files)
    ]  # fmt: skip


def _json_files(files: list[Path]) -> list[Verdict]:
    """A verdict on each file; one that is not valid here is put to `opentrons` as well."""
    verdicts = {file: _json(file) for file in files}
    for file, bundle, found in _analysed([file for file, verdict in verdicts.items() if verdict.end != "valid"]):
        if why := _refusal(bundle, found):
            verdicts[file] = Verdict(file, "json", "not simulated", f"{why} (here: {verdicts[file].why})")
    return list(verdicts.values())


def _python(file: Path, bundle: Bundle, found: Analysis) -> Verdict:
    try:
        source = source_file(bundle, found)
        imported = import_file(source, bundle.assumptions())
    except ProtocolError as error:
        return Verdict(file, "py", "refused", str(error.problems[0]))
    commands = [{"commandType": c.kind, "params": c.params, "result": c.result} for c in source.commands]
    return _judged(file, "py", imported, Volumes(commands, {}, source.flex, source.cuts))


def _refusal(bundle: Bundle, found: Analysis | str) -> str:
    """Why `opentrons` does not simulate a file; empty where it does."""
    if isinstance(found, str):
        return found
    try:
        source_file(bundle, found)
    except ProtocolError as error:
        return error.problems[0].message
    return ""


def _json(file: Path) -> Verdict:
    data = file.read_bytes()
    try:
        imported = import_opentrons(data, file.name)
    except ProtocolError as error:
        return Verdict(file, "json", "refused", str(error.problems[0]))
    source = json.loads(data)
    return _judged(file, "json", imported, Volumes(source["commands"], source, ROBOTS[source["robot"]["model"]]))


def _judged(file: Path, kind: str, imported: Imported, volumes: Volumes) -> Verdict:
    checked = check(from_document(imported.document), LAB)
    if problems := blocking(checked.problems):
        spilt = any(problem.rule == "LIQ-003" for problem in problems) and volumes.overflows()
        return Verdict(file, kind, "overflows" if spilt else "invalid", "; ".join(map(str, problems[:3])))
    assert checked.program is not None
    ours = _volumes(fold(checked.program)[0].end_state(checked.program)["labware"])
    off = {place: (ours.get(place, 0.0), volume) for place, volume in volumes.end.items()}
    off |= {place: (volume, 0.0) for place, volume in ours.items() if place not in off}
    wrong = {place: pair for place, pair in off.items() if abs(pair[0] - pair[1]) > TOLERANCE_UL}
    if wrong:
        place, (mine, theirs) = next(iter(wrong.items()))
        return Verdict(file, kind, "other volumes", f"{len(wrong)} wells, as {place}: {mine:g} uL, not {theirs:g}")
    return Verdict(file, kind, "valid")


def _volumes(labware: dict[str, Any]) -> dict[tuple[str, str], float]:
    return {(name, well): held["volume_ul"] for name, item in labware.items() for well, held in item["wells"].items()}


def _tell(kind: str, verdicts: list[Verdict]) -> None:
    ends = Counter(verdict.end for verdict in verdicts)
    asked = len(verdicts) - ends["not simulated"]
    if verdicts:
        shares = ", ".join(f"{count} {end}" for end, count in ends.most_common())
        print(f"{kind}: {len(verdicts)} files: {shares}; valid with equal volumes: {ends['valid']} of {asked} = "
              f"{ends['valid'] / max(asked, 1):.1%}; or shown to overflow by their own commands: "
              f"{(ends['valid'] + ends['overflows']) / max(asked, 1):.1%}")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
