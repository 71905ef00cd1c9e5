"""The Azenta (Nexus) XPeel automated plate seal remover."""

from collections.abc import Mapping

from drivers.core.driver import Driver
from drivers.peelers.azenta_xpeel.options import Options

#: How long a peel takes beside its adhere time, a motion of the conveyor, and a reset. Estimates.
SECONDS: Mapping[str, float] = {"peel": 12.0, "motion": 3.0, "reset": 6.0}

DRIVER = Driver(
    summary="Azenta XPeel, which takes seals off plates",
    role="Peeler",
    device="drivers.peelers.azenta_xpeel.device:XPeel",
    options=Options,
    schemes=("serial", "sim"),
    sites=("tray",),
)
