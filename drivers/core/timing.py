"""How long an instrument takes, by documented figures: what durations are predicted from before anything runs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from drivers.core.labware import LabwareKind, from_definition, kind


class CannotDo(ValueError):
    """The device's figures say that it cannot do this at all; the text says why."""


class Timing(ABC):
    """One device at the start of a run; each command that it is asked about is one that it has done afterwards.

    The figures are those of the device's own package: its twin takes its times from there as well, so that what is
    predicted and what the twin does have one source.
    """

    def __init__(self, name: str, options: Any) -> None:
        self.name = name
        self.options = options

    @property
    def connect_s(self) -> float:
        """From dialling to ready, for a device that was just switched on."""
        return 0.0

    @abstractmethod
    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """How long the device is busy with a command, s; raises `CannotDo`, or `KeyError` for an unknown verb."""


class AtOnce(Timing):
    """A device whose commands take no time worth the name."""

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """Nothing."""
        return 0.0


def kind_told(definition: str | Mapping[str, Any]) -> LabwareKind:
    """The labware that a command names or carries."""
    return kind(definition) if isinstance(definition, str) else from_definition(definition)
