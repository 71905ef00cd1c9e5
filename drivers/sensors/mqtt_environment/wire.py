"""What the room sensor publishes, both roles: two retained topics below its own.

`<topic>/environment` carries JSON `{"temperature_c": 22.1, "humidity_percent": 44.9, "at": 1764000000.0}`, `at` in
seconds since 1970. `<topic>/online` carries `online`, or `offline` as its last will (MQTT 3.1.1, section 3.1.2.5).
The layout is this project's own: MQTT itself defines none.
"""

import json
import math
from dataclasses import dataclass

from drivers.core.errors import ProtocolViolation

ONLINE, OFFLINE = b"online", b"offline"


@dataclass(frozen=True, slots=True)
class Environment:
    """One value of the room: degC, % relative humidity, and when (seconds since 1970)."""

    temperature_c: float
    humidity_percent: float
    at_s: float


def environment_topic(topic: str) -> str:
    """Where the values are."""
    return f"{topic}/environment"


def online_topic(topic: str) -> str:
    """Where the sensor's presence is."""
    return f"{topic}/online"


def encode(value: Environment) -> bytes:
    """DEVICE role: the payload of a value.

    >>> encode(Environment(22.0, 45.0, 0.0))
    b'{"temperature_c": 22.0, "humidity_percent": 45.0, "at": 0.0}'
    """
    fields = {"temperature_c": value.temperature_c, "humidity_percent": value.humidity_percent, "at": value.at_s}
    return json.dumps(fields).encode()


def decode(payload: bytes) -> Environment:
    """CLIENT role: a payload's value; raises `ProtocolViolation` unless all three are finite numbers.

    >>> decode(b'{"temperature_c": 22, "humidity_percent": 45, "at": 0}')
    Environment(temperature_c=22.0, humidity_percent=45.0, at_s=0.0)
    """
    try:
        fields = json.loads(payload)
        value = Environment(*(_number(fields[key]) for key in ("temperature_c", "humidity_percent", "at")))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ProtocolViolation(f"not a value of the room: {payload[:80]!r}.") from error
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return float(value)
