"""The Azenta automated roll heat sealer, formerly the Brooks (4titude) a4S."""

from drivers.core.driver import Driver
from drivers.core.limits import between
from drivers.sealers.azenta_a4s.options import Options

DRIVER = Driver(
    summary="Azenta a4S, a heat sealer for plates",
    role="Sealer",
    device="drivers.sealers.azenta_a4s.device:A4S",
    options=Options,
    schemes=("serial", "sim"),
    limits={
        "temperature": between("50 degC", "200 degC", "temperature"),  # PyLabRobot's range
        "duration": between("0.5 s", "10 s", "time"),
    },
    sites=("tray",),
    timing="drivers.sealers.azenta_a4s.timing:SealerTiming",
)
