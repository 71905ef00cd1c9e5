"""The Tecan Cavro XLP 6000 syringe pump with a distribution valve."""

from drivers.core.driver import Driver
from drivers.core.limits import between
from drivers.pumps.cavro_xlp.options import Options

DRIVER = Driver(
    summary="Tecan Cavro XLP 6000, a syringe pump with a valve",
    role="Pump",
    device="drivers.pumps.cavro_xlp.device:CavroXlp",
    timing="drivers.pumps.cavro_xlp.timing:PumpTiming",
    options=Options,
    schemes=("serial", "tcp", "sim"),
    limits={
        # Of all syringes, 50 uL to 25 mL; which of these speeds a syringe has, follows from its own volume.
        "volume": between("1 nL", "25 mL", "volume"),
        "rate": between("0.04 uL/s", "25 mL/s", "flow"),
    },
    sites=("inlet", "outlet"),
)
