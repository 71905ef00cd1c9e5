"""Opentrons OT-2 over the HTTP API of its robot server."""

from drivers.core.capability import Argument, Capability
from drivers.core.driver import Driver
from drivers.core.limits import between
from drivers.liquid_handlers.opentrons_ot2.options import Options

DRIVER = Driver(
    summary="Opentrons OT-2 liquid handler, HTTP API",
    role="LiquidHandler",
    device="drivers.liquid_handlers.opentrons_ot2.device:OT2",
    timing="drivers.liquid_handlers.opentrons_ot2.timing:RobotTiming",
    pipetting="drivers.liquid_handlers.opentrons_ot2.pipettes:PIPETTING",
    options=Options,
    schemes=("http", "sim"),
    # What any OT-2 pipette can carry: Opentrons pipette name specs, p10 to p1000.
    limits={
        "volume": between("0.1 uL", "1000 uL", "volume"),
        "rate": between("0.1 uL/s", "1000 uL/s", "flow"),
    },
    capabilities={
        "blink": Capability(
            "blinks its lights, so that a person finds it",
            harmless=True,
            arguments={"duration": Argument("duration_s", between("1 s", "60 s", "time"), default=5.0)},
        ),
        "lights": Capability(
            "its rail lights, which are off where light must not come",
            harmless=True,
            arguments={"state": Argument("state", ("on", "off"))},
        ),
    },
    sites=tuple(str(slot) for slot in range(1, 12)),  # slot 12 is the fixed trash
)
