"""The Liconic StoreX STX44, an automated incubator or cooler with two cassettes."""

from drivers.core.driver import Driver
from drivers.core.limits import between
from drivers.incubators.liconic_stx.options import Options

#: Slots: two cassettes of 22, counted cassette by cassette, from below.
CASSETTES, POSITIONS = 2, 22

DRIVER = Driver(
    summary="Liconic STX44, an automated incubator or cooler",
    role="Incubator",
    device="drivers.incubators.liconic_stx.device:STX",
    options=Options,
    schemes=("serial", "sim"),
    # What the family does; each model does a part of it, to which lab.toml narrows it.
    limits={"temperature": between("4 degC", "50 degC", "temperature")},
    sites=("transfer", *(str(slot) for slot in range(1, CASSETTES * POSITIONS + 1))),
    timing="drivers.incubators.liconic_stx.timing:StxTiming",
)
