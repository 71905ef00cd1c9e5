"""The Azenta (Nexus) XPeel automated plate seal remover."""

from drivers.core.capability import Capability
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
    capabilities={
        "tape_left": Capability("reads `seals_left` of the tape, and `spool_room` for used ones", harmless=True),
        "advance_tape": Capability("winds its tape on by one seal, past a spot that does not stick", harmless=False),
    },
)
