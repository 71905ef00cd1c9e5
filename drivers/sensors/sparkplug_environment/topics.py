"""Topics and commands of Sparkplug B, for both sides (Sparkplug 3.0, sections 4 and 6.4)."""

from dataclasses import dataclass

from drivers.sensors.sparkplug_environment.payload import BOOLEAN, Metric, Payload, encode

NAMESPACE = "spBv1.0"
BD_SEQ, REBIRTH = "bdSeq", "Node Control/Rebirth"
SEQ = 256  # sequence numbers go from 0 to 255


@dataclass(frozen=True, slots=True)
class Topic:
    """What a message is (`NBIRTH`, `DDATA`, ...), and of which device of the edge node; empty for the node itself."""

    kind: str
    device: str = ""


def topic(group: str, kind: str, edge: str, device: str = "") -> str:
    """The topic of a message.

    >>> topic("lab", "DDATA", "cell", "room")
    'spBv1.0/lab/DDATA/cell/room'
    """
    return "/".join([NAMESPACE, group, kind, edge, *([device] if device else [])])


def parse(text: str, group: str, edge: str) -> Topic | None:
    """What a topic says; None where it is of another node or namespace.

    >>> parse("spBv1.0/lab/NDEATH/cell", "lab", "cell")
    Topic(kind='NDEATH', device='')
    """
    parts = text.split("/")
    if len(parts) not in (4, 5) or (parts[0], parts[1], parts[3]) != (NAMESPACE, group, edge):
        return None
    return Topic(parts[2], parts[4] if len(parts) == 5 else "")


def rebirth(at_ms: int) -> bytes:
    """The command with which a host asks an edge node for all births anew; it changes nothing else."""
    return encode(Payload(at_ms, (Metric(REBIRTH, value=True, datatype=BOOLEAN, at_ms=at_ms),)))
