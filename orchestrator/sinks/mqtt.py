"""Documents on an MQTT broker, as JSON: `lab/<lab>/<run_id>/<kind of document>`, at least once (QoS 1), in order."""

import asyncio
import contextlib
import json
import re
import socket
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt

from labfile.secret import resolve
from orchestrator.sinks.file import plain
from orchestrator.sinks.sink import Document
from orchestrator.sinks.worker import CAPACITY, Worker

#: IANA service names "mqtt" and "secure-mqtt".
_PORTS = {"mqtt": 1883, "mqtts": 8883}
#: Without it, the acknowledgement of a small packet waits for the machine's delayed ACK (40 ms).
_NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
#: A broker that is away is asked again after this many seconds, and then after twice as many each time.
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.25, 15.0


class MqttSink(Worker):
    """Publishes what it is given. A broker that goes away is waited for while there is room in the line."""

    def __init__(self, address: str, lab: str, password: str | None = None, *, capacity: int = CAPACITY) -> None:
        """`address` is mqtt://[user@]host[:port] or mqtts://...; it and `password` may be env:NAME.

        Nothing is connected before the first document.
        """
        self._address, self._password = address, password
        self._lab = _level(lab)
        self._session: contextlib.AsyncExitStack | None = None
        self._client: aiomqtt.Client | None = None
        self._run_ids: dict[str, str] = {}
        super().__init__(f"MQTT at {address}", capacity)

    async def deliver(self, run: str, name: str, document: Document) -> None:
        """Publish one document, as soon as there is a broker; raises `ValueError` for an address it cannot read."""
        if name == "start":
            self._run_ids[run] = _level(str(document.get("run_id", run)))
        topic = f"lab/{self._lab}/{self._run_ids.get(run, _level(run))}/{name}"
        payload = json.dumps(document, separators=(",", ":"), default=plain)
        wait_s = _FIRST_WAIT_S
        while run not in self.missed:
            try:
                client = self._client or await self._connect()
                await client.publish(topic, payload, qos=1)
                break
            except aiomqtt.MqttError as error:
                await self.release()
                self._trouble(run, str(error))
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
        if name == "stop":
            self._run_ids.pop(run, None)

    async def release(self) -> None:
        """Close the connection."""
        session, self._session, self._client = self._session, None, None
        if session is not None:
            with contextlib.suppress(aiomqtt.MqttError):
                await session.aclose()

    async def _connect(self) -> aiomqtt.Client:
        """A new connection. No keep-alive: paho would count it on the twin's clock, and a lost link shows at once."""
        self._session = contextlib.AsyncExitStack()
        password = None if self._password is None else resolve(self._password)
        client = aiomqtt.Client(**_where(resolve(self._address), password), keepalive=0, socket_options=[_NO_DELAY])
        self._client = await self._session.enter_async_context(client)
        return self._client


def _where(address: str, password: str | None) -> dict[str, Any]:
    """What aiomqtt wants to know of an address."""
    parts = urlsplit(address)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("the address of an MQTT broker is mqtt://host:port or mqtts://host:port")
    secret = password or (unquote(parts.password) if parts.password else None)
    safe = {"tls_params": aiomqtt.TLSParameters()} if parts.scheme == "mqtts" else {}
    return {
        "hostname": parts.hostname, "port": parts.port or _PORTS[parts.scheme],
        "username": unquote(parts.username) if parts.username else None, "password": secret, **safe,
    }  # fmt: skip


def _level(text: str) -> str:
    """A text as one level of a topic: what MQTT reads as a wildcard or a separator becomes `_`."""
    return re.sub(r"[/+#\x00]", "_", text) or "_"
