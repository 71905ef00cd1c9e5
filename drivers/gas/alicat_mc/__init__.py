"""The Alicat mass flow controllers (MC series, 16-Series and others that speak Alicat's ASCII)."""

from drivers.core.driver import Driver
from drivers.core.limits import between
from drivers.gas.alicat_mc.options import Options

DRIVER = Driver(
    summary="Alicat MC, a mass flow controller for gases",
    role="GasFlow",
    device="drivers.gas.alicat_mc.device:AlicatMc",
    timing="drivers.gas.alicat_mc.timing:GasTiming",
    options=Options,
    schemes=("serial", "tcp", "sim"),
    limits={
        # Of the whole series; the one at hand has the full scale of its options.
        "flow": between("0.1 sccm", "5000 slm", "gas_flow"),
        "duration": between("0 s", "7 d", "time"),
    },
)
