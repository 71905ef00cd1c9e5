"""Opentrons Flex over the HTTP API of its robot server: the OT-2's driver on another deck, with a gripper."""

from drivers.core.capability import Argument, Capability
from drivers.core.driver import Driver
from drivers.core.limits import between
from drivers.liquid_handlers.opentrons_flex.options import SLOTS, Options
from drivers.liquid_handlers.opentrons_ot2 import DRIVER as OT2

DRIVER = Driver(
    summary="Opentrons Flex liquid handler with a gripper, HTTP API",
    role="LiquidHandler",
    device="drivers.liquid_handlers.opentrons_flex.device:Flex",
    timing="drivers.liquid_handlers.opentrons_flex.device:FlexTiming",
    pipetting="drivers.liquid_handlers.opentrons_flex.pipettes:PIPETTING",
    options=Options,
    schemes=("http", "sim"),
    # What any Flex pipette can carry: Opentrons pipette name specs, p50 and p1000.
    limits={"volume": between("1 uL", "1000 uL", "volume"), "rate": between("0.1 uL/s", "1000 uL/s", "flow")},
    capabilities={
        **OT2.capabilities,
        "move_plate": Capability(
            "carries a plate on its own deck with its gripper",
            harmless=False,
            arguments={"source": Argument("source", SLOTS), "destination": Argument("destination", SLOTS)},
        ),
    },
    sites=SLOTS,
)
