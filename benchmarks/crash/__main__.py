"""`make crash`: a worker is killed at so many points; after each, nothing may be lost, repeated or left hanging."""

import argparse
import json
import logging
import random
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.crash import twin
from benchmarks.crash.trial import Trial, try_once
from drivers.core.driver import installed
from labfile import read
from orchestrator.labview import view
from protocols.check import check
from protocols.parse import read as read_protocol
from protocols.program import Program
from sim_lab.session import twin_class

ROOT = Path(__file__).resolve().parents[2]
LAB, PROTOCOL = ROOT / "lab.toml", ROOT / "benchmarks/crash/protocol.yaml"
REFERENCES = 6  # undisturbed runs that are tried, until one is undisturbed
BY_CLOCK = 0.2  # share of the kills that come at any moment, not at a counted point
TWICE = 0.2  # share of the trials in which the worker that takes over is killed too
EARLY = 120  # points within which it is: taking over and settling pass about so many


@dataclass(frozen=True, slots=True)
class Verdict:
    """One kill, judged."""

    point: str
    ended: str
    killed: bool
    repeated: tuple[str, ...]
    missing: tuple[str, ...]
    lost: int
    person: bool
    settled: tuple[str, ...]
    note: str

    @property
    def ok(self) -> bool:
        """Nothing repeated, nothing lost, and the run ended or waits for a person.

        Undisturbed it may fail where the machine is too busy for the device's time-outs: the figures tell how often.
        """
        whole = self.ended != "completed" or not self.missing
        return (
            not self.repeated
            and not self.lost
            and whole
            and (self.ended in ("completed", "aborted", "person") or (self.ended == "failed" and not self.killed))
        )


def judge(point: str, trial: Trial, reference: Trial) -> Verdict:
    """What one trial shows, against an undisturbed run."""
    repeated = tuple(str(effect) for effect in trial.repeated(reference))
    missing = tuple(str(effect) for effect in trial.missing(reference))
    return Verdict(
        point, trial.ended, trial.killed, repeated, missing, trial.unwritten(), trial.person, trial.settled_by,
        trial.last_words,
    )  # fmt: skip


def program() -> Program:
    """The campaign's program on the default lab; everything is imported that a fork will need."""
    warnings.simplefilter("ignore")
    logging.getLogger().addHandler(logging.NullHandler())
    lab = read(LAB)
    for name in twin.DEVICES:
        driver = lab.devices[name].driver
        installed()[driver].load()
        twin_class(driver)
    found = check(read_protocol(PROTOCOL), view(lab), clear=True).program
    if found is None:
        raise SystemExit("the campaign's protocol cannot be bound")
    return found


def shard(points: int, seed: int) -> Iterator[Verdict]:
    """So many kills, one after the other, in this process's children; a run that ended before its point is no kill."""
    rng = random.Random(seed)
    what = program()
    with tempfile.TemporaryDirectory(prefix="lab-crash-") as folder:
        for number in range(REFERENCES):  # beside heavy work a device's time may be over: that is no trial
            reference = try_once(LAB, what, Path(folder) / f"reference-{number}", None)
            if reference.ended == "completed":
                break
        if reference.ended != "completed":
            raise SystemExit(f"the undisturbed run ended as {reference.ended}")
        kills = number = 0
        while kills < points and number < 2 * points:
            number += 1
            place = Path(folder) / str(number)
            again = rng.randint(1, EARLY) if rng.random() < TWICE else None
            then = "" if again is None else f", then point {again}"
            if rng.random() < BY_CLOCK:
                after_s = rng.uniform(0.05, 2.0)
                trial = try_once(LAB, what, place, None, after_s=after_s, again=again)
                verdict = judge(f"{after_s:.3f} s{then}", trial, reference)
            else:
                fatal = rng.randint(1, reference.passed)
                verdict = judge(f"point {fatal}{then}", try_once(LAB, what, place, fatal, again=again), reference)
            kills += verdict.killed
            yield verdict


def campaign(points: int, jobs: int, seed: int) -> list[Verdict]:
    """All kills, in `jobs` processes beside one another."""
    shares = [points // jobs + (number < points % jobs) for number in range(jobs)]
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.crash", "--shard", "--points", str(share), "--seed", str(seed + number)],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )
        for number, share in enumerate(shares) if share
    ]  # fmt: skip
    verdicts = []
    with ThreadPoolExecutor(len(children)) as readers:  # all at once: a child whose pipe is full would stand still
        tales = list(readers.map(lambda child: child.communicate()[0], children))
    for child, told in zip(children, tales, strict=True):
        if child.returncode:
            raise SystemExit(f"a part of the campaign ended with {child.returncode}")
        for line in told.splitlines():
            document = json.loads(line)
            verdicts.append(Verdict(**{k: tuple(v) if isinstance(v, list) else v for k, v in document.items()}))
    return verdicts


def tell(verdicts: list[Verdict]) -> None:
    """The figures."""
    killed = [verdict for verdict in verdicts if verdict.killed]
    print(f"{len(verdicts)} trials, {len(killed)} workers killed by SIGKILL; the others ended before their point: "
          f"{dict(Counter(verdict.ended for verdict in verdicts if not verdict.killed))}")  # fmt: skip
    print(f"  ended: {dict(Counter(verdict.ended for verdict in killed))}; a person spoke in "
          f"{sum(verdict.person for verdict in killed)}")  # fmt: skip
    print(f"  in doubt after the kill, settled by: {dict(Counter(by for v in killed for by in v.settled))}")
    repeated = sum(len(verdict.repeated) for verdict in killed)
    missing = sum(len(verdict.missing) for verdict in killed if verdict.ended == "completed")
    lost = sum(verdict.lost for verdict in killed)
    print(f"  lost records {lost}, repeated physical actions {repeated}, missing in completed runs {missing}")
    for verdict in verdicts:
        if not verdict.ok:
            print(f"  NOT OK: {verdict}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crash", description=__doc__)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shard", action="store_true", help="one part of a campaign; verdicts as JSON lines")
    asked = parser.parse_args()
    if asked.shard:
        for verdict in shard(asked.points, asked.seed):
            print(json.dumps(asdict(verdict)), flush=True)
        return
    verdicts = campaign(asked.points, asked.jobs, asked.seed)
    tell(verdicts)
    sys.exit(any(not verdict.ok for verdict in verdicts))


if __name__ == "__main__":
    main()
