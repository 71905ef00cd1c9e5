"""In which order steps of lanes side by side are written: a device takes what one run wants of it in that order.

Where a protocol is unrolled nobody knows how long a step takes, so lanes take turns, step by step; then a lane of three
short steps has its last one after the long second one of its neighbour. Once there is a forecast, each step stands
where its lane would come to it if it had the lab to itself.
"""

from collections.abc import Mapping
from dataclasses import replace

from protocols.flow import Lane, side_by_side
from protocols.forecast import Forecast
from protocols.parse import Source
from protocols.program import Program


def in_time(source: Source, program: Program, forecast: Forecast) -> Source:
    """The same protocol with its steps in the order in which their lanes come to them; the same where none has any."""
    lasts_s: dict[str, float] = {}
    for action in program.actions:
        lasts_s[action.step] = lasts_s.get(action.step, 0.0) + forecast.lasts_s.get(action.id, 0.0)
    starts_s = _starts(source, lasts_s)
    steps = sorted(source.steps, key=lambda step: starts_s[step.id])  # stable: what is due at once keeps its order
    return replace(source, protocol=source.protocol.model_copy(update={"steps": steps}))


def _starts(source: Source, lasts_s: Mapping[str, float]) -> Mapping[str, float]:
    """When each step would begin if only what is not in a lane beside its own held it up (s)."""
    ended_s: dict[Lane, float] = {}
    starts_s = {}
    for step in source.steps:
        lane = source.frames[step.id].lane if step.id in source.frames else ()
        starts_s[step.id] = max(
            (end_s for other, end_s in ended_s.items() if not side_by_side(lane, other)), default=0.0
        )
        ended_s[lane] = starts_s[step.id] + lasts_s.get(step.id, 0.0)
    return starts_s
