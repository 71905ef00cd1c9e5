"""A powder diffractometer of EPICS records: two motors, a scaler, the wavelength of the beam."""

from drivers.beamline.epics_diffractometer.options import Options
from drivers.core.capability import Argument, Capability
from drivers.core.driver import Driver
from drivers.core.limits import between

_ANGLE, _STEP, _EXPOSURE = (
    between("0 deg", "165 deg", "angle"), between("0.001 deg", "10 deg", "angle"), between("1 ms", "600 s", "time"),
)  # fmt: skip

DRIVER = Driver(
    summary="powder diffractometer over EPICS Channel Access: motors and a scaler, in real time only",
    role="Diffractometer",
    device="drivers.beamline.epics_diffractometer.device:EpicsDiffractometer",
    timing="drivers.beamline.epics_diffractometer.timing:DiffractometerTiming",
    options=Options,
    schemes=("ca", "sim"),
    # Beyond any goniometer's reach; the soft limits of the records are asked before every move.
    limits={"two_theta": _ANGLE, "exposure": _EXPOSURE},
    sites=("stage",),
    capabilities={
        "pattern": Capability(
            "counts along 2 theta, step by step, at most 2,000 points", harmless=True,
            arguments={
                "from": Argument("first_deg", _ANGLE), "to": Argument("last_deg", _ANGLE),
                "step": Argument("step_deg", _STEP), "exposure": Argument("exposure_s", _EXPOSURE, 1.0),
            },
        ),
    },
)  # fmt: skip
