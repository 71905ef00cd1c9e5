"""Furnaces behind a Eurotherm 3200 controller (3216, 3208, 3204), or another with its Modbus addresses."""

from drivers.core.driver import Driver
from drivers.core.limits import between
from drivers.furnaces.eurotherm_3200.options import Options

DRIVER = Driver(
    summary="a furnace behind a Eurotherm 3200 controller (Modbus TCP or RTU)",
    role="Furnace",
    device="drivers.furnaces.eurotherm_3200.device:Eurotherm3200",
    timing="drivers.furnaces.eurotherm_3200.timing:FurnaceTiming",
    options=Options,
    schemes=("tcp", "serial", "sim"),
    limits={
        "temperature": between("0 degC", "1800 degC", "temperature"),
        "ramp": between("0.1 K/min", "100 K/min", "ramp"),
        "duration": between("0 s", "30 d", "time"),
    },
    sites=("chamber",),
)
