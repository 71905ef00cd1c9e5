"""When each action of a program will begin and end, by documented figures of the devices. Pure; nothing runs.

A list schedule (Graham, Bell Syst. Tech. J. 45 (1966) 1563): an action begins as soon as all that it waits for has
ended, and a device does what is ready in the order in which it became ready. That is how the orchestrator begins them.
"""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from drivers.core.timing import CannotDo, Timing
from protocols.labview import LabView
from protocols.program import CLOCK, Action, Program, ways


@dataclass(frozen=True, slots=True)
class Forecast:
    """Begin and end of each action, s from the moment at which devices are dialled; `duration_s` None where a device
    has no figures, which `unknown` names."""

    spans: Mapping[str, tuple[float, float]]
    duration_s: float | None
    unknown: tuple[str, ...] = ()
    busy_s: Mapping[str, float] = field(default_factory=dict)  # by device
    lasts_s: Mapping[str, float] = field(default_factory=dict)  # by action, without its wait for the device
    refused: Mapping[str, str] = field(default_factory=dict)  # action -> why its device can never do it


def forecast(
    program: Program, timings: Mapping[str, Timing | None], way: Callable[[Action], bool] = lambda _: True
) -> Forecast:
    """The predicted run of a program that has the lab to itself, on devices that were just switched on.

    `timings` are used up: each knows what its device has done. `way(action)` is False for what is passed over.
    """
    unknown = tuple(device for device in program.devices if timings.get(device) is None)
    if unknown:
        return Forecast({}, None, unknown)
    known = {name: timing for name in program.devices if (timing := timings[name]) is not None}
    waits = {action.id: len(action.after) for action in program.actions}
    followers: dict[str, list[int]] = {}
    for number, action in enumerate(program.actions):
        for name in action.after:
            followers.setdefault(name, []).append(number)
    begun_s = max((timing.connect_s for timing in known.values()), default=0.0)
    ready = [(begun_s, number) for number, action in enumerate(program.actions) if not action.after]
    free_s: dict[str, float] = {}
    busy_s = dict.fromkeys(known, 0.0)
    refused: dict[str, str] = {}
    due_s: dict[str, float] = {}  # the end of the latest of those that an action waits for
    spans: dict[str, tuple[float, float]] = {}
    lasts: dict[str, float] = {}
    while ready:
        since_s, number = heapq.heappop(ready)
        action = program.actions[number]
        end_s = since_s
        if way(action):
            lasts_s = 0.0
            try:
                lasts_s = _seconds(action, known)
            except CannotDo as error:
                refused[action.id] = str(error)
            end_s = max(since_s, free_s.get(action.device, 0.0)) + lasts_s
            spans[action.id], lasts[action.id] = (since_s, end_s), lasts_s
            if action.device != CLOCK:
                free_s[action.device] = end_s
                busy_s[action.device] += lasts_s
        for follower in followers.get(action.id, ()):
            name = program.actions[follower].id
            waits[name] -= 1
            due_s[name] = max(end_s, due_s.get(name, 0.0))
            if not waits[name]:
                heapq.heappush(ready, (due_s[name], follower))
    duration_s = max((end for _, end in spans.values()), default=begun_s)
    return Forecast(spans, duration_s, busy_s=busy_s, refused=refused, lasts_s=lasts)


def forecasts(program: Program, lab: LabView) -> tuple[Forecast, ...]:
    """The predicted run for each way through a program, in their order; none where the lab tells no times."""
    if lab.timings is None:
        return ()
    return tuple(forecast(program, lab.timings(program.devices), way) for way in ways(program))


def _seconds(action: Action, timings: Mapping[str, Timing]) -> float:
    if action.device == CLOCK:
        return float(action.args["duration_s"])
    return timings[action.device].seconds(action.verb, action.args)
