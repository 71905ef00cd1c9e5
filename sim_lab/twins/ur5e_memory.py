"""What programs and clients of a UR5e's controller share: registers, digital and analogue signals."""

import asyncio
from typing import Any

from drivers.arms.universal_ur5e.wire import INPUTS

#: Bits of the digital signals: eight standard ones, eight configurable ones, two at the tool.
PLACES = {"standard": 0, "configurable": 8, "tool": 16}
_ZERO: dict[str, Any] = {"VECTOR6D": (0.0,) * 6, "DOUBLE": 0.0}


class Memory:
    """Kept until the controller is switched off. `inputs` are the variables that clients set."""

    def __init__(self) -> None:
        self.inputs: dict[str, Any] = {name: _ZERO.get(kind, 0) for name, kind in INPUTS.items()}
        self.ints = [0] * 48  # output registers
        self.doubles = [0.0] * 48
        self.digital_in = 0
        self.digital_out = 0
        self._changed = asyncio.Event()

    def write(self, values: dict[str, Any]) -> None:
        """A data package of a client has come."""
        self.inputs.update(values)
        for group, place in PLACES.items():
            mask = values.get(f"{group}_digital_output_mask", 0) << place
            level = values.get(f"{group}_digital_output", 0) << place
            self.digital_out = self.digital_out & ~mask | level & mask
        self._changed.set()
        self._changed = asyncio.Event()

    async def change(self) -> None:
        """Wait for the next data package."""
        await self._changed.wait()

    def switch(self, output: int, on: bool) -> None:
        """Set a digital output."""
        self.digital_out = self.digital_out & ~(1 << output) | on << output
