"""Any device of ophyd or ophyd-async that is installed under the entry-point group `lab.ophyd`."""

from drivers.beamline.ophyd_device.options import Options
from drivers.core.driver import Driver

DRIVER = Driver(
    summary="any ophyd or ophyd-async device by its entry point in the group lab.ophyd, in real time only",
    role="OphydDevice",
    device="drivers.beamline.ophyd_device.device:OphydDriver",
    options=Options,
    schemes=("ophyd",),
)
