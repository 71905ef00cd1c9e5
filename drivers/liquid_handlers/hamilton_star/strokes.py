"""Aspirating and dispensing as the firmware is told it: the parameters of one stroke. Pure."""

from typing import Any

from drivers.liquid_handlers.hamilton_star.deck import TRAVERSE_MM
from drivers.liquid_handlers.hamilton_star.reach import Reach, tenths

#: The search for liquid begins so high over a well's rim; the tip then goes so deep into it (PyLabRobot's and ours).
SEARCH_MM, IMMERSION_MM = 2.7, 2.0
SETTLE_S, LEAVE_MM_S = 1.0, 10.0  # in the liquid, and out of it
PULL_OUT_MM, TOUCH_MM = 10.0, 2.0
GAMMA, EMPTY, AT_SURFACE = 1, 4, 2
HIGH_FLOW = 50.0  # uL/s, where nothing is moved


def _dip(reach: Reach, height_mm: float, search: bool, liquid_ul: float) -> dict[str, Any]:
    """Where the tips go: `height_mm` over the bottom, or after the liquid's surface as it sinks."""
    count, up = len(reach.channels), tenths(TRAVERSE_MM)
    bottoms = [tenths(z) for *_, z in reach.places]
    return {
        "tip_pattern": reach.pattern, "x_positions": reach.xs, "y_positions": reach.ys,
        "minimum_traverse_height_at_beginning_of_a_command": up, "min_z_endpos": up,
        "lld_search_height": [bottom + tenths(reach.depth_mm + SEARCH_MM) for bottom in bottoms],
        "liquid_surface_no_lld": [bottom + tenths(height_mm) for bottom in bottoms],
        "minimum_height": bottoms,
        "pull_out_distance_transport_air": [tenths(PULL_OUT_MM)] * count,
        "second_section_height": [0] * count, "second_section_ratio": [0] * count,
        "immersion_depth": [tenths(IMMERSION_MM) if search else 0] * count,
        "immersion_depth_direction": [0] * count,
        "surface_following_distance": [tenths(liquid_ul / reach.area_mm2) if search else 0] * count,
        "transport_air_volume": [0] * count, "blow_out_air_volume": [0] * count,
        "lld_mode": [GAMMA if search else 0] * count,
        "gamma_lld_sensitivity": [1] * count, "dp_lld_sensitivity": [1] * count,
        "swap_speed": [tenths(LEAVE_MM_S)] * count, "settling_time": [tenths(SETTLE_S)] * count,
        "mix_volume": [0] * count, "mix_cycles": [0] * count, "mix_position_from_liquid_surface": [0] * count,
        "mix_speed": [tenths(HIGH_FLOW)] * count, "mix_surface_following_distance": [0] * count,
        "limit_curve_index": [0] * count,
    }  # fmt: skip


def aspirate(
    reach: Reach, liquid_ul: float, pistons_ul: list[float], rate_ul_s: float, height_mm: float, search: bool
) -> dict[str, Any]:
    """Parameters of `aspirate_pip`."""
    count = len(reach.channels)
    return {
        **_dip(reach, height_mm, search, liquid_ul),
        "aspiration_type": [0] * count, "clot_detection_height": [0] * count,
        "aspiration_volumes": [tenths(piston) for piston in pistons_ul],
        "aspiration_speed": [tenths(rate_ul_s)] * count,
        "pre_wetting_volume": [0] * count, "aspirate_position_above_z_touch_off": [0] * count,
        "detection_height_difference_for_dual_lld": [0] * count, "use_2nd_section_aspiration": [False] * count,
        "retract_height_over_2nd_section_to_empty_tip": [0] * count,
        "dispensation_speed_during_emptying_tip": [tenths(HIGH_FLOW)] * count,
        "dosing_drive_speed_during_2nd_section_search": [tenths(HIGH_FLOW)] * count,
        "z_drive_speed_during_2nd_section_search": [tenths(30.0)] * count, "cup_upper_edge": [0] * count,
    }  # fmt: skip


def dispense(
    reach: Reach, pistons_ul: list[float], rate_ul_s: float, height_mm: float, *, empty: bool = False,
    touch: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Parameters of `dispense_pip`; `empty` blows out all, `touch` goes to the wall of the well."""
    count = len(reach.channels)
    return {
        **_dip(reach, height_mm, False, 0.0),
        "dispensing_mode": [EMPTY if empty else AT_SURFACE] * count,
        "dispense_volumes": [tenths(piston) for piston in pistons_ul],
        "dispense_speed": [tenths(rate_ul_s)] * count, "cut_off_speed": [tenths(5.0)] * count,
        "stop_back_volume": [0] * count, "side_touch_off_distance": tenths(TOUCH_MM) if touch else 0,
        "dispense_position_above_z_touch_off": [0] * count,
    }  # fmt: skip


def aspirate96(
    place: dict[str, int], bottom_mm: float, depth_mm: float, area_mm2: float, liquid_ul: float, piston_ul: float,
    rate_ul_s: float, height_mm: float, search: bool,
) -> dict[str, Any]:  # fmt: skip
    """Parameters of `aspirate_core_96`."""
    return {
        **_dip96(place, bottom_mm, depth_mm, height_mm), "immersion_depth": tenths(IMMERSION_MM) if search else 0,
        "surface_following_distance": tenths(liquid_ul / area_mm2) if search else 0,
        "lld_mode": GAMMA if search else 0, "aspiration_volumes": tenths(piston_ul),
        "aspiration_speed": tenths(rate_ul_s), "pre_wetting_volume": 0, "speed_of_mix": tenths(120.0),
    }  # fmt: skip


def dispense96(
    place: dict[str, int], bottom_mm: float, depth_mm: float, piston_ul: float, rate_ul_s: float, height_mm: float,
    *, empty: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Parameters of `dispense_core_96`."""
    more = _dip96(place, bottom_mm, depth_mm, height_mm)
    more["y_position"] = more.pop("y_positions")
    return {
        **more, "immersion_depth": 0, "surface_following_distance": 0, "lld_mode": 0,
        "dispensing_mode": EMPTY if empty else AT_SURFACE, "dispense_volume": tenths(piston_ul),
        "dispense_speed": tenths(rate_ul_s), "cut_off_speed": tenths(5.0), "stop_back_volume": 0,
        "side_touch_off_distance": 0, "mixing_volume": 0, "mixing_cycles": 0, "speed_of_mixing": tenths(120.0),
    }  # fmt: skip


def _dip96(place: dict[str, int], bottom_mm: float, depth_mm: float, height_mm: float) -> dict[str, Any]:
    up = tenths(TRAVERSE_MM)
    return {
        "x_position": place["x_position"], "x_direction": place["x_direction"], "y_positions": place["y_position"],
        "minimum_traverse_height_at_beginning_of_a_command": up, "min_z_endpos": up,
        "lld_search_height": tenths(bottom_mm + depth_mm + SEARCH_MM),
        "liquid_surface_no_lld": tenths(bottom_mm + height_mm), "minimum_height": tenths(bottom_mm),
        "pull_out_distance_transport_air": tenths(PULL_OUT_MM), "second_section_height": 0, "second_section_ratio": 0,
        "transport_air_volume": 0, "blow_out_air_volume": 0, "swap_speed": tenths(LEAVE_MM_S),
        "settling_time": tenths(SETTLE_S), "channel_pattern": [True] * 96,
    }  # fmt: skip
