"""The CLIENT role of HTTP: what changes nothing is asked again where a connection broke, and nothing else is."""

import asyncio

import pytest

from drivers.core.errors import ConnectionLost, DeviceError, ProtocolViolation, ReplyTimeout
from drivers.core.http import TRIES, HttpClient
from drivers.core.transport import Transport

WELL = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


class Scripted(Transport):
    """A connection that answers once: with these bytes, or by its end where there are none; None keeps silent."""

    def __init__(self, answer: bytes | None, log: list[bytes]) -> None:
        self._answer, self._log = answer, log

    async def open(self) -> None:
        """Open at once."""

    async def send(self, data: bytes) -> None:
        """Note what is asked."""
        self._log.append(data.split(b" ", 1)[0])

    async def receive(self) -> bytes:
        """The answer."""
        if self._answer is None:
            await asyncio.sleep(1e6)
        answer, self._answer = self._answer, b""
        return answer or b""

    async def close(self) -> None:
        """Closed at once."""


def ask(method: str, *answers: bytes | None) -> tuple[int | type[DeviceError], list[bytes]]:
    """What comes of a request on connections that answer so, one after the other, and what was sent."""
    log: list[bytes] = []
    lines = iter(answers)

    async def main() -> int | type[DeviceError]:
        client = HttpClient(lambda: Scripted(next(lines), log), "robot", {})
        try:
            return (await client.request(method, "/runs", timeout_s=0.01)).status
        except DeviceError as error:
            return type(error)

    return asyncio.run(main()), log


@pytest.mark.parametrize("broken", [b"", b"\xb8TTP\x8e1\xf61 200\r\n\r\n", WELL[:20]])
def test_a_get_is_asked_again_and_a_post_never(broken: bytes) -> None:
    assert ask("GET", broken, WELL) == (200, [b"GET", b"GET"])
    kind, log = ask("POST", broken, WELL)
    assert kind in (ConnectionLost, ProtocolViolation)
    assert log == [b"POST"]


def test_it_is_not_asked_for_ever_and_silence_is_an_answer() -> None:
    assert ask("GET", *[b""] * 9) == (ConnectionLost, [b"GET"] * TRIES)
    assert ask("GET", None, WELL) == (ReplyTimeout, [b"GET"])
