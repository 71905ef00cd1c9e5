"""`python -m benchmarks.fuzz --seconds 600`: a coverage-guided fuzzer on the validator; no crash, and no hang."""

import argparse
import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOO_LONG_S = 10  # for one input
MEMORY_MIB = 2048
#: atheris keeps some 100 KiB of each input (the validator by itself 5): each round is a process of its own.
ROUND_S = 200
_EXECUTED, _COVERED = re.compile(r"stat::number_of_executed_units:\s*(\d+)"), re.compile(r"cov: (\d+)")


def main() -> None:
    """The command line; inputs that break something are kept in `var/fuzz/`, and how to see them again is said."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("atheris has no build for this machine (it has one for Linux on x86-64): nothing was fuzzed")
        return
    kept = ROOT / "var" / "fuzz"
    kept.mkdir(parents=True, exist_ok=True)
    count, edges = 0, 0
    with tempfile.TemporaryDirectory(prefix="lab-fuzz-") as corpus:  # what one round finds, the next one begins with
        for number, begun_s in enumerate(range(0, asked.seconds, ROUND_S)):
            done = _round(min(ROUND_S, asked.seconds - begun_s), asked.seed + number, kept, corpus)
            count += int(found[1]) if (found := _EXECUTED.search(done.stdout)) else 0
            edges = max([edges, *map(int, _COVERED.findall(done.stdout))])
            if done.returncode:
                print(done.stdout[-4000:])
                print(f"It broke. The input is in {kept}; see it again: python -m benchmarks.fuzz.target <that file>")
                sys.exit(1)
    print(f"{count} inputs in {asked.seconds} s, {edges} edges covered\nno crash, no hang")


def _round(seconds: int, seed: int, kept: Path, corpus: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            sys.executable, "-m", "benchmarks.fuzz.target", corpus, f"-max_total_time={seconds}",
            f"-timeout={TOO_LONG_S}", f"-rss_limit_mb={MEMORY_MIB}", f"-seed={seed}", "-max_len=4096",
            "-print_final_stats=1", f"-artifact_prefix={kept}/",
        ], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
    )  # fmt: skip


if __name__ == "__main__":
    main()
