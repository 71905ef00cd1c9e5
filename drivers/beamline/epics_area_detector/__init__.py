"""A camera or pixel detector behind EPICS areaDetector, over Channel Access."""

from drivers.beamline.epics_area_detector.options import Options
from drivers.core.driver import Driver
from drivers.core.limits import between

DRIVER = Driver(
    summary="area detector (EPICS areaDetector) over Channel Access, in real time only",
    role="AreaDetector",
    device="drivers.beamline.epics_area_detector.device:EpicsAreaDetector",
    timing="drivers.beamline.epics_area_detector.timing:AreaDetectorTiming",
    options=Options,
    schemes=("ca", "sim"),
    limits={"exposure": between("1 ms", "3600 s", "time")},
)
