"""The IKA RCT magnetic stirrers with heating (RCT digital, RCT basic; RET and C-MAG speak the same words)."""

from drivers.core.driver import Driver
from drivers.core.limits import between
from drivers.hotplates.ika_rct.options import Options

DRIVER = Driver(
    summary="IKA RCT, a hotplate with stirrer (NAMUR)",
    role="Hotplate",
    device="drivers.hotplates.ika_rct.device:IkaRct",
    timing="drivers.hotplates.ika_rct.timing:HotplateTiming",
    options=Options,
    schemes=("serial", "tcp", "sim"),
    limits={
        "temperature": between("0 degC", "310 degC", "temperature"),
        "speed": between("0 rpm", "1500 rpm", "rotation"),
        "ramp": between("0.1 K/min", "20 K/min", "ramp"),
        "duration": between("0 s", "7 d", "time"),
    },
    sites=("plate",),
)
