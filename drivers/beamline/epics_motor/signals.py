"""Process variables that a driver reads and writes one by one, through ophyd; every write is answered by its server.

A write that nobody answers may be lost on its way: what goes on then, goes on with the value from before. So each one
is a `ca_put_callback`, of which the answer is waited for, and each value is asked for, never taken from a monitor.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from drivers.beamline.epics_motor import client
from drivers.beamline.epics_motor.client import DisconnectedError, OutsideRecord, WireError
from drivers.core.errors import (
    CommandRefused,
    ConnectionFailed,
    ConnectionLost,
    DeviceError,
    LimitError,
    ProtocolViolation,
    ReplyTimeout,
)

T = TypeVar("T")
RUNNING = "Is the IOC running?"
POLL_S = 0.05  # while an answer says that it ended and the record does not


async def ask(device: str, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Call ophyd in a thread; its errors become ours."""
    with explained(device):
        return await asyncio.to_thread(call, *args, **kwargs)


@contextlib.contextmanager
def explained(device: str) -> Iterator[None]:
    """What ophyd and caproto raise, as errors of ours with the device's name."""
    try:
        yield
    except OutsideRecord as error:
        hint = "Choose a position inside LLM to HLM of the record."
        raise LimitError(f"its record refuses: {error}.", device=device, hint=hint) from error
    except DisconnectedError as error:
        raise ConnectionLost("its record is not connected.", device=device, hint=RUNNING) from error
    except TimeoutError as error:
        raise ReplyTimeout(f"no answer: {error}.", device=device, hint=RUNNING) from error
    except KeyError as error:
        if error.args != ("response",):
            raise
        # caproto wakes whoever waits when a connection ends, and then looks for the answer that never came.
        raise ConnectionLost("the connection ended before the answer.", device=device, hint=RUNNING) from error
    except OSError as error:
        raise ConnectionLost(f"the connection ended: {error}.", device=device, hint=RUNNING) from error
    except WireError as error:
        raise ProtocolViolation(f"{type(error).__name__}: {error}.", device=device, hint="See the IOC.") from error


class Signals:
    """Process variables of one device, by what its driver calls them; none before `open`."""

    def __init__(self, device: str, server: str, reply_s: float) -> None:
        self._device, self._server, self._reply_s = device, server, reply_s
        self._held: dict[str, Any] = {}

    async def open(self, names: Mapping[str, str], timeout_s: float) -> None:
        """Find them all; raises `ConnectionFailed`, and then none is held."""
        await asyncio.to_thread(client.hold, self._server)
        try:
            self._held = await ask(self._device, client.signals, names, timeout_s)
        except BaseException as error:
            await asyncio.to_thread(client.release, self._server)
            if isinstance(error, DeviceError):
                hint = "Is the IOC running, and are the names of lab.toml its?"
                raise ConnectionFailed(error.message, device=self._device, hint=hint) from error
            raise

    async def close(self) -> None:
        """Let go of them; what runs goes on."""
        held, self._held = self._held, {}
        if held:
            await asyncio.to_thread(client.give_back, *held.values())
            await asyncio.to_thread(client.release, self._server)

    async def get(self, name: str) -> Any:
        """The value that its server has now."""
        return await ask(self._device, self._known(name).get, use_monitor=False, timeout=self._reply_s)

    async def put(self, name: str, value: float) -> None:
        """Write, and wait for the answer."""
        await ask(self._device, self._known(name).put, value, wait=True, timeout=self._reply_s)

    async def begin(self, name: str) -> None:
        """Write 1 to what goes on for a while; whether it does, the caller sees."""
        await ask(self._device, self._known(name).put, 1)

    async def run(self, name: str, seconds: float, late_s: float) -> None:
        """Write 1 to what is answered when it has ended; `late_s` over its time it is ended by a 0, and counts as lost.

        The record itself is asked as well: an answer alone may be an echo of the question, which looks the same.
        Raises `ReplyTimeout` and `ConnectionLost`. A stop is a 0 from elsewhere: this then returns as at its end.
        """
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        signal = self._known(name)

        def tell(error: Exception | None) -> None:
            if not ended.done():
                ended.set_exception(error) if error else ended.set_result(None)

        def told(connected: bool = True, **_: Any) -> None:
            if not connected:
                gone = ConnectionLost("the connection ended in mid-count.", device=self._device, hint=RUNNING)
                loop.call_soon_threadsafe(tell, gone)

        watch = signal.subscribe(told, event_type=signal.SUB_META, run=False)
        try:
            async with asyncio.timeout(seconds + late_s):
                status = await ask(self._device, signal.set, 1)
                status.add_callback(lambda _: loop.call_soon_threadsafe(tell, None))
                await ended
                while await self.get(name):  # noqa: ASYNC110 - the record is in another process
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            await self.put(name, 0)
            late = f"its end did not come in {seconds + late_s:g} s."
            raise ReplyTimeout(late, device=self._device, hint="Does its clock run?") from None
        finally:
            signal.unsubscribe(watch)

    def _known(self, name: str) -> Any:
        if name not in self._held:
            raise CommandRefused("it is not connected.", device=self._device)
        return self._held[name]
