"""`make demo`: an agent's protocol from file to checked result on the twin, told step by step."""

import os
import sys
import tempfile
from pathlib import Path

from cli.main import main as run_lab

ROOT = Path(__file__).resolve().parents[1]
PROTOCOL = "protocols/library/dye_calibration.yaml"
#: The demo's twin draws its errors from this seed; the dry run has another, so that predicted and came differ.
SEED = "7"
SPEED = "1500"  # simulated seconds a second, so that the bar can be watched


def lab(*arguments: str) -> None:
    """Run one verb in this process and show it as one would type it."""
    print(f"\n$ lab {' '.join(arguments)}", flush=True)
    try:
        run_lab(list(arguments))
    except SystemExit as ended:
        if ended.code:
            raise


def main() -> None:
    """The lab, the agent's protocol, and a protocol from outside where one is at hand."""
    os.chdir(ROOT)
    lab("check")
    lab("validate", PROTOCOL)
    lab("simulate", PROTOCOL)
    lab("run", PROTOCOL, "--twin", "--seed", SEED, "--speed", SPEED)
    for outside in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            imported = str(Path(folder) / "imported.yaml")
            lab("import", outside, "--from", "opentrons", "--out", imported)
            lab("run", imported, "--twin", "--seed", SEED)


if __name__ == "__main__":
    main()
