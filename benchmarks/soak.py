"""`python -m benchmarks.soak`: many commands over real sockets while their lines go wrong, in simulated time.

Drivers with threads of their own (Channel Access) keep real time: each plays in a process beside, for fewer commands.

Every device with a story (`benchmarks.faults.stories`) plays it again and again, its twin behind a socket of this
machine. Each message meets a fault of the line now and then. What a driver reports is held against the truth; what it
names as an error must be mended by connecting anew. Memory is looked at on the way.
"""

import argparse
import asyncio
import gc
import json
import logging
import math
import os
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.faults.matrix import amount, play, recover, settings, sooner
from benchmarks.faults.stories import STORIES
from drivers.core.build import build
from drivers.core.instrument import Instrument
from labfile import Lab, read
from sim_lab import clock
from sim_lab.faults import Injection, Plan
from sim_lab.faults.catalogue import COMMS
from sim_lab.session import TwinWorld

ROOT = Path(__file__).resolve().parents[1]
REAL_SHARE = 1 / 200  # of the commands, for each device in real time
ATTEMPTS = 20  # to connect anew, before a device counts as lost: each may meet a fault as well
LOOKS = 10  # at memory
PAUSE_S = 0.05  # between two rounds: a driver that knows its answer would never let the others have a turn
#: What memory may grow by between the second look and the last, MiB. Ours: what an allocator keeps.
GROWTH_MIB = 32.0


@dataclass
class Soak:
    """What came of it so far."""

    wanted: int
    share: int  # of each device: one that answers at once has no more of them than one that takes its time
    commands: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)  # how rounds ended: well, named, or what is wrong
    wrong: list[str] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)  # faults that happened
    memory: list[tuple[int, float, int]] = field(default_factory=list)  # commands, MiB, objects

    def over(self, device: str) -> bool:
        """Whether a device had enough."""
        return self.commands[device] >= self.share

    def count(self, device: str) -> None:
        """One command more; now and then a look at memory."""
        self.commands[device] += 1
        if self.commands.total() >= self.wanted * (len(self.memory) + 1) / LOOKS:
            gc.collect()
            rss = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
            self.memory.append((self.commands.total(), rss, len(gc.get_objects())))


async def _soaked(lab: Lab, device: str, plan: Plan, soak: Soak) -> None:
    """One device's story in a world of its own, until there were enough commands."""
    lab = sooner(lab, device)
    world = TwinWorld(lab.devices, lab.sites, settings(lab, device, plan, wire=True))
    await world.start([device])
    driver: Instrument[Any] = build(lab.devices[device], world, lab.sites)
    round_, kind = 0, "well"
    while not soak.over(device) and kind in ("well", "named", "wrong"):
        round_ += 1
        kind, told = await play(lab, world, device, driver, round_, lambda: soak.count(device))
        if kind == "named":
            try:
                kind = kind if await _mended(driver) else "lost"
            except Exception as error:
                kind, told = "bare", f"mending {told}: {type(error).__name__}: {error}"
        soak.told[kind] += 1
        if kind not in ("well", "named"):
            soak.wrong.append(f"{device}, round {round_}: {kind}: {told}")
        _forget(world)
        await asyncio.sleep(PAUSE_S)
    soak.struck.update(fault for _, _, fault in world.truth.faults.told)
    await asyncio.gather(driver.disconnect(), return_exceptions=True)
    await world.close()


async def _mended(driver: Instrument[Any]) -> bool:
    """Connect anew, and the safe end, as often as it takes."""
    for _ in range(ATTEMPTS):
        if await recover(driver) is None:
            return True
    return False


def _forget(world: TwinWorld) -> None:
    """Labware of rounds before, which stands nowhere, would be remembered for ever: a real lab has a bin."""
    standing = set(world.truth.at.values())
    for name in [name for name in world.truth.labware if name not in standing]:
        del world.truth.labware[name]


async def _all(lab: Lab, plans: Mapping[str, Plan], soak: Soak) -> None:
    await asyncio.gather(*(_soaked(lab, device, plan, soak) for device, plan in plans.items()))


def _plan(lab: Lab, device: str, share: float, seed: int) -> Plan:
    """Each fault of a line at one message in so many; that of a server, too, where real time lets it come back."""
    faults = (*COMMS, "server_gone") if lab.devices[device].real_time_only else COMMS
    chance = share / len(faults)
    return Plan(seed, tuple(Injection(device, f, amount(lab, device, f), probability=chance) for f in faults))


def _beside(device: str, options: argparse.Namespace) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "benchmarks.soak", "--json", "--device", device, "--seed", str(options.seed)]
    wanted = max(1, round(options.commands * REAL_SHARE))
    command += ["--share", str(options.share), "--commands", str(wanted)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def _add(soak: Soak, device: str, process: "subprocess.Popen[str]") -> None:
    """What came of a device that played in a process beside."""
    output, _ = process.communicate()
    if not output:
        soak.wrong.append(f"{device}: its process ended with {process.returncode} and said nothing")
        return
    found = json.loads(output)
    for name in ("commands", "told", "struck"):
        getattr(soak, name).update(found[name])
    soak.wrong += found["wrong"]
    print(f"{device}, in real time: {_grown(found['memory'])}")


def _grown(memory: Sequence[Sequence[float]]) -> str:
    return "; ".join(f"{count:,.0f} commands {mib:.0f} MiB" for count, mib, _ in memory[1 :: max(1, len(memory) - 2)])


def _report(soak: Soak, devices: int, took_s: float) -> None:
    struck = soak.struck
    print(f"{soak.commands.total():,} commands to {devices} devices in {took_s:.0f} s; "
          f"{struck.total():,} faults: {', '.join(f'{name} {n}' for name, n in sorted(struck.items()))}")  # fmt: skip
    print(f"rounds: {', '.join(f'{n:,} {kind}' for kind, n in soak.told.most_common())}")
    print(f"commands: {', '.join(f'{name} {n:,}' for name, n in soak.commands.most_common())}")
    for commands, mib, objects in soak.memory:
        print(f"  after {commands:>9,} commands {mib:6.0f} MiB, {objects:,} objects")
    print("\n".join(soak.wrong) or "no wrong value, no hang, no leak")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--commands", type=int, default=100_000)
    parser.add_argument("--share", type=float, default=0.01, help="of messages that meet a fault of the line")
    parser.add_argument("--device", action="append", default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one object with the counts, for who adds them up")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)  # libraries tell of every byte they cannot read
    lab = read(ROOT / "lab.toml")
    devices = options.device or [name for name, entry in lab.devices.items() if entry.driver in STORIES]
    real = [device for device in devices if lab.devices[device].real_time_only]
    alone = real == devices and len(devices) == 1
    beside = {} if alone else {device: _beside(device, options) for device in real}
    plans = {device: _plan(lab, device, options.share, options.seed) for device in devices if device not in beside}
    soak, began = Soak(options.commands, math.ceil(options.commands / len(plans))), time.monotonic()
    clock.run(lambda: _all(lab, plans, soak), epoch_s=0.0, speed=1 if alone else None)
    if len(soak.memory) > 2 and (grown := soak.memory[-1][1] - soak.memory[1][1]) > GROWTH_MIB:
        soak.wrong.append(f"{', '.join(devices) if alone else 'memory'} grew by {grown:.0f} MiB")
    for device, process in beside.items():
        _add(soak, device, process)
    if options.json:
        print(json.dumps({name: getattr(soak, name) for name in ("commands", "told", "struck", "wrong", "memory")}))
    else:
        _report(soak, len(devices), time.monotonic() - began)
    return 1 if soak.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
