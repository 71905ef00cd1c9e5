"""The Thermo Fisher (Applied Biosystems) ATC, an automated thermal cycler with a lid that moves."""

from drivers.core.driver import Driver
from drivers.core.limits import between
from drivers.thermocyclers.thermo_atc.options import Options

DRIVER = Driver(
    summary="Thermo ATC, an automated thermal cycler",
    role="Thermocycler",
    device="drivers.thermocyclers.thermo_atc.device:ATC",
    options=Options,
    schemes=("tcp", "sim"),
    limits={
        "temperature": between("4 degC", "99.9 degC", "temperature"),
        "lid_temperature": between("30 degC", "110 degC", "temperature"),
        "duration": between("1 s", "7 d", "time"),
    },
    sites=("block",),
    timing="drivers.thermocyclers.thermo_atc.timing:CyclerTiming",
)
