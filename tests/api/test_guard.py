"""What stands in front of every request, by itself: bodies that are too slow, and addresses without TLS."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from api.http import guard
from api.http.guard import Guard
from api.listening import CannotListen, listen
from labfile import read


def ask(body: list[bytes], *, pause: bool = False, headers: list[tuple[bytes, bytes]] | None = None) -> list[Any]:
    """What is sent for a POST whose body comes in these pieces; with `pause` it then never ends."""
    sent: list[Any] = []
    pieces = list(body)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": message["body"]})

    async def receive() -> Any:
        if not pieces and pause:
            await asyncio.Event().wait()
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces) or pause}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "headers": headers or [(b"host", b"localhost:1")]}
    asyncio.run(Guard(app)(scope, receive, send))
    return sent


def test_a_body_in_pieces_arrives_whole() -> None:
    assert ask([b"ab", b"cd"])[1]["body"] == b"abcd"


def test_a_body_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_S", 0.05)
    assert ask([b"{"], pause=True)[0]["status"] == 408


def test_a_body_that_is_too_large_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MAX_BODY", 10)
    assert ask([b"12345678901", b"never read"])[0]["status"] == 413
    told = ask([b""], headers=[(b"host", b"localhost"), (b"content-length", b"11")])
    assert told[0]["status"] == 413
    assert ask([b""], headers=[(b"host", b"localhost"), (b"content-length", b"-1")])[0]["status"] == 413


@pytest.mark.parametrize(
    ("hosts", "status"),
    [([b"localhost"], 200), ([b"127.0.0.1:80"], 200), ([b"[::1]:8470"], 200), ([b"LOCALHOST"], 200), ([], 421),
     ([b"evil.example"], 421), ([b"localhost", b"evil.example"], 421), ([b"localhost.evil.example"], 421)],
)  # fmt: skip
def test_hosts(hosts: list[bytes], status: int) -> None:
    assert ask([b""], headers=[(b"host", host) for host in hosts] or [(b"x", b"y")])[0]["status"] == status


def settings(lab_file: Path, lines: str) -> Any:
    other = lab_file.with_name("other.toml")
    other.write_text(lab_file.read_text().replace('host = "127.0.0.1"', lines))
    return read(other)


def test_beyond_loopback_only_with_tls_or_when_told_so(lab_file: Path) -> None:
    with pytest.raises(CannotListen, match="no TLS"):
        listen(settings(lab_file, 'host = "0.0.0.0"'), 0)
    listen(settings(lab_file, 'host = "0.0.0.0"\nplain_beyond_loopback = true'), 0).close()
    listen(settings(lab_file, 'host = "0.0.0.0"\ncertificate = "c"\nkey = "k"'), 0).close()


def test_a_port_that_is_taken_is_told(lab_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(CannotListen, match="Another lab"):
        listen(read(lab_file), taken.getsockname()[1])
