"""Earliest times under lags: a network of differences, solved by longest paths."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.scheduling.model import Lag


@dataclass(frozen=True, slots=True)
class Edge:
    """start(after) >= start(before) + gap."""

    before: str
    after: str
    gap: int


class Contradiction(Exception):
    """No times satisfy all edges."""


def edges(lags: Iterable[Lag], durations: Mapping[str, int]) -> list[Edge]:
    """Lags between points as edges between starts; a maximum is an edge backwards."""
    found = []
    for lag in lags:
        offset = (durations[lag.before] if lag.from_point == "end" else 0) - (
            durations[lag.after] if lag.to_point == "end" else 0
        )
        found.append(Edge(lag.before, lag.after, offset + lag.minimum))
        if lag.maximum is not None:
            found.append(Edge(lag.after, lag.before, -offset - lag.maximum))
    return found


def earliest(
    floors: Mapping[str, int], network: Iterable[Edge], fixed: Mapping[str, int] | None = None
) -> dict[str, int]:
    """The earliest start of each task (at least its floor); those in `fixed` do not move.

    Raises `Contradiction` when the edges go round in a circle that takes time, or push a fixed start.
    """
    starts = {**floors, **(fixed or {})}
    out: dict[str, list[Edge]] = {}
    for edge in network:
        out.setdefault(edge.before, []).append(edge)
    waiting, queued = list(starts), set(starts)
    visits = dict.fromkeys(starts, 0)
    while waiting:
        name = waiting.pop()
        queued.discard(name)
        for edge in out.get(name, ()):
            wanted = starts[name] + edge.gap
            if wanted <= starts[edge.after]:
                continue
            if fixed is not None and edge.after in fixed:
                raise Contradiction(f"{edge.after} has begun, too early for {name}")
            starts[edge.after] = wanted
            visits[edge.after] += 1
            if visits[edge.after] > len(starts):
                raise Contradiction(f"{edge.after} can never be late enough")
            if edge.after not in queued:
                queued.add(edge.after)
                waiting.append(edge.after)
    return starts
