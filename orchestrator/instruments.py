"""What a cell's devices do and last said, for whoever looks on: as their drivers hold it, nobody is asked."""

from collections.abc import Mapping
from typing import Any

import orjson

from drivers.core.instrument import Instrument


def told(devices: Mapping[str, Instrument[Any]], now: float) -> bytes:
    """As JSON: every device that was dialled, with its verb and its newest values; times in s since 1970."""
    return orjson.dumps({"at": now, "devices": {name: _device(device) for name, device in devices.items()}})


def _device(device: Instrument[Any]) -> dict[str, Any]:
    values = [
        {"quantity": reading.quantity, "unit": reading.unit, "value": reading.value, "at": at}
        for reading, at in device.seen.values()
    ]
    return {"reached": device.reached, "doing": device.doing, "since": device.doing_since, "values": values}
