"""What the STAR's firmware takes: commands, their parameters and the range of each; anything else it refuses.

Ranges are those of PyLabRobot 0.2.2 (`STAR_backend`), which has them from the maker's manual of the firmware. Traces:
30 unknown command, 31 unknown parameter, 32 out of range, 33 a parameter missing; error 1 is one of syntax.
"""

from collections.abc import Mapping

from drivers.liquid_handlers.hamilton_star.wire import Refused, Request, Trouble

Range = tuple[int, int]
Ranges = Mapping[str, Range]
UNKNOWN_COMMAND, UNKNOWN_PARAMETER, OUT_OF_RANGE, MISSING = 30, 31, 32, 33

_Z, _HZ, _FLAG = (0, 3600), (0, 3425), (0, 1)
_XY = {"xp": (0, 25000), "yp": (0, 6500)}
_PIP: Ranges = {
    **_XY, "tm": _FLAG, "th": _Z, "te": _Z, "lp": _Z, "zl": _Z, "po": _Z, "zu": _Z, "zr": (0, 10000), "zx": _Z,
    "ip": _Z,
    "it": _FLAG, "fp": _Z, "ta": (0, 500), "ba": (0, 9999), "lm": (0, 4), "ll": (1, 4), "lv": (1, 4), "zo": (0, 100),
    "de": (3, 1600), "wt": (0, 99), "mv": (0, 12500), "mc": (0, 99), "mp": (0, 900), "ms": (4, 5000), "mh": _Z,
    "gi": (0, 999), "gj": _FLAG, "gk": (0, 2),
}  # fmt: skip
_HEAD: Ranges = {
    "xs": (0, 30000), "xd": _FLAG, "yh": (1080, 5600), "zh": _HZ, "ze": _HZ, "lz": _HZ, "zt": _HZ, "pp": _HZ, "zm": _HZ,
    "zv": _HZ, "zq": (0, 10000), "iw": _Z, "ix": _FLAG, "fh": (0, 990), "vt": (0, 500), "bv": (0, 11500),
    "cm": (0, 4), "cs": (1, 4), "bs": (3, 1000), "wh": (0, 99), "hv": (0, 11500), "hc": (0, 99), "hp": (0, 990),
    "mj": (0, 990), "hs": (3, 5000), "cr": (0, 999), "cj": _FLAG, "cx": (0, 2),
}  # fmt: skip
_SWAP: Ranges = {
    "xs": (0, 30000), "xd": _FLAG, "yj": (0, 6500), "yd": _FLAG, "zj": _Z, "zd": _FLAG, "gr": (1, 4), "th": _Z,
    "ga": _FLAG,
}  # fmt: skip
_NONE: Ranges = {}

#: Commands and their parameters. Those with text as a value, such as `cw`, are read where they are used.
RULES: Mapping[str, Ranges] = {
    "C0DI": {**_XY, "tp": _Z, "tz": _Z, "te": _Z, "tm": _FLAG, "tt": (0, 99), "ti": _FLAG},
    "C0TT": {"tt": (0, 99), "tf": _FLAG, "tl": (1, 1999), "tv": (1, 56000), "tg": (1, 6), "tu": _FLAG},
    "C0TP": {**_XY, "tm": _FLAG, "tt": (0, 99), "tp": _Z, "tz": _Z, "th": _Z, "td": (0, 2)},
    "C0TR": {**_XY, "tm": _FLAG, "tp": _Z, "tz": _Z, "th": _Z, "te": _Z, "ti": _FLAG},
    "C0AS": {
        **_PIP, "at": (0, 2), "ch": (0, 500), "av": (0, 12500), "as": (4, 5000), "oa": (0, 999), "ld": (0, 99),
        "lk": _FLAG, "ik": _Z, "sd": (4, 5000), "se": (4, 5000), "sz": (3, 1600), "io": _Z,
    },
    "C0DS": {
        **_PIP, "dm": (0, 4), "dv": (0, 12500), "ds": (4, 5000), "ss": (4, 5000), "rv": (0, 180), "dj": (0, 45),
    },
    "C0JM": {**_XY, "tm": _FLAG, "th": _Z, "zp": _Z},
    "C0EI": {"xs": (0, 30000), "xd": _FLAG, "yh": (0, 6000), "za": _HZ, "ze": _HZ},
    "C0EP": {"xs": (0, 30000), "xd": _FLAG, "yh": (1080, 5600), "tt": (0, 99), "wu": (0, 2), "za": _HZ, "zh": _HZ,
             "ze": _HZ},
    "C0ER": {"xs": (0, 30000), "xd": _FLAG, "yh": (1080, 5600), "za": _HZ, "zh": _HZ, "ze": _HZ},
    "C0EA": {**_HEAD, "aa": (0, 2), "af": (0, 11500), "ag": (3, 5000), "wv": (0, 11500)},
    "C0ED": {**_HEAD, "da": (0, 4), "df": (0, 11500), "dg": (3, 5000), "es": (3, 5000), "ev": (0, 999), "ej": (0, 45)},
    "H0DQ": {"dq": (0, 64350), "dv": (5, 55000), "du": (0, 55000), "dr": (5000, 900000), "dw": (0, 15)},
    "C0PG": {"th": _Z},
    "C0PP": {**_SWAP, "te": _Z, "gw": (1, 9), "go": (0, 9999), "gb": (0, 9999), "gt": (0, 99), "gc": _FLAG},
    "C0PR": {**_SWAP, "te": _Z, "go": (0, 9999), "gc": _FLAG},
    "C0PM": {**_SWAP, "xe": (0, 4)},
    "I0XP": {"xp": (1, 54)}, "C0DD": {"vi": (0, 9)},
    **dict.fromkeys(
        ("C0VI", "C0ZA", "C0EV", "C0FI", "C0II", "C0IV", "C0AJ", "C0RM", "C0QM", "C0RU", "C0UA", "C0QW", "C0RT", "C0RX",
         "C0RA", "C0VD", "C0QH", "C0QI", "C0QP", "C0RG", "C0QG", "C0QC", "C0RC", "C0RF", "C0RE", "C0VP", "C0RQ",
         "C0RY", "C0RL", "H0RF", "H0QU", "H0QG", "H0QW", "H0RZ", "H0RA", "H0RD", "I0QW", "R0QW", "R0RF", "R0RA"),
        _NONE,
    ),
    **{f"P{digit}{verb}": _NONE for digit in "12345678" for verb in ("RF", "VW", "VY", "QC", "RZ")},
}  # fmt: skip
#: Parameters whose values are words, and those without which a command means nothing.
TEXTS: Mapping[str, frozenset[str]] = {
    "C0EA": frozenset({"cw"}), "C0ED": frozenset({"cw"}), "C0DD": frozenset({"vj"}),
    "C0RA": frozenset({"ra"}), "H0RA": frozenset({"ra"}), "R0RA": frozenset({"ra"}),
}  # fmt: skip
NEEDED: Mapping[str, frozenset[str]] = {
    "C0TT": frozenset({"tt", "tl", "tv", "tg"}), "C0TP": frozenset({"xp", "yp", "tm", "tt", "tz"}),
    "C0TR": frozenset({"xp", "yp", "tm"}), "C0AS": frozenset({"xp", "yp", "tm", "av", "as", "zl", "zx", "lm"}),
    "C0DS": frozenset({"xp", "yp", "tm", "dv", "ds", "dm", "zl", "zx"}), "C0EP": frozenset({"xs", "xd", "yh", "tt"}),
    "C0ER": frozenset({"xs", "xd", "yh"}), "C0EA": frozenset({"xs", "xd", "yh", "af", "ag", "zt", "zm", "cw"}),
    "C0ED": frozenset({"xs", "xd", "yh", "df", "dg", "da", "zt", "zm", "cw"}), "C0DI": frozenset({"xp", "yp", "tm"}),
    "C0PP": frozenset({"xs", "yj", "zj", "gr", "go", "gb", "gt"}), "C0PR": frozenset({"xs", "yj", "zj", "gr"}),
    "C0PM": frozenset({"xs", "yj", "zj", "gr"}), "C0RA": frozenset({"ra"}), "R0RA": frozenset({"ra"}),
    "H0RA": frozenset({"ra"}), "C0DD": frozenset({"vi", "vj"}), "I0XP": frozenset({"xp"}),
}  # fmt: skip


class Syntax(Refused):
    """A command that is wrong as it stands; `parameter` is what the firmware names when it is asked (`VP`)."""

    def __init__(self, node: str, trace: int, parameter: str = "") -> None:
        super().__init__(Trouble(node, 1, trace))
        self.parameter = parameter


def check(request: Request) -> None:
    """Raise `Syntax` unless the firmware would take the command."""
    rules = RULES.get(request.name)
    if rules is None or request.id is None:
        raise Syntax(request.node, UNKNOWN_COMMAND)
    texts = TEXTS.get(request.name, frozenset())
    for name, value in request.params.items():
        if name in texts:
            continue
        if name not in rules:
            raise Syntax(request.node, UNKNOWN_PARAMETER, name)
        low, high = rules[name]
        for one in value.rstrip("&").split() or [""]:
            if not one.isdecimal() or not low <= int(one) <= high:
                raise Syntax(request.node, OUT_OF_RANGE, f"{name} {one} {low:05} {high:05}")
    missing = NEEDED.get(request.name, frozenset()) - request.params.keys()
    if missing:
        raise Syntax(request.node, MISSING, min(missing))
