"""A bare process beside the lab: it sleeps, and syncs a file, and tells when either took too long.

What holds it up holds up the lab as well. While the machine has cores to spare that is not of the lab's making; under a
load that takes all of them it waits for its turn like everybody.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STEP_S = 0.005
LATE_S = 0.01  # what counts as held up


@dataclass(frozen=True, slots=True)
class Stall:
    """From when to when, s since 1970."""

    began: float
    ended: float

    def meets(self, ended: float, lasted_ms: float) -> bool:
        """Whether it was in what ended then, and took so long."""
        return self.began < ended and ended - lasted_ms / 1e3 < self.ended


@contextmanager
def watched(folder: Path) -> Iterator[list[Stall]]:
    """The stalls of the machine while the block lasts, as a bare process saw them that syncs a file in `folder`."""
    found: list[Stall] = []
    command = [sys.executable, "-m", "benchmarks.interface.machine", str(folder)]
    witness = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield found
    finally:
        told, _ = witness.communicate("\n")
        found += [Stall(*each) for each in json.loads(told)]


def main(folder: Path) -> None:
    """Until standard input says something."""
    os.set_blocking(sys.stdin.fileno(), False)
    stalls: list[tuple[float, float]] = []
    with (folder / "witness").open("wb", buffering=0) as file:
        while not sys.stdin.read(1):
            began = time.time()
            time.sleep(STEP_S)
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            if time.time() - began > STEP_S + LATE_S:
                stalls.append((began, time.time()))
    print(json.dumps(stalls))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
