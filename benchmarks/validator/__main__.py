"""`python -m benchmarks.validator`: shape and units of 2,000 steps; every rule on a program of about 5,000 actions."""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labfile import read
from orchestrator.labview import view
from protocols.check import check
from protocols.parse import loads

ROOT = Path(__file__).resolve().parents[2]
REPEATS = 7
STEPS_S, CHECK_S = 0.2, 1.0  # the issue's, for 2,000 steps and for 5,000 actions


def document(steps: int) -> dict[str, Any]:
    """Transfers and mixes of three liquids over two plates."""
    made = []
    for n in range(steps):
        well = f"{'one' if n % 192 < 96 else 'two'}/{'ABCDEFGH'[n % 8]}{n // 8 % 12 + 1}"
        fill = {"id": f"s{n}", "do": "transfer", "source": f"stock/A{n % 3 + 1}", "to": well, "volume": "2 uL"}
        made.append(fill if n % 2 else {"id": f"s{n}", "do": "mix", "wells": "stock/A1", "volume": "20 uL", "times": 8})
    full = {
        well: {"material": name, "volume": "10 mL"} for well, name in (("A1", "acid"), ("A2", "dye"), ("A3", "water"))
    }
    return {
        "format": "lab-protocol/1", "name": "many", "author": {"kind": "agent", "name": "benchmark"},
        "materials": {"acid": {"cas": "7647-01-0", "concentration": "1 mol/L"},
                      "dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}},
        "labware": {
            "stock": {"type": "reservoir_12", "holds": full},
            "one": {"type": "plate_96_flat", "holds": {"A1:H12": {"material": "water", "volume": "50 uL"}}},
            "two": {"type": "plate_96_flat", "holds": {"A1:H12": {"material": "water", "volume": "50 uL"}}},
        },
        "steps": made,
    }  # fmt: skip


def median_s(work: Callable[[], object]) -> float:
    """Median of some repeats, in seconds."""
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    """Print the figures."""
    lab = view(read(ROOT / "lab.toml"))
    many = json.dumps(document(2000)).encode()
    print(f"2,000 steps: read and checked for shape and units in {median_s(lambda: loads(many)):.3f} s "
          f"(asked: under {STEPS_S:g} s)")  # fmt: skip
    source = loads(json.dumps(document(500)).encode())
    checked = check(source, lab)
    assert checked.program is not None, checked.problems
    print(f"{len(checked.program.actions):,} actions: bound, folded and held against every rule in "
          f"{median_s(lambda: check(source, lab)):.3f} s (asked: 5,000 under {CHECK_S:g} s)")  # fmt: skip


if __name__ == "__main__":
    main()
