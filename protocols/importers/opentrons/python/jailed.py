"""Strangers' programs, analysed in an environment and a process of their own that can do next to nothing else.

What holds them is in `inside/jail.py`; this is the side that stays outside. Nothing that comes back is trusted.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protocols.importers.findings import refused
from protocols.importers.opentrons.python.bundle import Bundle

HERE = Path(__file__).parent
PYTHON = Path(sys.prefix) / "opentrons" / "bin" / "python"  # what tools/setup_opentrons.sh makes
CPU_S = 120  # of one program; it may take twice as long by the wall
START_S = 120
ANALYSIS_BYTES = 60_000_000
_HINT = (
    f"Run `make opentrons`, or: {sys.executable} -m venv {PYTHON.parents[1]} && {PYTHON} -m pip install "
    f"--constraint {HERE / 'constraints.txt'} opentrons landlock pyseccomp"
)
_ENDS = {
    "time": f"it ran for more than {CPU_S} s of computing time, or twice as long by the wall",
    "size": "it wrote too much",
    "error": "it ended without an analysis",
}


@dataclass(frozen=True, slots=True)
class Analysis:
    """What `opentrons` found: its own analysis, the facts it leaves out (by command id), and what held the program."""

    result: Mapping[str, Any]
    facts: Mapping[str, Any]
    held: tuple[str, ...]


def available() -> bool:
    """Whether the environment for Python protocols is there."""
    return PYTHON.is_file()


def analyses(bundles: Sequence[Bundle], cpu_s: int = CPU_S) -> Iterator[Analysis]:
    """The analysis of each program; raises `ProtocolError` (IMP-001) for the first that has none."""
    for bundle, found in zip(bundles, outcomes(bundles, cpu_s), strict=True):
        if isinstance(found, str):
            raise refused("IMP-001", f"{bundle.name}: {found}")
        yield found


def outcomes(bundles: Sequence[Bundle], cpu_s: int = CPU_S) -> Iterator[Analysis | str]:
    """The analysis of each program, or in words why there is none; each comes when it is ready."""
    if not available():
        raise refused("IMP-001", "Python protocols are analysed by `opentrons`, which is not installed", _HINT)
    with tempfile.TemporaryDirectory(prefix="lab-import-") as root:
        folders = [_folder(Path(root) / str(number), bundle) for number, bundle in enumerate(bundles)]
        (Path(root) / "robot").mkdir()
        environment = {"OT_API_CONFIG_DIR": f"{root}/robot", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        command = [str(PYTHON), "-s", "-P", "-B", str(HERE / "inside" / "jail.py"), str(cpu_s), *map(str, folders)]
        with (
            (Path(root) / "said").open("w+b") as said,
            subprocess.Popen(  # noqa: S603
                command, env=environment, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
            ) as jail,
        ):
            try:
                for folder in folders:
                    yield _outcome(folder, jail.stdout.readline() if jail.stdout else b"", said.name)
            finally:
                jail.kill()


def _folder(folder: Path, bundle: Bundle) -> Path:
    """A folder with the program and what it needs, under names of ours."""
    folder.mkdir()
    files = {f"protocol{'.json' if bundle.name.endswith('.json') else '.py'}": bundle.program}
    files |= {f"labware_{number}.json": data for number, data in enumerate(bundle.labware.values())}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    request = {"files": list(files), "values": dict(bundle.values), "parameters": dict(bundle.parameters)}
    (folder / "request.json").write_text(json.dumps(request), "utf-8")
    return folder


def _outcome(folder: Path, line: bytes, said: str) -> Analysis | str:
    try:
        told = json.loads(line)
    except ValueError:
        words = " ".join(Path(said).read_text("utf-8", "replace").split())[-500:]
        return f"the environment of `opentrons` does not start: {words}"
    if told["end"] == "unheld":
        words = " ".join(Path(said).read_text("utf-8", "replace").split())[-500:]
        return f"this machine cannot hold a stranger's program (Linux with Landlock and seccomp can): {words}"
    if told["end"] != "ok":
        return _ENDS.get(told["end"], f"it was ended by {told['end']}")
    refusal = folder / "refused.txt"
    if refusal.exists():
        return f"`opentrons` refuses it: {_text(refusal)[:500]}"
    try:
        result, facts = json.loads(_text(folder / "analysis.json")), json.loads(_text(folder / "facts.json"))
        if not isinstance(result, dict) or not isinstance(facts, dict):
            raise ValueError("it is no table")
    except (OSError, ValueError, RecursionError) as error:
        return f"its analysis cannot be read: {error}"
    return Analysis(result, facts, tuple(told["held"]))


def _text(path: Path) -> str:
    """A file that the program could have written: a plain one, and not too large."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), encoding="utf-8", errors="replace") as file:
        text = file.read(ANALYSIS_BYTES + 1)
    if len(text) > ANALYSIS_BYTES:
        raise ValueError(f"it has more than {ANALYSIS_BYTES} characters")
    return text
