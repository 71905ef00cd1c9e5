"""Signed envelopes: DSSE 1.0 (secure-systems-lab/dsse). What is signed is the payload with its type, byte for byte."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

MANIFEST = "application/vnd.lab-manifest+json"


class BadEnvelope(ValueError):
    """No envelope, or none that holds; the message says why."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What an envelope holds, and whose signatures are good."""

    payload: bytes
    payload_type: str
    signed_by: tuple[str, ...]


def pae(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding.

    >>> pae("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, payload_type: str, key_id: str, sign: Callable[[bytes], str]) -> bytes:
    """An envelope; `sign` gives the signature (base64) over bytes."""
    signature = {"keyid": key_id, "sig": sign(pae(payload_type, payload))}
    body = base64.b64encode(payload).decode()
    return json.dumps({"payload": body, "payloadType": payload_type, "signatures": [signature]}).encode()


def open_(envelope: bytes, keys: Mapping[str, Callable[[bytes, str], bool]]) -> Opened:
    """What is in an envelope; `keys`: id -> whether a signature over bytes is that key's. Raises `BadEnvelope`."""
    try:
        told = json.loads(envelope)
        payload = base64.b64decode(told["payload"], validate=True)
        kind, signatures = str(told["payloadType"]), list(told["signatures"])
        pairs = [(str(each.get("keyid", "")), str(each["sig"])) for each in signatures]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadEnvelope(f"this is no DSSE envelope: {error!r}") from error
    what = pae(kind, payload)
    good = tuple(key_id for key_id, signature in pairs if key_id in keys and keys[key_id](what, signature))
    if not good:
        raise BadEnvelope("no signature of a trusted key is good")
    return Opened(payload, kind, good)
