"""An EPICS scaler record on caproto: a preset time, a clock and 31 counters. Fields: scalerRecord documentation.

A put to CNT is answered when the count has ended, as a real record answers `ca_put_callback`; CNT then is 0 again.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from caproto import ChannelType, SkipWrite
from caproto.server import PVGroup, pvproperty

CHANNELS = 32
CLOCK_HZ = 1e7  # FREQ of usual counter cards
SHORTEST_S = 1e-3


class _Count(PVGroup):
    """What a count is told and how it ends."""

    count = pvproperty(value="Done", name=".CNT", dtype=ChannelType.ENUM, enum_strings=["Done", "Count"])
    count_mode = pvproperty(
        value="OneShot", name=".CONT", dtype=ChannelType.ENUM, enum_strings=["OneShot", "AutoCount"]
    )
    delay = pvproperty(value=0.0, name=".DLY")
    auto_delay = pvproperty(value=0.0, name=".DLY1")
    passed = pvproperty(value=0.0, name=".T", read_only=True, units="s", precision=3)
    clock_hz = pvproperty(value=CLOCK_HZ, name=".FREQ")
    preset = pvproperty(value=1.0, name=".TP", units="s", precision=3)
    auto_preset = pvproperty(value=1.0, name=".TP1")
    rate = pvproperty(value=10.0, name=".RATE")
    auto_rate = pvproperty(value=0.0, name=".RAT1")
    unit = pvproperty(value="", name=".EGU", dtype=ChannelType.STRING)

    def __init__(self, prefix: str, counted: Callable[[float], float]) -> None:
        """`counted` tells how many counts the detector on S2 gives in that many seconds, which just passed."""
        super().__init__(prefix=prefix)
        self._counted = counted
        self._halt = asyncio.Event()

    @count.putter  # type: ignore[no-redef,untyped-decorator]
    async def count(self, instance: Any, value: Any) -> None:
        """CNT: 1 begins, unless it counts; 0 ends."""
        value = value[0] if isinstance(value, list | tuple) else value
        if value in (0, "Done", b"Done"):
            self._halt.set()
        elif instance.value in (0, "Done"):
            await self._run(instance)
        raise SkipWrite

    async def _run(self, instance: Any) -> None:
        self._halt.clear()
        await instance.write("Count", verify_value=False)
        for field in (".T", ".S1", ".S2"):
            await self.pvdb[self.prefix + field].write(0.0, verify_value=False)
        loop = asyncio.get_running_loop()
        began, asked_s = loop.time(), max(self.preset.value, SHORTEST_S)
        try:
            await asyncio.wait_for(self._halt.wait(), asked_s)
            passed_s = min(loop.time() - began, asked_s)
        except TimeoutError:
            passed_s = asked_s
        await self.passed.write(passed_s, verify_value=False)
        await self.pvdb[f"{self.prefix}.S1"].write(round(passed_s * self.clock_hz.value), verify_value=False)
        await self.pvdb[f"{self.prefix}.S2"].write(self._counted(passed_s), verify_value=False)
        await instance.write("Done", verify_value=False)


_MORE: dict[str, Any] = {"__doc__": "The record, with a name, a preset, a gate and a count for each channel."}
for _n in range(1, CHANNELS + 1):
    _MORE[f"s{_n}"] = pvproperty(value=0.0, name=f".S{_n}", read_only=True)
    _names = {1: "clock", 2: "detector"}
    _MORE[f"name{_n}"] = pvproperty(value=_names.get(_n, ""), name=f".NM{_n}", dtype=ChannelType.STRING)
    _MORE[f"preset{_n}"] = pvproperty(value=0, name=f".PR{_n}")
    _MORE[f"gate{_n}"] = pvproperty(value="Y" if _n == 1 else "N", name=f".G{_n}", dtype=ChannelType.ENUM,
                                    enum_strings=["N", "Y"])  # fmt: skip
ScalerRecord: Any = type("ScalerRecord", (_Count,), _MORE)
