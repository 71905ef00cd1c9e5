"""A session with an MQTT broker, with its errors in our words."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt
import paho.mqtt.client

from drivers.core.errors import ConnectionFailed, ConnectionLost, DeviceError
from labfile.secret import Secret, SecretMissing, resolve

DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}  # IANA service names "mqtt" and "secure-mqtt"
# paho binds its clock when it is imported, perhaps to one that was injected for a while; look it up at each use.
paho.mqtt.client.time_func = lambda: time.monotonic()
#: A third of the time (60 s) within which the client promises a sign of life; a broker waits for 90 s.
LOOK_S = 20.0
#: Without it, the acknowledgement of a small packet waits for the machine's delayed ACK (40 ms).
NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class _Client(aiomqtt.Client):
    """One that looks seldom whether a ping is due: looking each second is 86,400 times in a day of the twin."""

    async def _misc_loop(self) -> None:
        while self._client.loop_misc() == paho.mqtt.client.MQTT_ERR_SUCCESS:  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(LOOK_S)

    async def __aexit__(self, *why: Any) -> None:
        try:
            await super().__aexit__(*why)
        finally:
            if self._disconnected.done() and not self._disconnected.cancelled():
                self._disconnected.exception()  # nobody else may look, and Python tells of what nobody looked at


def client_of(
    address: str, timeout_s: float, password: Secret | None = None, will: aiomqtt.Will | None = None
) -> aiomqtt.Client:
    """A client for `mqtt[s]://[user@]host[:port]`, not connected yet; raises `SecretMissing`."""
    where = urlsplit(address)
    client = _Client(
        where.hostname or "",
        where.port or DEFAULT_PORTS.get(where.scheme, 0),
        username=unquote(where.username) if where.username else None,
        password=None if password is None else resolve(password),
        tls_params=aiomqtt.TLSParameters() if where.scheme == "mqtts" else None,
        timeout=timeout_s,
        socket_options=[NO_DELAY],
        will=will,
    )
    # A message that cannot be read is left out: without this the library reads the same one for ever.
    client._client.suppress_exceptions = True  # noqa: SLF001 - aiomqtt has no word for it
    return client


@contextlib.asynccontextmanager
async def session(
    device: str, address: str, timeout_s: float, password: Secret | None
) -> AsyncIterator[aiomqtt.Client]:
    """A connection to the broker. Raises `ConnectionFailed` (it does not take us) or `ConnectionLost`."""
    try:
        client = client_of(address, timeout_s, password)
    except SecretMissing as error:
        raise ConnectionFailed(str(error), device=device, hint="Export it, or leave the option out.") from error
    connected = False
    try:
        async with client:
            connected = True
            yield client
    except aiomqtt.MqttError as error:
        kind = ConnectionLost if connected else ConnectionFailed
        hint = "Is the broker running, and is the address right?"
        raise kind(f"{address}: {error}.", device=device, hint=hint) from error
    except DeviceError as error:
        error.device = error.device or device
        raise
