"""Load on a running interface: requests at a fixed rate, whatever the answers take, and readers of events.

A request counts from the moment it was due, so that a server that stalls is not spared the requests it held up.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass

from websockets.asyncio.client import connect

CONNECTIONS = 32


@dataclass
class Told:
    """What came of it; times in ms, but `began` and `ended` in s since 1970."""

    requests: int
    errors: int
    rate: float
    p50: float
    p99: float
    worst: float
    readers: int
    events: int
    began: float
    ended: float


async def _worker(host: str, port: int, request: bytes, due: "asyncio.Queue[float]", spent: list[float]) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    errors = 0
    while True:
        at = await due.get()
        if at < 0:
            break
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        errors += not head.startswith(b"HTTP/1.1 200")
        spent.append(time.perf_counter() - at)
    writer.close()
    return errors


async def _read(url: str, token: str, seen: list[int]) -> None:
    headers = {"authorization": f"Bearer {token}"}
    async with connect(url.replace("http", "ws", 1) + "/api/v1/events", additional_headers=headers) as socket:
        async for _ in socket:
            seen[0] += 1


async def load(url: str, token: str, rate: float, seconds: float, readers: int) -> Told:
    """`rate` requests a second on /status for so many seconds, while `readers` listen to events."""
    host, port = url.removeprefix("http://").split(":")
    request = f"GET /api/v1/status HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    seen, spent = [0], list[float]()
    listening = [asyncio.ensure_future(_read(url, token, seen)) for _ in range(readers)]
    await asyncio.sleep(2)
    due: asyncio.Queue[float] = asyncio.Queue()
    workers = [asyncio.ensure_future(_worker(host, int(port), request, due, spent)) for _ in range(CONNECTIONS)]
    await asyncio.sleep(0.5)
    came, began = time.time(), time.perf_counter()
    for number in range(int(rate * seconds)):
        at = began + number / rate
        if (early := at - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        due.put_nowait(at)
    for _ in workers:
        due.put_nowait(-1.0)
    errors = sum(await asyncio.gather(*workers))
    wall = time.perf_counter() - began
    ended = time.time()
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    ordered = sorted(spent)
    pick = [1e3 * ordered[int(part * (len(ordered) - 1))] for part in (0.5, 0.99, 1.0)]
    return Told(len(spent), errors, len(spent) / wall, *pick, readers, seen[0], came, ended)


if __name__ == "__main__":
    address, secret, rate_, seconds_, readers_ = sys.argv[1:]
    result = asyncio.run(load(address, secret, float(rate_), float(seconds_), int(readers_)))
    print(json.dumps(asdict(result)))
