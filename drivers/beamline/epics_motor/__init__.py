"""A motor behind an EPICS motor record, over Channel Access."""

from drivers.beamline.epics_motor.options import Options
from drivers.core.driver import Driver
from drivers.core.limits import between

DRIVER = Driver(
    summary="EPICS motor record over Channel Access, in real time only",
    role="Axis",
    device="drivers.beamline.epics_motor.device:EpicsAxis",
    timing="drivers.beamline.epics_motor.timing:StageTiming",
    options=Options,
    schemes=("ca", "sim"),
    # Beyond any stage; the record's own soft limits (LLM, HLM) are asked before every move.
    limits={"position": between("-10 m", "10 m", "length")},
)
