"""What the fuzzer calls, again and again, in a process of its own: bytes become a protocol, and it is checked.

Refusal is fine (`ProtocolError`); any other exception, and anything that takes longer than the limit, is a finding.
"""

import copy
import json
import sys
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["protocols", "drivers.core"]):
    from benchmarks.fuzz.corpus import corpus, good
    from labfile import read
    from orchestrator.labview import view
    from protocols.check import check, everything
    from protocols.parse import loads
    from protocols.problems import ProtocolError
    from protocols.program import Program

ROOT = Path(__file__).resolve().parents[2]
LAB = view(read(ROOT / "lab.toml"))
MAX_PLACES = 3000  # of a document that is changed: parts put into parts grow fast
WORDS = [
    "plate", "stock/A1", "plate/A1:H12", "trash/A1", "50 uL", "0.1 nL", "1e9 L", "37 degC", "-300 degC", "1 s",
    "1e308 d", "600 rpm", "504 nm", "read", "fill", "off", "hotel", "water", "dye", "", "\u202e", "x" * 300,
    "repeat", "for_each", "parallel", "if", "transfer", "pipette", {"param": "volume"}, {"param": []}, [], {}, None,
    True, 0, -1, 10**30, 1e308, [[]], {"material": "dye", "volume": "1 mL"}, {"act": "pick_up"}, {"act": "drop"},
]  # fmt: skip


def places(part: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a document."""
    keys: Any = part.keys() if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
    return [path, *(below for key in keys for below in places(part[key], (*path, key)))]


SEEDS = [seed for seed in (good(), *(bad.document for bad in corpus() if isinstance(bad.document, dict)))
         if len(places(seed)) < MAX_PLACES]  # fmt: skip


def changed(data: Any) -> Any:
    """A document of the corpus, with some of its places changed."""
    document = copy.deepcopy(SEEDS[data.ConsumeIntInRange(0, len(SEEDS) - 1)])
    for _ in range(data.ConsumeIntInRange(1, 6)):
        paths = places(document)[1:]
        if not paths or len(paths) > MAX_PLACES:
            break
        path = paths[data.ConsumeIntInRange(0, len(paths) - 1)]
        place = document
        for part in path[:-1]:
            place = place[part]
        match data.ConsumeIntInRange(0, 5):
            case 0 | 1:
                place[path[-1]] = copy.deepcopy(WORDS[data.ConsumeIntInRange(0, len(WORDS) - 1)])
            case 2:
                place[path[-1]] = data.ConsumeUnicode(12)
            case 3:
                place[path[-1]] = copy.deepcopy(_at(document, paths[data.ConsumeIntInRange(0, len(paths) - 1)]))
            case 4:
                del place[path[-1]]
            case _:
                place[path[-1]] = data.ConsumeFloat()
    return document


def _at(document: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        document = document[part]
    return document


def one(raw: bytes) -> None:
    """One input: as it is, or as changes of a document."""
    data = atheris.FuzzedDataProvider(raw)
    if data.ConsumeIntInRange(0, 3) == 0:
        text = data.ConsumeBytes(4096)
    else:
        text = json.dumps(changed(data)).encode("utf-8", "surrogatepass")
    try:
        source = loads(text)
    except ProtocolError as error:
        everything(error, LAB)
        return
    checked = check(source, LAB)
    assert checked.problems or checked.program is not None
    if checked.program is not None:
        assert Program.from_json(checked.program.as_json()) == checked.program


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
