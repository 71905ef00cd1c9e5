"""The Thermo Scientific Cytomat automated incubators that number their slots (6000, 6002, 2 C 450, 5 C)."""

from drivers.core.driver import Driver
from drivers.core.limits import between
from drivers.incubators.thermo_cytomat.options import Options

#: Slots that a lab can name; a Cytomat with two stackers of 21 has so many. The device tells of no number.
SLOTS = 42

DRIVER = Driver(
    summary="Thermo Cytomat, an automated incubator",
    role="Incubator",
    device="drivers.incubators.thermo_cytomat.device:Cytomat",
    options=Options,
    schemes=("serial", "sim"),
    # It heats only: from a little above the room's to 50 degC (data sheet of the Cytomat 2 C, from memory).
    limits={"temperature": between("25 degC", "50 degC", "temperature")},
    sites=("transfer", *(str(slot) for slot in range(1, SLOTS + 1))),
    timing="drivers.incubators.thermo_cytomat.timing:CytomatTiming",
)
