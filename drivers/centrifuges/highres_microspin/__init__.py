"""The HighRes Biosolutions MicroSpin, an automated centrifuge with two buckets."""

from drivers.centrifuges.highres_microspin.options import Options
from drivers.core.driver import Driver
from drivers.core.limits import between

DRIVER = Driver(
    summary="HighRes MicroSpin, a centrifuge for plates",
    role="Centrifuge",
    device="drivers.centrifuges.highres_microspin.device:MicroSpin",
    options=Options,
    schemes=("tcp", "sim"),
    limits={
        # Up to 3000 x g (data sheet); below 30 x g it may not notice that it has come to rest (PyLabRobot).
        "force": between("30 xg", "3000 xg", "acceleration"),
        "duration": between("1 s", "6 h", "time"),
    },
    sites=("bucket",),
    timing="drivers.centrifuges.highres_microspin.timing:CentrifugeTiming",
)
