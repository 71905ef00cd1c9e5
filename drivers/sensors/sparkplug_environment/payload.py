"""Payloads of Sparkplug B as bytes: the part of its protobuf message that carries values, both ways.

Field numbers: sparkplug_b.proto (Eclipse Sparkplug 3.0, section 6.4); encoding: protocol buffers, "Encoding". Fields
that are not read here (properties, data sets, templates, bodies) are passed over.
"""

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drivers.core.errors import ProtocolViolation

INT64, UINT64, FLOAT, DOUBLE, BOOLEAN, STRING = 4, 8, 9, 10, 11, 12
#: Bits of the signed types, which travel as unsigned numbers: Int8 to Int64.
_SIGNED = {1: 8, 2: 16, 3: 32, 4: 64}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT = 10  # bytes of the longest one
Value = float | int | bool | str | None


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; `name` is empty where only its alias is told, `value` None where it is null or no simple value."""

    name: str = ""
    value: Value = None
    datatype: int = 0  # 0: not told
    alias: int | None = None
    at_ms: int | None = None  # since 1970
    historical: bool = False


@dataclass(frozen=True, slots=True)
class Payload:
    """One message; `seq` is None in commands and deaths."""

    at_ms: int
    metrics: tuple[Metric, ...] = ()
    seq: int | None = None


def encode(payload: Payload) -> bytes:
    """A message's bytes.

    >>> encode(Payload(1, (Metric("a", True, BOOLEAN),), 0)).hex()
    '080112070a0161200b70011800'
    """
    parts = [_key(1, _VARINT), _varint(payload.at_ms)]
    for metric in payload.metrics:
        parts += [_key(2, _BYTES), _sized(_encode_metric(metric))]
    if payload.seq is not None:
        parts += [_key(3, _VARINT), _varint(payload.seq)]
    return b"".join(parts)


def decode(data: bytes) -> Payload:
    """A message of these bytes; raises `ProtocolViolation` where they are none, or where it has no time."""
    at_ms, seq, metrics = None, None, []
    try:
        for number, kind, value in _fields(data):
            if (number, kind) == (1, _VARINT):
                at_ms = int(value)
            elif (number, kind) == (2, _BYTES):
                metrics.append(_decode_metric(bytes(value)))
            elif (number, kind) == (3, _VARINT):
                seq = int(value)
        if at_ms is None:
            raise ValueError("it has no time")
    except (ValueError, struct.error, UnicodeDecodeError) as error:
        raise ProtocolViolation(f"no Sparkplug B payload ({error}): {data[:40]!r}.") from error
    return Payload(at_ms, tuple(metrics), seq)


def _encode_metric(metric: Metric) -> bytes:
    parts: list[bytes] = []
    if metric.name:
        parts += [_key(1, _BYTES), _sized(metric.name.encode())]
    for number, value in ((2, metric.alias), (3, metric.at_ms), (4, metric.datatype or None)):
        if value is not None:
            parts += [_key(number, _VARINT), _varint(value)]
    if metric.historical:
        parts += [_key(5, _VARINT), _varint(1)]
    return b"".join([*parts, *_encode_value(metric)])


def _encode_value(metric: Metric) -> Sequence[bytes]:
    value, datatype = metric.value, metric.datatype
    if value is None:
        return _key(7, _VARINT), _varint(1)
    if isinstance(value, str):
        return _key(15, _BYTES), _sized(value.encode())
    if datatype == BOOLEAN:
        return _key(14, _VARINT), _varint(int(bool(value)))
    if datatype == FLOAT:
        return _key(12, _FIXED32), struct.pack("<f", value)
    if datatype == DOUBLE:
        return _key(13, _FIXED64), struct.pack("<d", value)
    return _key(11 if datatype in (INT64, UINT64) else 10, _VARINT), _varint(int(value) % 2**64)


def _decode_metric(data: bytes) -> Metric:
    name = ""
    value: Value = None
    about: dict[int, int] = {}  # 2 alias, 3 time, 4 data type, 5 historical, 7 null
    for number, kind, raw in _fields(data):
        if (number, kind) == (1, _BYTES):
            name = bytes(raw).decode()
        elif number in (2, 3, 4, 5, 7) and kind == _VARINT:
            about[number] = int(raw)
        elif number in (10, 11, 14) and kind == _VARINT:
            value = bool(raw) if number == 14 else int(raw)
        elif (number, kind) == (12, _FIXED32):
            value = float(struct.unpack("<f", bytes(raw))[0])
        elif (number, kind) == (13, _FIXED64):
            value = float(struct.unpack("<d", bytes(raw))[0])
        elif (number, kind) == (15, _BYTES):
            value = bytes(raw).decode()
    datatype = about.get(4, 0)
    seen = None if about.get(7) else _signed(value, datatype)
    return Metric(name, seen, datatype, about.get(2), about.get(3), bool(about.get(5)))


def _signed(value: Value, datatype: int) -> Value:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is no finite number")
    bits = _SIGNED.get(datatype)
    if bits is None or not isinstance(value, int) or isinstance(value, bool):
        return value
    kept = value % (1 << bits)
    return kept - (1 << bits) if kept >> (bits - 1) else kept


# Protocol buffers


def _fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Number, wire type and value of each field; raises `ValueError` where the bytes end too early or mean nothing."""
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _read_varint(data, at)
            yield number, kind, value
            continue
        if kind == _BYTES:
            size, at = _read_varint(data, at)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}.get(kind, -1)
        if size < 0 or number == 0:
            raise ValueError(f"field {number} has the unknown wire type {kind}")
        if at + size > len(data):
            raise ValueError(f"field {number} goes beyond its end")
        yield number, kind, data[at : at + size]
        at += size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_MAX_VARINT):
        if at + place >= len(data):
            raise ValueError("it ends within a number")
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value & (2**64 - 1), at + place + 1
    raise ValueError("a number has no end")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _sized(data: bytes) -> bytes:
    return _varint(len(data)) + data
