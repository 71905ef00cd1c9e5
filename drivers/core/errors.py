"""What can go wrong between the lab and an instrument.

Two questions matter to whoever must go on afterwards: did anything happen in the physical world
(`outcome`), and may the same command simply be tried again (`recoverable`)?
"""

from typing import ClassVar, Literal

Outcome = Literal["not_started", "failed", "unknown"]


class DeviceError(Exception):
    """An instrument did not do what was asked: says what, where, and how to mend it."""

    outcome: ClassVar[Outcome] = "unknown"
    recoverable: ClassVar[bool] = False

    def __init__(self, message: str, *, device: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.device = device
        self.hint = hint

    def __str__(self) -> str:
        where = f"{self.device}: " if self.device else ""
        return f"{where}{self.message}" + (f" {self.hint}" if self.hint else "")


class LimitError(DeviceError):
    """The driver refused before the wire: an argument is outside the device's limits."""

    outcome = "not_started"
    recoverable = True


class CommandRefused(DeviceError):
    """The device answered no before it began; nothing moved."""

    outcome = "not_started"
    recoverable = True


class CommandFailed(DeviceError):
    """The device began and reported a failure; what was done so far is for a person or a sensor to say."""

    outcome = "failed"


class CommandStopped(CommandFailed):
    """A stop interrupted the running command."""


class ConnectionFailed(DeviceError):
    """No connection could be made; nothing was sent."""

    outcome = "not_started"
    recoverable = True


class ConnectionLost(DeviceError):
    """The connection ended after a command was sent and before its answer came."""


class ReplyTimeout(DeviceError):
    """No answer within the time the command may take."""


class ProtocolViolation(DeviceError):
    """The device answered something that its protocol does not allow."""
