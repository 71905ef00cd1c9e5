"""What the room sensor publishes, both roles: two retained topics below its own.

`<topic>/environment` carries JSON `{"temperature_c": 22.1, "humidity_percent": 44.9, "at": 1764000000.0}`, `at` in
seconds since 1970. A sensor that knows more adds `oxygen_percent`, `door_open` and `e_stop_pressed` (true or false).
`<topic>/online` carries `online`, or `offline` as its last will (MQTT 3.1.1, section 3.1.2.5).
The layout is this project's own: MQTT itself defines none.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from drivers.core.errors import ProtocolViolation

ONLINE, OFFLINE = b"online", b"offline"
#: Field of `Environment` -> quantity.
QUANTITIES = {
    "temperature_c": "temperature", "humidity_percent": "humidity", "oxygen_percent": "oxygen", "door_open": "door",
    "e_stop_pressed": "e_stop",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Environment:
    """One value of the room: degC, % relative humidity, when (seconds since 1970), and what else it knows.

    `oxygen_percent` is by volume. None: this sensor does not know.
    """

    temperature_c: float
    humidity_percent: float
    at_s: float
    oxygen_percent: float | None = None
    door_open: bool | None = None
    e_stop_pressed: bool | None = None

    def values(self) -> dict[str, float]:
        """Quantity -> value, of those that are known."""
        found = {name: getattr(self, field) for field, name in QUANTITIES.items()}
        return {name: float(value) for name, value in found.items() if value is not None}


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
    >>> encode(Environment(22.0, 45.0, 0.0, door_open=True))
    b'{"temperature_c": 22.0, "humidity_percent": 45.0, "at": 0.0, "door_open": true}'
    """
    fields = {"temperature_c": value.temperature_c, "humidity_percent": value.humidity_percent, "at": value.at_s}
    more = {name: getattr(value, name) for name in ("oxygen_percent", "door_open", "e_stop_pressed")}
    return json.dumps(fields | {name: known for name, known in more.items() if known is not None}).encode()


def decode(payload: bytes) -> Environment:
    """CLIENT role: a payload's value; raises `ProtocolViolation` unless all in it is what it should be.

    >>> decode(b'{"temperature_c": 22, "humidity_percent": 45, "at": 0, "door_open": false}')
    Environment(temperature_c=22.0, humidity_percent=45.0, at_s=0.0, oxygen_percent=None, door_open=False, \
e_stop_pressed=None)
    """
    try:
        fields = json.loads(payload)
        value = Environment(
            _number(fields["temperature_c"]),
            _number(fields["humidity_percent"]),
            _number(fields["at"]),
            oxygen_percent=None if "oxygen_percent" not in fields else _number(fields["oxygen_percent"]),
            door_open=_state(fields, "door_open"),
            e_stop_pressed=_state(fields, "e_stop_pressed"),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ProtocolViolation(f"not a value of the room: {payload[:80]!r}.") from error
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return float(value)


def _state(fields: Mapping[str, object], key: str) -> bool | None:
    """True, false, or not told; anything else is an error, for a state that cannot be read must not pass as safe."""
    if key not in fields:
        return None
    value = fields[key]
    if not isinstance(value, bool):
        raise ValueError(f"{key} is {value!r}, neither true nor false")
    return value
