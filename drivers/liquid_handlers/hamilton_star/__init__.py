"""Hamilton Microlab STAR (a STARlet) through its firmware's text."""

from drivers.core.capability import Argument, Capability
from drivers.core.driver import Driver
from drivers.core.limits import between
from drivers.liquid_handlers.hamilton_star.deck import SITES
from drivers.liquid_handlers.hamilton_star.options import Options

DRIVER = Driver(
    summary="Hamilton STARlet liquid handler: 8 channels, 96 head, iSWAP",
    role="LiquidHandler",
    device="drivers.liquid_handlers.hamilton_star.device:STAR",
    timing="drivers.liquid_handlers.hamilton_star.timing:StarTiming",
    pipetting="drivers.liquid_handlers.hamilton_star.pipettes:PIPETTING",
    options=Options,
    schemes=("usb", "tcp", "sim"),
    # Volumes: what 1000 uL channels with 50 to 1000 uL tips carry; rates: the firmware's range of piston speeds.
    limits={
        "volume": between("0.5 uL", "1000 uL", "volume"),
        "rate": between("0.4 uL/s", "500 uL/s", "flow"),
    },
    capabilities={
        "move_plate": Capability(
            "carries a plate on its own deck with the iSWAP",
            harmless=False,
            arguments={"source": Argument("source", SITES), "destination": Argument("destination", SITES)},
        ),
    },
    sites=SITES,
)
