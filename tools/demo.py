"""`make demo`: an agent's protocol from file to checked result on the twin, told step by step."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAB = str(Path(sys.executable).with_name("lab"))
PROTOCOL = "protocols/library/dye_calibration.yaml"
#: The demo's twin draws its errors from this seed; the dry run has another, so that predicted and came differ.
SEED = "7"
SPEED = "1500"  # simulated seconds a second, so that the bar can be watched


def lab(*arguments: str) -> None:
    """Run one verb and show it as one would type it."""
    print(f"\n$ lab {' '.join(arguments)}", flush=True)
    code = subprocess.run([LAB, *arguments], cwd=ROOT, check=False).returncode
    if code:
        sys.exit(code)


def main() -> None:
    """The lab, the agent's protocol, and a protocol from outside where one is at hand."""
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
