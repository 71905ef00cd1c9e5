"""What an action measured, as Bluesky reads it: one event in the stream of its step."""

from collections.abc import Iterator
from typing import Any

from drivers.core.command import Readings
from orchestrator.frames import Frame, Frames


class StepReading:
    """The readings of one action, under the name of its device; wells are arrays in the order of `<device>_wells`."""

    parent = None

    def __init__(
        self, device: str, readings: Readings, at_s: float, frame: Frame | None = None, frames: Frames | None = None
    ) -> None:
        self.name = device
        self._readings = readings
        self._at_s = at_s
        self._frame, self._frames = frame, frames
        pixels = frame and (frame.series.key, frame.shape, frame.dtype)
        self._shape = (device, pixels, *((one.quantity, one.unit, one.wells and tuple(one.wells)) for one in readings))

    def __eq__(self, other: object) -> bool:
        """Readings of the same quantities in the same wells belong to one descriptor, as a step that is done again."""
        return isinstance(other, StepReading) and self._shape == other._shape

    def __hash__(self) -> int:
        return hash(self._shape)

    def read(self) -> dict[str, Any]:
        """Values with their time (seconds since 1970)."""
        return {
            f"{self.name}_{reading.quantity}": {
                "value": reading.value if reading.wells is None else list(reading.wells.values()),
                "timestamp": self._at_s,
            }
            for reading in self._readings
        }

    def describe(self) -> dict[str, Any]:
        """Units and shapes; of an image, that a file has it."""
        outside = {self._frame.series.key: self._frame.describe()} if self._frame is not None else {}
        return outside | {
            f"{self.name}_{reading.quantity}": {
                "source": f"lab:{self.name}",
                "dtype": "number" if reading.wells is None else "array",
                "shape": [] if reading.wells is None else [len(reading.wells)],
                "units": reading.unit,
            }
            for reading in self._readings
        }

    def collect_asset_docs(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The documents that say where the image is."""
        if self._frame is not None and self._frames is not None:
            yield from self._frames.documents(self._frame)

    def read_configuration(self) -> dict[str, Any]:
        """The wells that were read, in order."""
        wells = self._wells()
        return {f"{self.name}_wells": {"value": wells, "timestamp": self._at_s}} if wells else {}

    def describe_configuration(self) -> dict[str, Any]:
        """Shape of the list of wells."""
        wells = self._wells()
        key = {"source": f"lab:{self.name}", "dtype": "array", "shape": [len(wells)]}
        return {f"{self.name}_wells": key} if wells else {}

    def _wells(self) -> list[str]:
        return next((list(reading.wells) for reading in self._readings if reading.wells is not None), [])
