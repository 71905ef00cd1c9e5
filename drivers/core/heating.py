"""How long a plate or a chamber takes to a temperature, by two time constants: one that heats, one that cools. Pure."""

import math

#: What the room is taken to have, degC, where nobody asks.
ROOM_C = 22.0


def reach_s(
    from_c: float, to_c: float, ramp_c_min: float | None, *, heat_tau_s: float, cool_tau_s: float, tolerance_c: float
) -> float:
    """From the begin of a ramp (or of a jump) until the temperature is as near to its end as `tolerance_c`, s.

    Upwards it lags behind a ramp by one time constant, and comes nearer exponentially; downwards only the room cools
    it. Infinite for what no room cools.

    >>> round(reach_s(20.0, 120.0, 10.0, heat_tau_s=60.0, cool_tau_s=1800.0, tolerance_c=1.0))
    738
    """
    ramp_s = abs(to_c - from_c) / ramp_c_min * 60 if ramp_c_min else 0.0
    if to_c >= from_c:
        gap_c = to_c - from_c
        if ramp_c_min:
            gap_c = ramp_c_min / 60 * heat_tau_s * (1 - math.exp(-ramp_s / heat_tau_s))
        return ramp_s + (heat_tau_s * math.log(gap_c / tolerance_c) if gap_c > tolerance_c else 0.0)
    near_c = to_c + tolerance_c
    if near_c >= from_c:
        return ramp_s
    return max(ramp_s, cool_tau_s * math.log((from_c - ROOM_C) / (near_c - ROOM_C))) if near_c > ROOM_C else math.inf
