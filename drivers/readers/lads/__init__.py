"""An absorbance plate reader that speaks OPC UA with the names of LADS (OPC 30500)."""

from drivers.core.driver import Driver
from drivers.core.limits import between
from drivers.readers.lads.options import Options

DRIVER = Driver(
    summary="Plate reader over OPC UA, names after LADS (OPC 30500)",
    role="PlateReader",
    device="drivers.readers.lads.device:LadsReader",
    timing="drivers.readers.lads.timing:ReaderTiming",
    options=Options,
    schemes=("opc.tcp", "sim"),
    limits={"wavelength": between("230 nm", "1000 nm", "wavelength")},  # usual for a xenon flash monochromator reader
    sites=("tray",),
)
