"""The area detector's twin: the rings of Debye and Scherrer of the powder that it looks at, over Channel Access.

A flat detector across the beam: a ring of 2 theta has the radius distance x tan(2 theta) (B. D. Cullity, Elements of
X-ray Diffraction, transmission Laue and Debye-Scherrer geometry). Left out: the beam stop, polarisation across a ring.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import numpy as np
from caproto import ChannelType, SkipWrite
from caproto.server import PVGroup, pvproperty

from sim_lab.twins.channel_access import ChannelAccessTwin
from sim_lab.world.crystals import CRYSTALS, HEXABORIDE, Crystal
from sim_lab.world.diffraction import pattern
from sim_lab.world.model import World
from sim_lab.world.powder import powder_on

WIDTH, HEIGHT = 160, 120
PIXEL_MM, DISTANCE_MM = 1.0, 120.0
NEAREST_DEG = 5.0  # the beam stop hides what is nearer
FULL_HZ = 200.0  # counts a second of a pixel on the standard's strongest ring: ours
FINE_DEG = 0.01  # steps in which a pattern is summed up over a pixel's angle
BACKGROUND_HZ = 2.0
FULL = 65535
SHORTEST_S = 1e-3


def two_theta_deg() -> Any:
    """The angle of every pixel; the beam meets the middle."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    radius = PIXEL_MM * np.hypot(x - (WIDTH - 1) / 2, y - (HEIGHT - 1) / 2)
    return np.degrees(np.arctan2(radius, DISTANCE_MM))


def rings(sample: Mapping[Crystal, float], angles: Any) -> Any:
    """The mean of a pattern over each pixel, which is wider than a peak."""
    grid = np.arange(0.0, 90.0, FINE_DEG)
    summed = np.concatenate(([0.0], np.cumsum(pattern(sample, grid)))) * FINE_DEG
    edges = np.append(grid, 90.0) - FINE_DEG / 2
    half = np.degrees(PIXEL_MM / DISTANCE_MM * np.cos(np.radians(angles)) ** 2) / 2
    mean = (np.interp(angles + half, edges, summed) - np.interp(angles - half, edges, summed)) / (2 * half)
    return np.where(angles > NEAREST_DEG, mean, 0.0)


class _Camera(PVGroup):
    """The process variables of driver and image that clients use."""

    acquire = pvproperty(value="Done", name="Acquire", dtype=ChannelType.ENUM, enum_strings=["Done", "Acquire"])
    exposure = pvproperty(value=1.0, name="AcquireTime", units="s", precision=3)
    images = pvproperty(value=1, name="NumImages")
    mode = pvproperty(
        value="Single", name="ImageMode", dtype=ChannelType.ENUM, enum_strings=["Single", "Multiple", "Continuous"]
    )
    counter = pvproperty(value=0, name="ArrayCounter_RBV", read_only=True)
    width = pvproperty(value=WIDTH, name="ArraySizeX_RBV", read_only=True)
    height = pvproperty(value=HEIGHT, name="ArraySizeY_RBV", read_only=True)
    maker = pvproperty(value="Simulated", name="Manufacturer_RBV", dtype=ChannelType.STRING, read_only=True)
    model = pvproperty(value="twin", name="Model_RBV", dtype=ChannelType.STRING, read_only=True)
    detector = pvproperty(
        value="Idle", name="DetectorState_RBV", dtype=ChannelType.ENUM, enum_strings=["Idle", "Acquire"], read_only=True
    )

    def __init__(self, prefix: str, twin: "Twin") -> None:
        super().__init__(prefix=prefix)
        self._twin, self._halt = twin, asyncio.Event()

    @acquire.putter  # type: ignore[no-redef,untyped-decorator]
    async def acquire(self, instance: Any, value: Any) -> None:
        """Acquire: 1 begins, unless it exposes; 0 ends. Answered when all images are there."""
        value = value[0] if isinstance(value, list | tuple) else value
        if value in (0, "Done", b"Done"):
            self._halt.set()
        elif instance.value in (0, "Done"):
            await self._run(instance)
        raise SkipWrite

    async def _run(self, instance: Any) -> None:
        self._halt.clear()
        await instance.write("Acquire", verify_value=False)
        await self.detector.write("Acquire", verify_value=False)
        wanted = {0: 1, "Single": 1, 1: self.images.value, "Multiple": self.images.value}.get(self.mode.value)
        taken = 0
        while not self._halt.is_set() and (wanted is None or taken < wanted):
            exposure_s = max(self.exposure.value, SHORTEST_S)
            try:
                await asyncio.wait_for(self._halt.wait(), exposure_s)
            except TimeoutError:
                taken += 1
                if self._twin.fails("frame_lost") is None:
                    image = self._twin.last = self._twin.image(exposure_s)
                    self._twin.exposed_s = exposure_s
                    await self._twin.data.take(image)
                    await self.counter.write(self.counter.value + 1, verify_value=False)
        await self.detector.write("Idle", verify_value=False)
        await instance.write("Done", verify_value=False)


class _Data(PVGroup):
    """The plug-in with the image."""

    array = pvproperty(
        value=[0] * (WIDTH * HEIGHT),
        name="ArrayData",
        dtype=ChannelType.LONG,
        max_length=WIDTH * HEIGHT,
        read_only=True,
    )
    size0 = pvproperty(value=WIDTH, name="ArraySize0_RBV", read_only=True)
    size1 = pvproperty(value=HEIGHT, name="ArraySize1_RBV", read_only=True)
    counter = pvproperty(value=0, name="ArrayCounter_RBV", read_only=True)

    async def take(self, image: Any) -> None:
        """The newest image, and then that it came."""
        await self.array.write(image.ravel(), verify_value=False)
        await self.counter.write(self.counter.value + 1, verify_value=False)


class Twin(ChannelAccessTwin):
    """One flat detector behind the sample; `last` is the image that it took last, in `exposed_s`."""

    last: Any = None
    exposed_s = 0.0

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.camera = _Camera(f"{name}{options.camera}", self)
        self.data = _Data(prefix=f"{name}{options.image}")
        self._noise = np.random.default_rng(self.rng.getrandbits(32))
        self._angles = two_theta_deg()
        self._scale = FULL_HZ / float(rings({CRYSTALS[HEXABORIDE]: 1.0}, self._angles).max())

    async def begin(self) -> Mapping[str, Any]:
        """Camera and image."""
        return {**self.camera.pvdb, **self.data.pvdb}

    def image(self, exposure_s: float) -> Any:
        """What falls on its pixels in that time, with the noise of counting."""
        if self.fails("detector_dead") is not None:
            return np.zeros((HEIGHT, WIDTH), int)
        if self.fails("detector_saturated") is not None:
            return np.full((HEIGHT, WIDTH), FULL)
        sample = powder_on(self.world, self.options.looks_at)
        rate = BACKGROUND_HZ + self._scale * rings(sample, self._angles)
        return np.minimum(self._noise.poisson(rate * exposure_s), FULL)
