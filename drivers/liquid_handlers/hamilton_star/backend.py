"""PyLabRobot's STAR backend on our transport: the same commands, but no thread of its own.

Its base class reads in a thread, which no clock of ours knows; the class here takes that base's place in the order of
methods, and finds the answer to each command by its id on the loop. An answer to nobody, one that came too late, an
echo, and what is no whole message, are thrown away.
"""

# ruff: noqa: ASYNC109  (the names of the parameters are PyLabRobot's)

import asyncio
import contextlib
import re
from typing import Any

from pylabrobot.liquid_handling.backends.backend import LiquidHandlerBackend
from pylabrobot.liquid_handling.backends.hamilton.base import HamiltonLiquidHandler
from pylabrobot.liquid_handling.backends.hamilton.STAR_backend import STARBackend
from pylabrobot.resources.hamilton import STARLetDeck

from drivers.core.errors import CommandStopped, ConnectionLost
from drivers.core.plr import Dial, TransportIo
from drivers.liquid_handlers.hamilton_star import wire

_ANSWER = re.compile(r"([A-Z][0-9A-Z][A-Z]{2})id(\d{4})")


class Firmware(TransportIo):
    """Commands and their answers, which may come in any order."""

    def __init__(self, dial: Dial) -> None:
        super().__init__(dial)
        self._waiting: dict[str, tuple[str, asyncio.Future[str]]] = {}
        self._listener: asyncio.Task[None] | None = None

    async def setup(self) -> None:
        """Dial and listen."""
        await super().setup()
        self._listener = asyncio.get_running_loop().create_task(self._listen())

    async def stop(self) -> None:
        """Hang up; whoever still waits is told so."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)
        self.fail(ConnectionLost("the connection was closed before it had answered."))
        await super().stop()

    async def ask(self, command: str, timeout: float) -> str:
        """Send a command and wait for its answer; raises `TimeoutError` when none comes."""
        found = _ANSWER.match(command)
        if found is None:
            raise ValueError(f"{command[:20]!r} has no id")
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        key = found[0]
        self._waiting[key] = command, future
        try:
            await self.write(wire.encode(command))
            return await asyncio.wait_for(future, timeout)
        except TimeoutError:
            raise TimeoutError(f"no answer to {command[:4]} within {timeout:g} s") from None
        finally:
            self._waiting.pop(key, None)

    def fail(self, error: Exception) -> None:
        """End all waiting with an error."""
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(error)
        self._waiting.clear()

    async def _listen(self) -> None:
        messages, why = wire.Messages(), "it hung up."
        with contextlib.suppress(ConnectionLost):
            while data := await self._open().receive():
                for text in messages.feed(data):
                    self._hear(text)
        self.fail(ConnectionLost(why))

    def _hear(self, text: str) -> None:
        found = _ANSWER.match(text)
        if found is None or not text.isascii() or len(_ANSWER.findall(text)) > 1:
            return
        command, future = self._waiting.get(found[0], ("", None))
        if future is not None and text != command and not future.done():
            future.set_result(text)


class _OnLoop(HamiltonLiquidHandler):
    """In place of PyLabRobot's base: no thread."""

    io: Firmware

    async def setup(self, *_: Any, **__: Any) -> None:
        """Dial, unless that was done."""
        await LiquidHandlerBackend.setup(self)
        if not self.io.connected:
            await self.io.setup()

    async def stop(self) -> None:
        """Hang up."""
        await self.io.stop()

    async def _write_and_read_command(
        self, id_: int | None, cmd: str, write_timeout: int | None = None, read_timeout: int | None = None,
        wait: bool = True,
    ) -> str | None:  # fmt: skip
        answer = await self.io.ask(cmd, self.read_timeout if read_timeout is None else read_timeout)
        self.check_fw_string_error(answer)
        return answer


class Backend(STARBackend, _OnLoop):
    """PyLabRobot's STAR backend over a transport."""

    def __init__(self, dial: Dial) -> None:
        super().__init__()
        self.io = Firmware(dial)
        self.set_deck(STARLetDeck())

    async def halt_now(self) -> None:
        """`AJ` past everything; its answer is nobody's."""
        self.io.fail(CommandStopped("it was stopped."))
        await self.io.write_past(wire.encode(f"C0AJid{9999 - self.id_ % 1000:04}"))

    async def deck_data(self) -> str:
        """The answer to `VD` as it is."""
        told: Any = await self.request_deck_data()
        return str(told)
