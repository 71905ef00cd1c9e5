"""How long an image takes: its exposure; readout is short beside it."""

from collections.abc import Mapping
from typing import Any

from drivers.core.timing import Timing


class AreaDetectorTiming(Timing):
    """One detector."""

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """An exposure."""
        if verb != "expose":
            raise KeyError(verb)
        return float(args.get("exposure_s") or self.options.exposure_s)
