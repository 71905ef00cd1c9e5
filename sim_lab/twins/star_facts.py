"""What the twin's STAR says of itself: a STARlet with eight 1000 uL channels, a 96 head, an iSWAP and an auto load.

The layout of each answer is what PyLabRobot 0.2.2 reads (`STAR_backend`); values are its defaults, versions invented.
"""

from collections.abc import Mapping

CHANNEL_FIRMWARE = "4.1S 2021-06-11 A"
ISWAP_FIRMWARE = "4.0S 2019-05-12"
HEAD_FIRMWARE = "4.2S 2021-10-22 A"
MASTER_FIRMWARE = "7.6S 35 2021-03-30 (GRU C0)"
#: Bits of `kb`: 1000 uL channels, iSWAP, front cover monitored, auto load.
MACHINE = "kb0Fkp08"
EXTENDED = (
    "ka010082ke00000000xt30xa30xw08000xl07xn00xr00xo00xm03500xx06000xu3700xv3700kc0kr0ys090kl360km360ym6065yu0060yx0060"
)
X_RANGES = "ru00950 10050 00000 00000"
ENVELOPES = "ua05952 00000 -03232 10050 00000 00000"
#: Increments of the channels' Y drives: 9 mm (0.0463 mm each).
PITCH = "yc194 194"
HARDWARE = "vw0 0 1 1"
HEAD_HARDWARE = "au0 1 0 0 0 0 0 0 0 0"
HEAD_Z = "rz+68500 +68500"
#: Parameters in the memory of each node, by the name that `RA` asks for.
MEMORY: Mapping[str, Mapping[str, str]] = {
    "C0": {"kg": "kg340", "kf": "kf3650"},
    "H0": {"yv": "yv25000", "yr": "yr35000", "zv": "zv17000", "zr": "zr080000"},
    "R0": {
        "pw": "pw+00000 -29068 +00000 +29068 +29500 +00000 +00000 +00000 +00000 +01380",
        "pt": "pt+00000 -26577 -08859 +08859 +26577 -26700 +00000 +00000 +00000 +01380",
        "py": "py+00000 +00100 +13600 +13550 +13000 +00000 +00000 +00000 +00000 +00000",
    },
}
#: Answers that never change.
FIXED: Mapping[str, str] = {
    "C0RM": MACHINE, "C0QM": EXTENDED, "C0RU": X_RANGES, "C0UA": ENVELOPES, "C0RF": f"rf{MASTER_FIRMWARE}",
    "H0RF": f"rf{HEAD_FIRMWARE}", "H0QU": HEAD_HARDWARE, "H0QG": "qg2", "H0RZ": HEAD_Z, "R0RF": f"rf{ISWAP_FIRMWARE}",
    **{f"P{digit}RF": f"rf{CHANNEL_FIRMWARE}" for digit in "12345678"},
    **{f"P{digit}VW": HARDWARE for digit in "12345678"},
    **{f"P{digit}VY": PITCH for digit in "12345678"},
    **{f"P{digit}RZ": "rz+31200" for digit in "12345678"},
}  # fmt: skip
