"""The command: the matrix, and what is wrong in it."""

import argparse
import logging
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

from benchmarks.faults.matrix import GOOD, cell
from benchmarks.faults.stories import STORIES
from labfile import read
from sim_lab.faults.catalogue import COMMS

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--device", action="append", default=[])
    parser.add_argument("--occasions", type=int, default=60, help="at most so many messages of each story")
    parser.add_argument("--step", type=int, default=1, help="only each so-many-th message of a story")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)  # libraries tell of every byte they cannot read
    lab = read(ROOT / "lab.toml")
    devices = options.device or [name for name, entry in lab.devices.items() if entry.driver in STORIES]
    print("| fault | " + " | ".join(devices) + " |\n| --- |" + " --- |" * len(devices), flush=True)
    began, wrong, runs = time.monotonic(), 0, 0
    for fault in COMMS:
        row = []
        for device in devices:
            outcomes = cell(lab, device, fault, options.occasions, options.step)
            counts = Counter(outcome.kind for outcome in outcomes)
            row.append(", ".join(f"{counts[kind]} {kind}" for kind in sorted(counts, reverse=True)) or "-")
            runs += len(outcomes)
            for outcome in outcomes:
                if outcome.kind not in GOOD:
                    wrong += 1
                    print(f"{device}, {fault}: {outcome.kind}: {outcome.told}", file=sys.stderr)
        print(f"| {fault} | " + " | ".join(row) + " |", flush=True)
    print(f"\n{runs} runs, {wrong} wrong, {time.monotonic() - began:.0f} s", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
