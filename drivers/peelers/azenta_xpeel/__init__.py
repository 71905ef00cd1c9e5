"""The Azenta (Nexus) XPeel automated plate seal remover."""

from drivers.core.driver import Driver
from drivers.peelers.azenta_xpeel.options import Options

DRIVER = Driver(
    summary="Azenta XPeel, which takes seals off plates",
    role="Peeler",
    device="drivers.peelers.azenta_xpeel.device:XPeel",
    options=Options,
    schemes=("serial", "sim"),
    sites=("tray",),
    timing="drivers.peelers.azenta_xpeel.timing:PeelerTiming",
)
