"""The Thermo Fisher (Applied Biosystems) ATC, an automated thermal cycler with a lid that moves."""

from collections.abc import Mapping

from drivers.core.driver import Driver
from drivers.core.limits import between
from drivers.thermocyclers.thermo_atc.options import Options

#: How long the lid takes to open or close, and how quickly block and lid change (degC/s). The block's is the greatest
#: ramp that PyLabRobot writes into a method (6.0); the others are estimates. A run begins when the lid is hot.
SECONDS: Mapping[str, float] = {"open_lid": 8.0, "close_lid": 8.0}
BLOCK_C_S, LID_C_S = 6.0, 0.8

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
)
