"""How exact an instrument is by its maker's data sheet: what an uncertainty may be computed from.

Pipettes: Opentrons' published accuracy (systematic) and precision (random, CV) of the GEN2 single-channel pipettes at
three volumes. They are given from memory of the maker's white paper; GEN1 and multi-channel pipettes are taken to be
as exact as those of the same size. A Hamilton STAR's 1000 uL channels, by the nominal volume of their tips: of the
order of the maker's data sheet for water, from memory too; the 96 head is taken to be as exact.
"""

from bisect import bisect_right

#: size -> ((volume_ul, systematic, random), ...), relative
PIPETTES: dict[str, tuple[tuple[float, float, float], ...]] = {
    "p20": ((1.0, 0.15, 0.05), (10.0, 0.02, 0.01), (20.0, 0.015, 0.008)),
    "p300": ((20.0, 0.04, 0.025), (150.0, 0.01, 0.004), (300.0, 0.006, 0.003)),
    "p1000": ((100.0, 0.02, 0.01), (500.0, 0.01, 0.005), (1000.0, 0.007, 0.0015)),
    "star50": ((1.0, 0.05, 0.04), (5.0, 0.025, 0.015), (50.0, 0.02, 0.0075)),
    "star300": ((10.0, 0.05, 0.02), (50.0, 0.02, 0.0075), (200.0, 0.01, 0.0075)),
    "star1000": ((10.0, 0.075, 0.035), (100.0, 0.02, 0.0075), (1000.0, 0.01, 0.0075)),
}
_SAME_AS = {"p10": "p20", "p50": "p300", "p200": "p300"}
#: The bias of one pipette lies inside the systematic figure; half of that is taken as its standard deviation.
BIAS_SHARE_SD = 0.5

#: Absorbance readers: noise (standard deviation) = floor + share * A. A typical monochromator reader's data sheet.
ABSORBANCE_FLOOR = 0.002
ABSORBANCE_SHARE = 0.003


def pipetting(pipette: str, volume_ul: float) -> tuple[float, float]:
    """Relative systematic and random error at a volume, linear between the specified ones.

    >>> pipetting("p300_single_gen2", 150.0)
    (0.01, 0.004)
    """
    size = pipette.split("_")[0]
    table = PIPETTES[_SAME_AS.get(size, size)]
    place = bisect_right([row[0] for row in table], volume_ul)
    if place == 0 or place == len(table):
        _, systematic, scatter = table[min(place, len(table) - 1)]
        return systematic, scatter
    (v0, s0, r0), (v1, s1, r1) = table[place - 1], table[place]
    share = (volume_ul - v0) / (v1 - v0)
    return s0 + share * (s1 - s0), r0 + share * (r1 - r0)


def absorbance_sd(absorbance: float) -> float:
    """Standard deviation of one absorbance reading.

    >>> absorbance_sd(1.0)
    0.005
    """
    return ABSORBANCE_FLOOR + ABSORBANCE_SHARE * abs(absorbance)
