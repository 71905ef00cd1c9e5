"""The Azenta automated roll heat sealer, formerly the Brooks (4titude) a4S."""

from collections.abc import Mapping

from drivers.core.driver import Driver
from drivers.core.limits import between
from drivers.sealers.azenta_a4s.options import Options

#: How long parts of a seal take beside its own time: the shuttle in and out, film and press. Estimates. A cold heater
#: takes `SECONDS["heat"]` times ln(difference / 0.5 degC) to be ready, which fits the first half minute of a recorded
#: warm-up (22.4, 43.2 and 58.8 degC 0, 14 and 22 s after the command; AD-SDL, `a4s_sealer_module`); it cools by itself.
SECONDS: Mapping[str, float] = {"shuttle": 4.0, "seal": 6.0, "heat": 40.0, "cool": 600.0}

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
)
