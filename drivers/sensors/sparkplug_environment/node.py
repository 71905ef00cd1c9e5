"""What a host knows of one edge node and one of its devices: the fold of what it heard. Pure.

Values count from a birth to the first message that is missed: sequence numbers (0 to 255, over all devices of the node)
show it. A death counts when its bdSeq is that of the birth; a will of an older session comes late, and is passed over.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from drivers.core.errors import ProtocolViolation
from drivers.sensors.sparkplug_environment.payload import Metric, Payload
from drivers.sensors.sparkplug_environment.topics import BD_SEQ, SEQ, Topic

State = Literal["unknown", "born", "dead"]


@dataclass(frozen=True, slots=True)
class Node:
    """`births` counts the births of the node, `heard_s` is when its device was last heard (the host's clock)."""

    device: str
    state: State = "unknown"
    device_state: State = "unknown"
    seq: int = 0
    bd_seq: int | None = None
    births: int = 0
    heard_s: float = 0.0
    aliases: dict[int, str] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)

    def take(self, topic: Topic, payload: Payload, now_s: float) -> "Node":
        """After a message; raises `ProtocolViolation` where it says what no edge node says."""
        if topic.kind == "NBIRTH":
            return self._born(payload)
        if topic.kind == "NDEATH":
            late = self.bd_seq is not None and _bd_seq(payload) not in (None, self.bd_seq)
            return self if late else replace(self.lost(), state="dead", device_state="dead")
        if topic.kind not in ("NDATA", "DBIRTH", "DDATA", "DDEATH"):
            return self
        if self.state != "born" or payload.seq != (self.seq + 1) % SEQ:
            return self.lost()  # something was missed: nothing that was known is certain any more
        after = replace(self, seq=payload.seq)
        if topic.device != self.device:
            return after
        if topic.kind == "DDEATH":
            return replace(after, device_state="dead", metrics={})
        return _device_born(after, payload, now_s) if topic.kind == "DBIRTH" else _told(after, payload, now_s)

    def lost(self) -> "Node":
        """What is known when it cannot be relied on: nothing until the next birth."""
        return Node(self.device, bd_seq=self.bd_seq, births=self.births)

    @property
    def wants_rebirth(self) -> bool:
        """Whether only a birth can say what is so."""
        return self.state == "unknown" or (self.state == "born" and self.device_state == "unknown")

    def _born(self, payload: Payload) -> "Node":
        if payload.seq is None:
            raise ProtocolViolation("a birth without a sequence number.")
        return Node(self.device, "born", seq=payload.seq, bd_seq=_bd_seq(payload), births=self.births + 1)


def _device_born(node: Node, payload: Payload, now_s: float) -> Node:
    aliases = {metric.alias: metric.name for metric in payload.metrics if metric.alias is not None}
    metrics = {metric.name: _timed(metric, payload) for metric in payload.metrics if metric.name}
    return replace(node, device_state="born", aliases=aliases, metrics=metrics, heard_s=now_s)


def _told(node: Node, payload: Payload, now_s: float) -> Node:
    if node.device_state != "born":
        return node.lost()
    metrics = dict(node.metrics)
    for metric in payload.metrics:
        name = metric.name or node.aliases.get(-1 if metric.alias is None else metric.alias, "")
        if name not in metrics:
            return node.lost()  # a metric that no birth announced
        if not metric.historical:
            metrics[name] = replace(_timed(metric, payload), name=name)
    return replace(node, metrics=metrics, heard_s=now_s)


def _timed(metric: Metric, payload: Payload) -> Metric:
    return metric if metric.at_ms is not None else replace(metric, at_ms=payload.at_ms)


def _bd_seq(payload: Payload) -> int | None:
    found = [metric.value for metric in payload.metrics if metric.name == BD_SEQ]
    return found[0] if found and isinstance(found[0], int) else None
