"""The Brooks (Precise Automation) PreciseFlex 400 plate mover."""

from drivers.arms.precise_pf400.options import Options
from drivers.core.driver import Driver
from drivers.core.limits import between

DRIVER = Driver(
    summary="Brooks PreciseFlex 400, a plate mover",
    role="PlateMover",
    device="drivers.arms.precise_pf400.device:PF400",
    timing="drivers.arms.precise_pf400.timing:ArmTiming",
    motion="drivers.arms.precise_pf400.motion:ArmMotion",
    options=Options,
    schemes=("tcp", "sim"),
    limits={
        # The arm's links: 302 + 289 + 162 mm (long) or 225 + 210 + 162 mm; columns of up to 1160 mm.
        "reach": between("100 mm", "753 mm", "length"),
        "height": between("0 mm", "1160 mm", "length"),
        "speed": between("1 %", "100 %", "ratio"),
    },
)
