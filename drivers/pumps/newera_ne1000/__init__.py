"""The New Era NE-1000 family of syringe pumps (NE-300, NE-500, NE-1000, NE-1600, NE-4000 and others)."""

from drivers.core.driver import Driver
from drivers.core.limits import between
from drivers.pumps.newera_ne1000.options import Options

DRIVER = Driver(
    summary="New Era NE-1000, a syringe pump",
    role="Pump",
    device="drivers.pumps.newera_ne1000.device:Ne1000",
    timing="drivers.pumps.newera_ne1000.timing:PumpTiming",
    options=Options,
    schemes=("serial", "tcp", "sim"),
    limits={
        # What the family can do with a 60 mL syringe; a pump tells itself when a rate is too much for its syringe.
        "volume": between("1 nL", "60 mL", "volume"),
        "rate": between("0.01 uL/min", "25 mL/min", "flow"),
    },
    sites=("line",),
)
