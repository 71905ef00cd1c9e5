"""How long the bench devices take, as their packages predict it, against drivers and twins in virtual time."""

from typing import Any

import pytest

from drivers.core.driver import installed
from sim_lab import clock
from sim_lab.session import twin_class

HEAT = {"temperature_c": 80.0, "ramp_c_min": 5.0, "duration_s": 600.0}
FIRE = {"segments": [{"temperature_c": 500.0, "ramp_c_min": 10.0, "duration_s": 1800.0}, {"temperature_c": 300.0}]}
CASES: list[tuple[str, list[tuple[str, dict[str, Any]]]]] = [
    ("ika.rct", [("heat", HEAT), ("heat", {"temperature_c": 60.0}), ("heat", {"temperature_c": 120.0})]),
    ("eurotherm.3200", [("run_program", FIRE), ("run_program", {"segments": [{"temperature_c": 600.0}]})]),
    ("newera.ne1000", [("withdraw", {"volume_ul": 1000.0}), ("infuse", {"volume_ul": 500.0, "rate_ul_s": 20.0})]),
    ("cavro.xlp", [("withdraw", {"volume_ul": 4000.0}), ("infuse", {"volume_ul": 3000.0, "rate_ul_s": 100.0})]),
    ("alicat.mc", [("flow", {"rate_sccm": 500.0, "duration_s": 60.0})]),
    ("mettler.sics", [("zero", {}), ("weigh", {})]),
]
#: What is predicted may be this far from what is: a share, and seconds of looking now and then.
SHARE, SECONDS = 0.02, 1.5


@pytest.mark.parametrize(("driver", "commands"), CASES, ids=[name for name, _ in CASES])
def test_a_prediction_is_what_the_twin_does(driver: str, commands: Any, serial_bench: Any) -> None:
    async def main() -> None:
        spec = installed()[driver]
        bench = serial_bench(spec, twin_class(driver), "x")
        timing = spec.load_timing()("x", bench.device.options)
        began = bench.world.now()
        await bench.device.connect()
        assert bench.world.now() - began == pytest.approx(timing.connect_s, abs=0.5)
        for verb, args in commands:
            began = bench.world.now()
            await bench.do(verb, **args)
            took = bench.world.now() - began
            assert timing.seconds(verb, args) == pytest.approx(took, rel=SHARE, abs=SECONDS), verb
        with pytest.raises(KeyError):
            timing.seconds("fly", {})

    clock.run(main, epoch_s=0.0)
