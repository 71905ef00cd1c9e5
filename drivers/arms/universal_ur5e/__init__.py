"""The Universal Robots UR5e, a six-axis arm of the e-Series."""

from drivers.arms.universal_ur5e.options import Options
from drivers.core.driver import Driver
from drivers.core.limits import between

DRIVER = Driver(
    summary="Universal Robots UR5e, a six-axis arm",
    role="Arm",
    device="drivers.arms.universal_ur5e.device:UR5e",
    timing="drivers.arms.universal_ur5e.timing:ArmTiming",
    options=Options,
    schemes=("tcp", "sim"),
    limits={
        # Universal Robots, UR5e technical details: every joint turns +-360 deg at up to 180 deg/s; reach 850 mm.
        "base": between("-360 deg", "360 deg", "angle"),
        "shoulder": between("-360 deg", "360 deg", "angle"),
        "elbow": between("-360 deg", "360 deg", "angle"),
        "wrist_1": between("-360 deg", "360 deg", "angle"),
        "wrist_2": between("-360 deg", "360 deg", "angle"),
        "wrist_3": between("-360 deg", "360 deg", "angle"),
        # Where the tool may be, in the frame of the arm's base: a lab narrows the box to its bench.
        "x": between("-1500 mm", "1500 mm", "length"),
        "y": between("-1500 mm", "1500 mm", "length"),
        "z": between("-1500 mm", "1500 mm", "length"),
        "joint_speed": between("0.1 deg/s", "180 deg/s", "angular_speed"),
        # The controller's own bound on the tool (URScript, movel).
        "tool_speed": between("0.1 mm/s", "3000 mm/s", "speed"),
    },
)
