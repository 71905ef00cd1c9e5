"""The HighRes Biosolutions MicroSpin, an automated centrifuge with two buckets."""

from collections.abc import Mapping

from drivers.centrifuges.highres_microspin.options import Options
from drivers.core.driver import Driver
from drivers.core.limits import between

#: How long motions take, and the ramps of a spin: `accelerate` from rest to 3000 x g at full acceleration (an
#: estimate); `brake` back to rest at full deceleration. At a share d of it braking takes `brake` / d ** `BRAKE_POWER`,
#: and as much less as the speed is lower: fitted to the spin-downs that PyLabRobot reports (1000 x g at 20 %: 7 min;
#: at 10 %: more than 17 min).
SECONDS: Mapping[str, float] = {"home": 15.0, "open_door": 6.0, "close": 4.0, "accelerate": 15.0, "brake": 79.0}
BRAKE_POWER = 1.35

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
)
