"""Points at which a worker can be killed: around each write of the journal, each message to or from a device, and each
taking and answering of a request."""

import os
import signal
from asyncio import selector_events
from collections.abc import Callable
from typing import Any

from orchestrator.store import requests
from orchestrator.store.log import StoreLog

_Socket: Any = selector_events._SelectorSocketTransport  # noqa: SLF001 - where every byte of asyncio passes


class Points:
    """Counts the points that a process passes; at number `fatal` it is killed, as a power cut would."""

    def __init__(self, fatal: int | None) -> None:
        self.passed = 0
        self.fatal = fatal

    def hit(self) -> None:
        """One more point."""
        self.passed += 1
        if self.passed == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """From now on in this process."""
        self._around(StoreLog, "write")
        self._around(_Socket, "write")
        self._around(_Socket, "_read_ready__data_received")
        self._around(requests, "take")
        self._around(requests, "answer")

    def _around(self, kind: Any, method: str) -> None:
        was: Callable[..., Any] = getattr(kind, method)

        def hit_around(this: Any, *args: Any, **more: Any) -> Any:
            self.hit()
            result = was(this, *args, **more)
            self.hit()
            return result

        setattr(kind, method, hit_around)
