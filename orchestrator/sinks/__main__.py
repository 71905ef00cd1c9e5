"""Send runs again to the sinks of a lab file: `python -m orchestrator.sinks [--lab lab.toml] FOLDER...`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from labfile import LabFileError, read
from orchestrator.sinks.configured import far_sinks
from orchestrator.sinks.replay import replay
from orchestrator.sinks.sink import Sink


async def _send(folders: Sequence[Path], sinks: Sequence[Sink], patience_s: float) -> list[str]:
    for folder in folders:
        for sink in sinks:
            print(f"{folder}: {await replay(folder, sink)} documents to {sink.name}")
    await asyncio.gather(*(sink.close(patience_s) for sink in sinks))
    return [sink.problem for sink in sinks if sink.problem]


def main() -> int:
    """Exit code 0 when everything was taken, 3 when a server did not take it, 4 when something cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m orchestrator.sinks", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a run's folder, such as runs/<run id>")
    parser.add_argument("--lab", type=Path, default=Path("lab.toml"))
    parser.add_argument("--patience", type=float, default=120.0, metavar="SECONDS", help="how long a server may take")
    asked = parser.parse_args()
    try:
        sinks = far_sinks(read(asked.lab))
        if not sinks:
            raise ValueError(f"{asked.lab} names no server - write tiled or mqtt under [sinks]")
        problems = asyncio.run(_send(asked.folders, sinks, asked.patience))
    except (LabFileError, OSError, ValueError, ImportError) as error:
        print(error, file=sys.stderr)
        return 4
    print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    return 3 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
