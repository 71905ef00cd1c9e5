"""The QInstruments BioShake heater shakers with plate lock (3000-T elm, D30-T elm, Q1, Q2)."""

from drivers.core.driver import Driver
from drivers.core.limits import between
from drivers.shakers.qinstruments_bioshake.options import Options

DRIVER = Driver(
    summary="QInstruments BioShake, a heater shaker with plate lock",
    role="HeaterShaker",
    device="drivers.shakers.qinstruments_bioshake.device:BioShaker",
    timing="drivers.shakers.qinstruments_bioshake.timing:ShakerTiming",
    options=Options,
    schemes=("serial", "sim"),
    limits={
        # What the family can do; each device tells its own range, which is asked before every command.
        "speed": between("200 rpm", "3000 rpm", "rotation"),
        "temperature": between("0 degC", "99 degC", "temperature"),
        "duration": between("0 s", "7 d", "time"),
    },
    sites=("nest",),
)
