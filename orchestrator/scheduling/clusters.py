"""Which tasks have to be placed together, and in which order the clusters so made can be placed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.scheduling.network import Network, topological


@dataclass(frozen=True, slots=True)
class Cluster:
    """Tasks to be placed together, in order of precedence, and the clusters that must come before."""

    tasks: tuple[int, ...]
    needs: frozenset[int]


def group(net: Network, chance: random.Random | None = None) -> tuple[Cluster, ...]:
    """The clusters: tasks joined by maximum delays and holds, and whatever precedence ties into a circle with them.

    With `chance`, tasks that may change places do so by chance.
    """
    pairs = _arcs(net)
    joined = list(range(net.size))

    def root(i: int) -> int:
        while joined[i] != i:
            joined[i] = joined[joined[i]]
            i = joined[i]
        return i

    for span in net.spans:
        if span.most is not None:
            joined[root(span.before)] = root(span.after)
    for hold in net.holds:
        joined[root(hold.first)] = root(hold.last)
    for i, ways in enumerate(net.ways):
        for way in ways:
            for h, _ in way.inside:
                joined[root(i)] = root(net.holds[h].first)
    for ring in _rings(net.size, [(root(a), root(b)) for a, b in pairs]):
        for i in ring:
            joined[root(i)] = root(ring[0])
    after: list[list[int]] = [[] for _ in range(net.size)]
    for a, b in pairs:
        after[a].append(b)
    members: dict[int, list[int]] = {}
    for i in _depth_first(after, chance):
        members.setdefault(root(i), []).append(i)
    number = {r: c for c, r in enumerate(members)}
    needs: list[set[int]] = [set() for _ in members]
    for a, b in pairs:
        if root(a) != root(b):
            needs[number[root(b)]].add(number[root(a)])
    return tuple(Cluster(tuple(tasks), frozenset(needs[c])) for c, tasks in enumerate(members.values()))


def _arcs(net: Network) -> list[tuple[int, int]]:
    """Who comes before whom: lags that are not negative, lags that are never positive turned round, and holds."""
    arcs = []
    for span in net.spans:
        forward = span.least >= 0 or span.most is None or span.most > 0
        arcs.append((span.before, span.after) if forward else (span.after, span.before))
        if span.least < 0 and span.most is not None and forward:
            arcs.pop()  # A limit in both directions orders nothing.
    for hold in net.holds:
        arcs.append((hold.first, hold.last))
    for i, ways in enumerate(net.ways):
        for h in {h for way in ways for h, _ in way.inside}:
            arcs += [(net.holds[h].first, i), (i, net.holds[h].last)]
    return [(a, b) for a, b in dict.fromkeys(arcs) if a != b]


def _depth_first(after: Sequence[Sequence[int]], chance: random.Random | None) -> list[int]:
    """A topological order that ends what it has begun before it begins anew, so that few holds are open at once."""
    place = {node: n for n, node in enumerate(topological(after))}
    waits = [0] * len(after)
    for a, nodes in enumerate(after):
        for b in nodes:
            waits[b] += place[a] < place[b]
    ready = [node for node in reversed(place) if waits[node] == 0]
    order = []
    while ready:
        if chance is not None and chance.random() < 0.3:  # Ours: mostly depth first.
            pick = chance.randrange(len(ready))
            ready[-1], ready[pick] = ready[pick], ready[-1]
        node = ready.pop()
        order.append(node)
        for b in after[node]:
            waits[b] -= place[node] < place[b]
            if waits[b] == 0 and place[node] < place[b]:
                ready.append(b)
    return order


def _rings(size: int, arcs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The strongly connected components of more than one node (Kosaraju), without recursion."""
    after: list[list[int]] = [[] for _ in range(size)]
    before: list[list[int]] = [[] for _ in range(size)]
    for a, b in arcs:
        after[a].append(b)
        before[b].append(a)

    def walk(begin: int, ways: list[list[int]], seen: set[int]) -> list[int]:
        found, stack = [], [(begin, iter(ways[begin]))]
        seen.add(begin)
        while stack:
            node, rest = stack[-1]
            step = next((n for n in rest if n not in seen), None)
            if step is None:
                found.append(node)
                stack.pop()
            else:
                seen.add(step)
                stack.append((step, iter(ways[step])))
        return found

    seen: set[int] = set()
    order = [node for i in range(size) if i not in seen for node in walk(i, after, seen)]
    seen = set()
    rings = [walk(i, before, seen) for i in reversed(order) if i not in seen]
    return [ring for ring in rings if len(ring) > 1]


def followers(clusters: Sequence[Cluster]) -> list[list[int]]:
    """Which clusters wait for each."""
    after: list[list[int]] = [[] for _ in clusters]
    for c, cluster in enumerate(clusters):
        for before in cluster.needs:
            after[before].append(c)
    return after
