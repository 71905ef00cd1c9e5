"""The Liconic StoreX STX44, an automated incubator or cooler with two cassettes."""

from collections.abc import Mapping

from drivers.core.driver import Driver
from drivers.core.limits import between
from drivers.incubators.liconic_stx.options import Options

#: Slots: two cassettes of 22, counted cassette by cassette, from below.
CASSETTES, POSITIONS = 2, 22

#: How long verbs take. Estimates, inside the 60 s that PyLabRobot's driver waits for. A change of temperature takes
#: `SECONDS["settle"]` times ln(change / 0.5 degC).
SECONDS: Mapping[str, float] = {"move_labware": 20.0, "initialise": 12.0, "gate": 3.0, "settle": 1500.0}

DRIVER = Driver(
    summary="Liconic STX44, an automated incubator or cooler",
    role="Incubator",
    device="drivers.incubators.liconic_stx.device:STX",
    options=Options,
    schemes=("serial", "sim"),
    # What the family does; each model does a part of it, to which lab.toml narrows it.
    limits={"temperature": between("4 degC", "50 degC", "temperature")},
    sites=("transfer", *(str(slot) for slot in range(1, CASSETTES * POSITIONS + 1))),
)
