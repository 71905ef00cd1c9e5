"""The diffractometer's twin: two motor records, a scaler and the wavelength, in front of the powder on its stage.

What it sees is the pattern of `sim_lab.world.diffraction`, counted with noise, over a background, by a detector whose
dead time loses counts (non-paralysable: G. F. Knoll, Radiation Detection and Measurement, 4.7).
"""

import math
from collections.abc import Mapping
from typing import Any

from caproto.server import PVGroup, pvproperty

from drivers.beamline.epics_diffractometer.timing import RAMP_S, SPEED_DEG_S
from sim_lab.twins.channel_access import ChannelAccessTwin
from sim_lab.twins.motor_record import MotorRecord, Stage
from sim_lab.twins.scaler_record import ScalerRecord
from sim_lab.world.crystals import CRYSTALS, HEXABORIDE, Crystal
from sim_lab.world.diffraction import CU_K_ALPHA_1_A, pattern, peaks
from sim_lab.world.model import World
from sim_lab.world.powder import powder_on

TWO_THETA = Stage("degrees", -5.0, 160.0, 2.0, SPEED_DEG_S, RAMP_S)
THETA = Stage("degrees", -5.0, 90.0, 2.0, SPEED_DEG_S, RAMP_S)
FIRST_DEG = 10.0  # where the detector's arm stands at first
FULL_HZ = 60_000.0  # counts a second at the top of the standard's strongest peak; of the order of a laboratory's tube
BACKGROUND_HZ = 40.0
DEAD_TIME_S = 1e-7
SATURATED_HZ = 5e6  # what a detector tells whose gate stands open
SKEW_DEG = 0.3  # of theta from half of 2 theta, over which the sample leaves the focus: ours


class _Beam(PVGroup):
    """What the beam is."""

    wavelength = pvproperty(value=CU_K_ALPHA_1_A, name=":wavelength", units="angstrom", precision=7, read_only=True)


class Twin(ChannelAccessTwin):
    """One goniometer; on its stage stands what labware holds of crystals, or else the line position standard."""

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.two_theta = MotorRecord(f"{name}{options.two_theta}", FIRST_DEG, TWO_THETA, self.fails)
        self.theta = MotorRecord(f"{name}{options.theta}", FIRST_DEG / 2, THETA)
        self._scaler = ScalerRecord(prefix=f"{name}{options.scaler}", counted=self._counts)
        self._beam = _Beam(prefix=name)
        standard = CRYSTALS[HEXABORIDE]
        top = max((peak.two_theta_deg for peak in peaks(standard) if peak.two_theta_deg < 90),
                  key=lambda at: float(pattern({standard: 1.0}, [at])[0]))  # fmt: skip
        self._scale = FULL_HZ / float(pattern({standard: 1.0}, [top])[0])

    async def begin(self) -> Mapping[str, Any]:
        """All records and their fields."""
        await self.two_theta.begin()
        await self.theta.begin()
        return {**self.two_theta.pvdb, **self.theta.pvdb, **self._scaler.pvdb, **self._beam.pvdb}

    @property
    def sample(self) -> Mapping[Crystal, float]:
        """The crystals in the beam, by their share of the volume of all, at the temperature that they have."""
        return powder_on(self.world, self.site("stage"))

    def rate_hz(self, two_theta_deg: float, theta_deg: float) -> float:
        """What falls into the detector there, counts a second."""
        skew = (theta_deg - two_theta_deg / 2) / SKEW_DEG
        if two_theta_deg <= 0 or not self.sample:
            return BACKGROUND_HZ
        shape = float(pattern(self.sample, [two_theta_deg])[0])
        return BACKGROUND_HZ + self._scale * shape * math.exp(-0.5 * skew**2)

    def _counts(self, seconds: float) -> float:
        """Counts of a time that has just passed, with the noise of counting."""
        if self.fails("detector_dead") is not None:
            return 0.0
        if self.fails("detector_saturated") is not None:
            return round(SATURATED_HZ * seconds)
        true_hz = self.rate_hz(self.two_theta.place_mm, self.theta.place_mm)
        mean = true_hz / (1 + true_hz * DEAD_TIME_S) * seconds
        return max(0.0, float(round(self.rng.gauss(mean, math.sqrt(mean)))))
