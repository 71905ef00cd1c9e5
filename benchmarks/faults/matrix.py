"""One run of a story with one fault: what came of it, by what the driver says and by the truth."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.faults.stories import STORIES
from drivers.core.build import build
from drivers.core.errors import DeviceError
from drivers.core.instrument import Command, Instrument
from drivers.core.world import WorldSettings
from labfile import Lab
from sim_lab.faults import FAULTS, Faults, Injection, Plan
from sim_lab.session import TwinWorld

HANG_S = 3600.0  # simulated; no command of a story takes a minute by itself
GOOD = ("unharmed", "recovered")


@dataclass(frozen=True)
class Outcome:
    """`kind`: unharmed, recovered (a named error, then all well), or what is wrong; `struck`: the fault happened."""

    kind: str
    told: str
    struck: bool


def cell(lab: Lab, device: str, fault: str, occasions: int) -> list[Outcome]:
    """A fault at each message of a device's story, one run each, until the story has no more messages."""
    outcomes = []
    for action in range(1, occasions + 1):
        outcome = try_out(lab, device, Injection(device, fault, FAULTS[fault].usual, action=action))
        if not outcome.struck:
            break
        outcomes.append(outcome)
    return outcomes


def try_out(lab: Lab, device: str, injection: Injection, seed: int = 1) -> Outcome:
    """A story with the fault; then, connected anew if it failed, the story again without it."""
    settings = WorldSettings(seed=seed, epoch_s=0.0, faults=Plan(seed, (injection,)))
    world = TwinWorld(lab.devices, lab.sites, settings)
    return world.run(lambda: _story(lab, world, device))


async def _story(lab: Lab, world: TwinWorld, device: str) -> Outcome:
    await world.start([device])
    faults: Faults = world.truth.faults
    driver: Instrument[Any] = build(lab.devices[device], world, lab.sites)
    try:
        kind, told = await play(lab, world, device, driver, 1)
        struck = bool(faults.told)
        world.truth.faults.end()
        if kind != "well" and (again := await recover(driver)) is not None:
            return Outcome("not recovered", f"{told}; then {again}", True)
        if kind in ("well", "named"):
            end, later = await play(lab, world, device, driver, 2)
            if kind == "well" and end == "named":  # told late, of what was left on the line
                kind, told = end, later
                again = await recover(driver)
                end, later = ("named", again) if again else await play(lab, world, device, driver, 3)
            if end != "well":
                return Outcome("not recovered", f"{told}; then {later}", True)
            kind = "unharmed" if kind == "well" else "recovered"
        return Outcome(kind, told, struck)
    finally:
        await asyncio.gather(driver.disconnect(), return_exceptions=True)
        await world.close()


async def recover(driver: Instrument[Any]) -> str | None:
    """Connect anew, and the safe end; what still goes wrong, in words."""
    try:
        async with asyncio.timeout(HANG_S):
            await driver.disconnect()
            await driver.connect()
            await driver.make_safe()
    except DeviceError as error:
        return f"{type(error).__name__} {error}"
    except TimeoutError:
        return "it hangs"
    return None


async def play(
    lab: Lab,
    world: TwinWorld,
    device: str,
    driver: Instrument[Any],
    round_: int,
    heard: Callable[[], None] = lambda: None,
) -> tuple[str, str]:
    """The story once, `heard` at each command; well, named (a named error), hang, wrong (success that is none), or bare
    (another exception).
    """
    what = "connect"
    try:
        async with asyncio.timeout(HANG_S):
            await driver.connect()
            for number, act in enumerate(STORIES[lab.devices[device].driver](world, round_)):
                what = act.verb
                heard()
                readings = await driver.perform(Command(f"story/{round_}/{number}", act.verb, act.args))
                if not act.true(world, readings):
                    return "wrong", f"{what} succeeded, and is not so"
    except DeviceError as error:
        return "named", f"{what}: {type(error).__name__}: {error}"
    except TimeoutError:
        return "hang", what
    except Exception as error:
        return "bare", f"{what}: {type(error).__name__}: {error}"
    return "well", ""
