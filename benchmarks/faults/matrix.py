"""One run of a story with one fault: what came of it, by what the driver says and by the truth."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.faults.stories import STORIES
from drivers.core.build import build
from drivers.core.errors import DeviceError
from drivers.core.instrument import Command, Instrument
from drivers.core.world import WorldSettings
from labfile import Lab
from sim_lab.faults import FAULTS, Faults, Injection, Plan
from sim_lab.session import TwinWorld

#: Where time is real nobody waits as long as in a lab: options, and how late a late reply is (too late).
SOONER = {"connect_timeout_s": 3.0, "reply_timeout_s": 0.5, "move_timeout_s": 6.0, "late_s": 2.0}
REAL_LATE_S = 1.0
HANG_S = 3600.0  # simulated; no command of a story takes a minute by itself
REAL_HANG_S = 60.0  # where time is real; the time-outs of a story's commands are below half a minute together
GOOD = ("unharmed", "recovered")


@dataclass(frozen=True)
class Outcome:
    """`kind`: unharmed, recovered (a named error, then all well), or what is wrong; `struck`: the fault happened."""

    kind: str
    told: str
    struck: bool


def cell(lab: Lab, device: str, fault: str, occasions: int, step: int = 1) -> list[Outcome]:
    """A fault at each message of a device's story, or each `step`-th, one run each, until it has no more messages."""
    outcomes, lab = [], sooner(lab, device)
    by = amount(lab, device, fault)
    for action in range(1, occasions * step + 1, step):
        outcome = try_out(lab, device, Injection(device, fault, by, action=action))
        if not outcome.struck:
            break
        outcomes.append(outcome)
    return outcomes


def try_out(lab: Lab, device: str, injection: Injection, seed: int = 1) -> Outcome:
    """A story with the fault; then, connected anew if it failed, the story again without it."""
    world = TwinWorld(lab.devices, lab.sites, settings(lab, device, Plan(seed, (injection,))))
    return world.run(lambda: _story(lab, world, device))


def amount(lab: Lab, device: str, fault: str) -> float:
    """By how much a fault happens to a device."""
    late = fault in ("reply_late", "server_gone") and lab.devices[device].real_time_only
    return REAL_LATE_S if late else FAULTS[fault].usual


def sooner(lab: Lab, device: str) -> Lab:
    """The lab, in which a device in real time is not waited for as long as usual."""
    if not lab.devices[device].real_time_only:
        return lab
    entry = lab.devices[device]
    wanted = {key: value for key, value in SOONER.items() if key in type(entry.options).model_fields}
    changed = replace(entry, options=entry.options.model_copy(update=wanted))
    return replace(lab, devices={**lab.devices, device: changed})


def settings(lab: Lab, device: str, plan: Plan, wire: bool = False) -> WorldSettings:
    """A world for one device, in real time where its driver needs that."""
    speed = 1.0 if lab.devices[device].real_time_only else None
    return WorldSettings(seed=plan.seed, epoch_s=0.0, speed=speed, wire=wire, faults=plan)


def _hang_s(driver: Instrument[Any]) -> float:
    return REAL_HANG_S if driver.real_time_only else HANG_S


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
        async with asyncio.timeout(_hang_s(driver)):
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
        async with asyncio.timeout(_hang_s(driver)):
            await driver.connect()
            for number, act in enumerate(STORIES[lab.devices[device].driver](world, round_)):
                what = act.verb
                heard()
                readings = await driver.perform(Command(f"story/{round_}/{number}", act.verb, act.args))
                if not act.true(world, readings):
                    told = ", ".join(f"{reading.quantity} {reading.value}" for reading in readings)
                    return "wrong", f"{what} succeeded, and is not so: {told or 'no readings'}"
    except DeviceError as error:
        return "named", f"{what}: {type(error).__name__}: {error}"
    except TimeoutError:
        return "hang", what
    except Exception as error:
        return "bare", f"{what}: {type(error).__name__}: {error}"
    return "well", ""
