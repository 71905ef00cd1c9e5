"""A driver from outside, found by its entry point: each action appends a time stamp to a file, and nothing else."""

import os
import time

from pydantic import BaseModel, ConfigDict, Field

from drivers.core.beamline import Axis
from drivers.core.driver import Driver
from drivers.core.instrument import Readings
from drivers.core.transport import Transport


class Options(BaseModel):
    """Where the stamps go."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    stamps: str = Field(description="A file.")


class Nowhere(Transport):
    """A line to nothing."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def open(self) -> None:
        """Nothing to open."""

    async def send(self, data: bytes) -> None:
        """Nobody listens."""

    async def receive(self) -> bytes:
        """Nobody speaks."""
        return b""

    async def close(self) -> None:
        """Nothing to close."""


class Noop(Axis[Options]):
    """Does nothing, and says when."""

    async def open(self) -> None:
        """Open the file."""
        self._file = os.open(self.options.stamps, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def close(self) -> None:
        """Close it."""
        os.close(self._file)

    async def stop(self, success: bool = True) -> None:
        """It is at rest."""

    async def make_safe(self) -> None:
        """It always is."""

    async def move(self, position_mm: float) -> None:
        """A time stamp, s since 1970."""
        os.write(self._file, f"{time.time():.6f}\n".encode())

    async def position(self) -> Readings:
        """Nowhere."""
        return ()


DRIVER = Driver("does nothing", "Axis", "bench_noop:Noop", Options, ("noop",))
