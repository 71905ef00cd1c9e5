"""The roles of a beamline's devices; their verbs stand in the table of all roles."""

from abc import abstractmethod
from typing import Any

from drivers.core.instrument import Instrument, OptionsT, Readings
from drivers.core.verbs import ROLES


class Axis(Instrument[OptionsT]):
    """One motion of a beamline device, in mm."""

    verbs = ROLES["Axis"].verbs

    @abstractmethod
    async def move(self, position_mm: float) -> None:
        """Go to an absolute position; returns when it is reached."""

    @abstractmethod
    async def position(self) -> Readings:
        """Where it is now."""

    @abstractmethod
    async def make_safe(self) -> None:
        """Stopped and at rest, wherever that is."""


class Diffractometer(Instrument[OptionsT]):
    """Turns sample and detector in a beam and counts what the sample scatters; angles in degrees."""

    verbs = ROLES["Diffractometer"].verbs

    @abstractmethod
    async def drive(self, two_theta_deg: float) -> None:
        """Bring the detector to 2 theta and the sample to theta; returns when both are at rest there."""

    @abstractmethod
    async def measure(self, exposure_s: float | None = None) -> Readings:
        """Count here: `two_theta` in deg, `intensity` in counts/s and the `wavelength` of the beam in nm."""

    @abstractmethod
    async def make_safe(self) -> None:
        """Not counting, stopped and at rest, wherever that is."""


class AreaDetector(Instrument[OptionsT]):
    """Takes images of what falls on its pixels; `image` is the newest, rows of pixels as a numpy array."""

    verbs = ROLES["AreaDetector"].verbs
    image: Any = None

    @abstractmethod
    async def expose(self, exposure_s: float | None = None) -> Readings:
        """One image: `total` and `maximum` in counts, and its `exposure` in s."""

    @abstractmethod
    async def make_safe(self) -> None:
        """Not exposing."""


class OphydDevice(Instrument[OptionsT]):
    """A device of a beamline's own, which keeps its own units."""

    verbs = ROLES["OphydDevice"].verbs

    @abstractmethod
    async def measure(self) -> Readings:
        """Every number that it reads."""

    @abstractmethod
    async def move(self, position: float) -> None:
        """To a position in its own unit; returns when it is there."""

    @abstractmethod
    async def make_safe(self) -> None:
        """Stopped, by its own word."""
