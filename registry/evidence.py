"""Evidence that `hardware_tests --evidence DIR` wrote: what was shown of a device, where, when and with what."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Known = Literal["declared", "twin", "hardware"]
#: Where `lab registry manifest` looks when nothing else is said, beside the lab file.
FOLDER = "var/evidence"


@dataclass(frozen=True, slots=True)
class Shown:
    """The newest result of one contract on one device in one world."""

    device: str
    contract: str
    world: str
    passed: bool
    at: str
    config_hash: str
    genesislab: str
    serial: str = ""  # of the instrument, as it told it; older lines have none
    firmware: str = ""


class BadEvidence(ValueError):
    """A file of evidence cannot be read; the message says where."""


def read(folder: Path) -> tuple[list[Shown], str]:
    """The newest of each, and the sha256 over all files of evidence; nothing where there is no folder."""
    newest: dict[tuple[str, str, str], Shown] = {}
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.jsonl")):
        data = file.read_bytes()
        digest.update(data)
        for number, line in enumerate(data.splitlines(), 1):
            shown = _shown(f"{file}:{number}", line)
            key = (shown.device, shown.contract, shown.world)
            if key not in newest or newest[key].at <= shown.at:
                newest[key] = shown
    return list(newest.values()), digest.hexdigest()


def _shown(where: str, line: bytes) -> Shown:
    try:
        told: Mapping[str, Any] = json.loads(line)
        if told["schema"] != "lab-evidence/1":
            raise ValueError(f"its schema is {told['schema']!r}, not 'lab-evidence/1'")
        told = {"serial": "", "firmware": "", **told}
        return Shown(**{name: told[name] for name in Shown.__dataclass_fields__})
    except (KeyError, TypeError, ValueError) as error:
        raise BadEvidence(f"{where}: {error}. Take the line out, or run the contracts again") from error


def how_known(evidence: Iterable[Shown]) -> Known:
    """How a device's claims are known: by what was shown of it, all of which must have passed.

    >>> how_known([])
    'declared'
    """
    shown = list(evidence)
    for world, known in (("real", "hardware"), ("twin", "twin")):
        here = [each for each in shown if each.world == world]
        if here and all(each.passed for each in here):
            return "hardware" if known == "hardware" else "twin"
    return "declared"
