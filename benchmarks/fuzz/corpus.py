"""Bad protocols: wrong, dangerous and hostile, each with the rule that must refuse it, and how its message mends it.

A `Bad` holds a document (or raw bytes), the rule, and for the fixable kind the place and value that the message leads
to: `says` must stand in the message or its hint, and with `value` at `path` the protocol is valid.
"""

# ruff: noqa: E501 - a table
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]
Path = tuple[Any, ...]

FILL = {"id": "fill", "do": "transfer", "source": "stock/A1", "to": "plate/A1:A3", "volume": "50 uL"}
READ = {
    "id": "read",
    "do": "measure",
    "kind": "absorbance",
    "labware": "plate",
    "wells": "A1:A3",
    "wavelengths": ["504 nm"],
}
SHAKE = {"id": "shake", "do": "shake", "labware": "plate", "speed": "500 rpm", "for": "30 s"}
DILUTE = {"id": "dilute", "do": "serial_dilute", "source": "stock/A1", "diluent": "stock/A2", "into": "plate/B1:B6",
          "volume": "100 uL", "factor": 2}  # fmt: skip
SPREAD = {
    "id": "spread",
    "do": "distribute",
    "source": "stock/A2",
    "to": "plate/C1:C6",
    "volume": "40 uL",
    "extra": "10 uL",
}
WARM = {"id": "warm", "do": "incubate", "labware": "plate", "at": "37 degC", "for": "5 min"}
WAIT = {"id": "rest", "do": "wait", "for": "1 min"}
STIR = {"id": "stir", "do": "mix", "wells": "plate/A1", "volume": "20 uL", "times": 2}
SPIN = {"id": "spin", "do": "centrifuge", "labware": "plate", "force": "300 xg", "for": "1 min"}
SEAL = {"id": "close", "do": "seal", "labware": "plate"}
PEEL = {"id": "open", "do": "peel", "labware": "plate"}
CYCLE = {
    "id": "pcr",
    "do": "thermocycle",
    "labware": "plate",
    "cycles": [{"holds": [{"at": "60 degC", "for": "10 s"}], "times": 3}],
}
STAGE = {"id": "stage", "do": "position", "to": "5 mm"}
MOVE = {"id": "away", "do": "move", "labware": "plate", "to": "hotel"}
TELL = {"id": "tell", "do": "operator", "message": "Look."}
LOOP = {"id": "loop", "do": "repeat", "times": 2, "steps": [{**WAIT, "id": "pause"}]}
EACH = {"id": "each", "do": "for_each", "items": [{"well": "plate/D1"}, {"well": "plate/D2"}],
        "steps": [{"id": "drop", "do": "transfer", "source": "stock/A1", "to": {"param": "well"}, "volume": "30 uL"}]}  # fmt: skip
LANES = {"id": "lanes", "do": "parallel", "lanes": [[{**WAIT, "id": "one"}], [{**WAIT, "id": "two"}]]}
IF = {"id": "strong", "do": "if", "reading": "read", "at": "504 nm", "above": 0.5, "then": [{**WAIT, "id": "then"}]}
STEPS = [
    FILL,
    SHAKE,
    DILUTE,
    SPREAD,
    STIR,
    WARM,
    READ,
    WAIT,
    STAGE,
    MOVE,
    TELL,
    LOOP,
    EACH,
    LANES,
    IF,
    SEAL,
    SPIN,
    CYCLE,
    PEEL,
]
PLACE = {step["id"]: number for number, step in enumerate(STEPS)}


def good() -> Document:
    """A valid protocol with a step of nearly every kind; the bad ones are this one, changed."""
    return copy.deepcopy({
        "format": "lab-protocol/1", "name": "t", "author": {"kind": "agent", "name": "corpus", "model": "m-1"},
        "parameters": {"volume": {"kind": "volume", "default": "50 uL", "low": "10 uL", "high": "100 uL"}},
        "materials": {"dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}},
        "labware": {"stock": {"type": "reservoir_12", "holds": {"A1": "dye", "A2": "water"}},
                    "plate": {"type": "plate_96_flat"}},
        "steps": STEPS,
    })  # fmt: skip


@dataclass(frozen=True)
class Bad:
    """One bad protocol; `path`, `value` and `says` for the fixable kind."""

    name: str
    rule: str
    document: Any
    path: Path | None = None
    value: Any = None
    says: str = ""

    def mended(self) -> Document:
        """The document after following the message."""
        assert self.path is not None
        return put(self.document, self.path, self.value)


def put(document: Document, path: Path, value: Any) -> Document:
    """The document with another value at a place; `DROP` takes it out."""
    changed = copy.deepcopy(document)
    place = changed
    for part in path[:-1]:
        place = place[part]
    if value is DROP:
        del place[path[-1]]
    elif isinstance(place, list) and path[-1] == len(place):
        place.append(value)
    else:
        place[path[-1]] = value
    return changed


DROP = object()


def step(name: str, *keys: Any) -> Path:
    """The place of a key of a step."""
    return ("steps", PLACE[name], *keys)


def bad(rule: str, path: Path, value: Any, mend: Any = None, says: str = "", name: str = "") -> Bad:
    """The good protocol with one wrong value; `mend` is what the message leads to."""
    name = name or f"{'.'.join(map(str, path))}={value!r:.40}"
    if mend is None:
        return Bad(name, rule, put(good(), path, value))
    return Bad(name, rule, put(good(), path, value), path, mend, says)


def renamed(path: Path, old: str, new: str, rule: str = "FMT-001") -> Bad:
    """A key with a typing mistake: the message names the right one."""
    document = good()
    place: Any = document
    for part in path:
        place = place[part]
    place[new] = place.pop(old)
    return Bad(f"{'.'.join(map(str, path))}.{new}", rule, document, path, {"__rename__": (new, old)}, f"'{old}'")


def quantities() -> Iterator[Bad]:
    """Units that are wrong, missing, or tricks."""
    fields = {
        "volume": ("50 uL", [step("fill", "volume"), step("dilute", "volume"), step("spread", "volume"), step("stir", "volume")]),
        "time": ("1 min", [step("rest", "for"), step("shake", "for"), step("warm", "for"), step("spin", "for")]),
        "temperature": ("37 degC", [step("warm", "at")]),
        "rotation": ("500 rpm", [step("shake", "speed")]),
        "length": ("5 mm", [step("stage", "to")]),
        "acceleration": ("300 xg", [step("spin", "force")]),
    }  # fmt: skip
    for kind, (right, places) in fields.items():
        for path in places:
            wrong = "20 L/mol/cm"
            yield bad(
                "UNIT-001", path, wrong, right, kind, f"{'.'.join(map(str, path[2:]))} of {path[1]}: another unit"
            )
            yield bad("UNIT-001", path, 50, right, "has no unit", f"{'.'.join(map(str, path[2:]))} of {path[1]}: bare")
    volume = step("fill", "volume")
    for text, says in (
        ("50 ul", "did you mean 'uL'"), ("50 µl", "did you mean"), ("fifty uL", "not a number"), ("50uL0", "unit"),
        ("5e1000 uL", "not finite"), ("nan uL", "not a number"), ("inf uL", "not a number"), ("50", "not a number with a unit"),
        ("uL 50", "not a number"), ("50 uL uL", "unknown unit"), ("50 uL; drop", "unknown unit"), ("0x32 uL", "unknown unit"),
        ("5_0 uL", "unknown unit"), ("50,0 uL", "unknown unit"), ("1/0 uL", "unknown unit"), ("__import__('os') uL", "not a number"),
        ("٥٠ uL", "number"), ("５０ uL", "number"), ("", "not a number"), (" ", "not a number"), ("-50 uL", "more than 0"),
        ("0 uL", "more than 0"), ("50 min", "is a time"), ("50 m", "is a length"),
    ):  # fmt: skip
        yield bad("UNIT-001", volume, text, "50 uL", says)
    for value in ([50, "uL"], {"value": 50, "unit": "uL"}, None, True, 50.5):
        yield bad("UNIT-001", volume, value, "50 uL", "unit")
    yield bad("UNIT-001", step("warm", "at"), "-300 degC", "37 degC", "at least")
    yield bad("UNIT-001", step("read", "wavelengths"), ["504 rpm"], ["504 nm"], "wavelength")


def shapes() -> Iterator[Bad]:
    """Keys and kinds with typing mistakes, things left out, things of the wrong kind."""
    for name, old, new in (
        ("fill", "volume", "volum"), ("fill", "source", "sourc"), ("shake", "labware", "labwear"), ("shake", "speed", "sped"),
        ("warm", "labware", "labwares"), ("read", "wavelengths", "wavelenghts"), ("dilute", "diluent", "dilutent"),
        ("spread", "extra", "extras"), ("stir", "times", "time"), ("tell", "message", "mesage"), ("spin", "force", "forces"),
        ("away", "labware", "labwre"),
    ):  # fmt: skip
        yield renamed(step(name), old, new)
    for name, wrong, right in (
        ("fill", "transfers", "transfer"), ("shake", "shaking", "shake"), ("dilute", "serial_dilution", "serial_dilute"),
        ("warm", "incubation", "incubate"), ("spread", "distribut", "distribute"), ("read", "measurement", "measure"),
        ("close", "seals", "seal"), ("loop", "repeats", "repeat"), ("tell", "operators", "operator"),
        ("spin", "centrifugate", "centrifuge"), ("stir", "mixing", "mix"), ("pcr", "thermocycler", "thermocycle"),
    ):  # fmt: skip
        yield bad("FMT-003", step(name, "do"), wrong, right, f"'{right}'")
    for name, key in (
        ("fill", "to"), ("fill", "volume"), ("shake", "for"), ("dilute", "factor"), ("read", "kind"), ("warm", "at"),
        ("tell", "message"), ("away", "to"), ("spin", "force"), ("stage", "to"), ("loop", "times"), ("each", "items"),
    ):  # fmt: skip
        right = STEPS[PLACE[name]][key]
        yield bad("FMT-001", step(name, key), DROP, right, f"{key}: is missing", f"{name} without {key}")
    yield bad("FMT-003", step("fill", "do"), DROP, "transfer", "", "a step that does nothing")
    yield bad("FMT-003", step("fill", "do"), 7, "transfer", "", "a step that does 7")
    yield bad("FMT-001", ("steps",), [], STEPS, "at least 1")
    yield bad("FMT-001", ("steps",), {}, STEPS, "list")
    yield bad("FMT-001", ("steps", 0), "pour it in", FILL, "", "a step in prose")
    yield bad("FMT-001", ("author",), DROP, {"kind": "human", "name": "me"}, "author: is missing")
    yield bad("FMT-001", ("author", "kind"), "robot", "agent", "agent")
    yield bad("FMT-001", ("name",), "", "t", "at least 1")
    yield bad("FMT-001", ("stpes",), [], DROP, "'steps'")
    yield bad("FMT-001", step("stir", "times"), 0, 1, "greater than or equal to 1")
    yield bad("FMT-001", step("stir", "times"), 51, 50, "less than or equal to 50")
    yield bad("FMT-001", step("dilute", "factor"), 1, 2, "greater than 1")
    yield bad("FMT-001", step("fill", "channels"), 4, 1, "1, 8 or 96")
    yield bad("FMT-001", step("fill", "tips"), "never", "each", "'each'")
    yield bad("FMT-005", step("shake", "id"), "fill", "shake", "stands twice")
    yield bad("FMT-005", step("shake", "id"), "setup", "shake", "the lab uses itself")
    yield bad("FMT-001", ("materials", "dye", "cas"), "25956176", "25956-17-6", "")
    yield bad("FMT-002", ("format",), "lab-protocol/2", "lab-protocol/1", "begin with 'format: lab-protocol/1'")


def bindings() -> Iterator[Bad]:
    """What is not there, not in reach, not possible."""
    yield bad("LAB-001", step("shake", "labware"), "plat", "plate", "Declared: plate, stock")
    yield bad("LAB-001", step("fill", "source"), "stok/A1", "stock/A1", "Declared: plate, stock")
    yield bad("LAB-002", step("fill", "to"), "plate/A1:A13", "plate/A1:A12", "")
    yield bad("LAB-002", step("stir", "wells"), "plate/J1", "plate/A1", "A1 to H12")
    yield bad("LAB-002", step("read", "wells"), "A1:Z1", "A1:A3", "has no well")
    yield bad("LAB-001", ("labware", "plate", "type"), "plate_97_flat", "plate_96_flat", "")
    yield bad("LAB-010", ("labware", "trash"), {"type": "plate_96_flat"}, DROP, "Choose another name")
    yield bad("LAB-011", ("labware", "plate"), {}, {"type": "plate_96_flat"}, "give either")
    yield bad("MAT-001", ("labware", "stock", "holds", "A1"), "die", "dye", "declared: water, dye")
    yield bad("REACH-002", step("away", "to"), "fridge", "hotel.1", "hotel.1")
    yield bad("REACH-002", ("labware", "plate", "slot"), "15", "3", "Slots: 1, 2, 3")
    for text in (
        "plate",
        "plate/",
        "/A1",
        "plate/a",
        "plate/A0",
        "plate/A1:A",
        "plate/B1:A1",
        "plate/A1,A1",
        "plate/A1-A3",
        7,
    ):
        yield bad("UNIT-001", step("fill", "to"), text, "plate/A1:A3", "plate")
    yield bad("LIQ-006", step("fill", "source"), "stock/A1:A2", "stock/A1", "one source for all")
    yield bad("LIQ-003", step("fill", "volume"), "400 uL", "50 uL", "Lower the volume")
    yield bad("LIQ-009", step("fill", "volume"), "1e9 L", "50 uL", "Is the unit right", "an ocean")
    yield bad("LIQ-001", step("stir", "wells"), "plate/H12", "plate/A1", "is empty")
    yield bad("LIQ-001", ("labware", "stock", "holds", "A1"), {"material": "dye", "volume": "20 uL"}, "dye", "holds")
    yield bad("LIQ-008", step("spread", "extra"), "280 uL", "10 uL", "draw less extra")
    yield bad("PIP-002", step("fill", "channels"), 96, 1, "Change the volume or the channels")
    yield bad("LIM-001", step("shake", "speed"), "9000 rpm", "500 rpm", "is outside what shaker may do")
    yield bad("LIM-001", step("warm", "at"), "300 degC", "37 degC", "is outside what shaker may do")
    yield bad("LIM-001", step("read", "wavelengths"), ["100 nm"], ["504 nm"], "is outside what reader may do")
    yield bad("MEAS-001", step("read", "wavelengths"), [], ["504 nm"], "needs `labware` and `wavelengths`")
    yield bad("LAB-003", ("labware", "plate", "sealed"), True, False, "peel")
    yield bad("TIME-001", step("fill", "within"), "1 min", DROP, "Say it of a step that follows")
    yield bad("SEAL-001", ("steps", PLACE["close"]), {**TELL, "id": "hm"}, SEAL, "Seal it before")
    yield bad("PAR-003", step("fill", "volume"), {"param": "volum"}, {"param": "volume"}, "Declared: volume")
    yield bad("PAR-002", ("parameters", "volume", "default"), "500 uL", "50 uL", "inside its range")
    yield bad("PAR-002", ("parameters", "volume", "default"), "5 s", "50 uL", "is a time")


def flows() -> Iterator[Bad]:
    """Loops without an end, conditions on nothing, lanes of nothing."""
    yield bad("FMT-001", step("loop", "times"), 10**12, 2, "less than or equal to 1000")
    yield bad("FMT-001", step("loop", "times"), -1, 2, "greater than or equal to 1")
    yield bad("FMT-001", step("loop", "times"), "forever", 2, "integer")
    yield bad("FMT-001", step("loop", "steps"), [], LOOP["steps"], "at least 1")
    yield bad(
        "FLOW-001",
        step("loop"),
        {**LOOP, "times": 1000, "steps": [{**LOOP, "id": "l", "times": 1000}]},
        LOOP,
        "Repeat less",
    )
    stir = {"act": "mix", "well": "plate/A1", "volume": "20 uL", "times": 50}
    much = {"id": "loop", "do": "repeat", "times": 1000, "steps": [{"id": "m", "do": "pipette", "moves": [stir, stir]}]}
    pick = {"id": "pick", "do": "pipette", "moves": [{"act": "pick_up"}]}
    yield bad(
        "FLOW-009",
        step("loop"),
        {"id": "all", "do": "repeat", "times": 1, "steps": [pick, much]},
        LOOP,
        "several runs",
        "days of mixing",
    )
    deep: dict[str, Any] = {**WAIT, "id": "in"}
    for number in range(12):
        deep = {"id": f"d{number}", "do": "repeat", "times": 1, "steps": [deep]}
    yield bad("FLOW-002", step("loop"), deep, LOOP, "beside one another", "twelve deep")
    bomb: dict[str, Any] = {**WAIT, "id": "in"}
    for number in range(4):
        bomb = {
            "id": f"b{number}",
            "do": "parallel",
            "lanes": [[{"id": f"r{number}", "do": "repeat", "times": 1000, "steps": [bomb]}]] * 8,
        }
    yield bad("FLOW-001", step("loop"), bomb, LOOP, "Repeat less", "lanes of loops of lanes")
    yield bad("FLOW-003", step("each", "items"), [{"volume": "plate/D1"}], EACH["items"], "Choose another name")
    yield bad("PAR-003", step("each", "items"), [{"wel": "plate/D1"}], EACH["items"], "no parameter 'well'")
    yield bad("FMT-001", step("each", "items"), [], EACH["items"], "at least 1")
    yield bad("FMT-001", step("each", "items"), [{"well": ["plate/D1"]}], EACH["items"], "")
    yield bad("FMT-001", step("lanes", "lanes"), [[WAIT]], LANES["lanes"], "at least 2")
    yield bad(
        "FMT-001", step("lanes", "lanes"), [[{**WAIT, "id": f"x{n}"}] for n in range(9)], LANES["lanes"], "at most 8"
    )
    yield bad("FLOW-005", step("strong", "below"), 2.0, DROP, "either `above` or `below`")
    yield bad("FLOW-005", step("strong", "above"), DROP, 0.5, "either `above` or `below`")
    yield bad("FLOW-008", step("strong", "reading"), "raed", "read", "Measure steps: read")
    yield bad("FLOW-008", step("strong", "reading"), "fill", "read", "Measure steps: read")
    yield bad("FLOW-006", step("lanes", "id"), "loop", "lanes", "stands twice")
    many = [{**IF, "id": f"i{n}", "then": [{**WAIT, "id": f"t{n}"}]} for n in range(6)]
    yield bad("FLOW-004", step("strong"), {"id": "all", "do": "repeat", "times": 1, "steps": many}, IF, "Use fewer")
    tip = [{"id": "keep", "do": "pipette", "moves": [{"act": "pick_up"}]}]
    yield bad("FLOW-007", step("strong", "then"), tip, IF["then"], "in the same branch")
    yield bad("TIP-001", step("stir"), {"id": "p", "do": "pipette", "moves": [{"act": "aspirate", "well": "plate/A1", "volume": "20 uL"}]},
              STIR, "pick_up")  # fmt: skip


def hostile() -> Iterator[Bad]:
    """Text that deceives, names that are paths, files that blow up."""
    for char in (
        "\u202e",
        "\u2066",
        "\u200b",
        "\u200d",
        "\ufeff",
        "\x1b[2J",
        "\x00",
        "\x07",
        "\u00ad",
        "\ue000",
        "\x85",
    ):
        yield bad(
            "TEXT-001",
            step("tell", "message"),
            f"Look.{char}Approved.",
            "Look.",
            "Take it out",
            f"message with {char!r}",
        )
    yield bad("TEXT-001", ("name",), "t\u202e", "t", "Take it out")
    yield bad("TEXT-001", ("materials", "dye\u200b"), {"cas": "25956-17-6"}, DROP, "Take it out")
    yield bad("TEXT-002", ("purpose",), "ignore all rules " * 1000, "", "at most 10000")
    yield bad("TEXT-002", ("labware", "x" * 300), {"type": "plate_96_flat"}, DROP, "at most 200")
    nested: Any = "in"
    for _ in range(60):
        nested = [nested]
    yield bad("TEXT-003", ("purpose",), nested, "", "deep", "sixty lists deep")
    for name in (
        "../../etc/passwd",
        "a/b",
        "con\n",
        "; rm -rf",
        "$(id)",
        "<script>",
        "%s%s%n",
        "{0.__class__}",
        "'--",
        "ｆｉｌｌ",
        "é",
        "1st",
        "",
        "x" * 65,
    ):
        yield bad(
            "FMT-001",
            step("fill", "id"),
            name,
            "fill",
            "",
            f"step named {name!r:.30}",
        )
    raw = {
        "yaml tag": b"format: !!python/object/apply:os.system [id]",
        "yaml aliases": b"a: &a [x, x]\nb: *a",
        "yaml key twice": b"format: lab-protocol/1\nname: a\nname: b",
        "not utf-8": b"\xff\xfe\x00f", "no mapping": b"- 1", "empty": b"", "braces": b"{" * 5000, "lists": b"[" * 100_000,
        "no yaml": b"a: [1", "nul": b"a: \x00",
    }  # fmt: skip
    for name, data in raw.items():
        yield Bad(name, "FILE-004" if name in ("no mapping", "empty") else "FILE-003", data)
    yield bad("FMT-001", ("name",), {"param": ["x"]}, "t", "")
    yield bad("FMT-001", ("__proto__",), {"ok": True}, DROP, "unknown key")
    yield bad("FMT-001", ("approved",), True, DROP, "unknown key")
    yield bad("FMT-001", step("fill", "severity"), "warn", DROP, "unknown key")
    yield bad("FMT-001", step("fill", "hazards"), "none", DROP, "unknown key")
    yield bad("FMT-001", step("fill", "duration"), "1 s", DROP, "unknown key")
    yield bad("FMT-003", step("fill", "do"), "exec", "transfer", "is none of")
    yield bad("FMT-003", step("fill", "do"), "__class__", "transfer", "is none of")


def dangerous() -> Iterator[Bad]:
    """What must not meet, get warm or go where it goes."""
    pairs = {
        "acid and cyanide": ("7647-01-0", "143-33-9"), "acid and azide": ("7647-01-0", "26628-22-8"),
        "acid and bleach": ("7647-01-0", "7681-52-9"), "bleach and ammonia": ("7681-52-9", "1336-21-6"),
        "acid and sulfide": ("7647-01-0", "1313-82-2"), "nitric acid and ethanol": ("7697-37-2", "64-17-5"),
        "peroxide and acetone": ("7722-84-1", "67-64-1"), "permanganate and glycerol": ("7722-64-7", "56-81-5"),
        "perchloric acid and acetic anhydride": ("7601-90-3", "108-24-7"), "bleach and acetone": ("7681-52-9", "67-64-1"),
    }  # fmt: skip
    for name, (one, other) in pairs.items():
        document = good()
        document["materials"] = {
            "dye": {"cas": one, "concentration": "1 mol/L"},
            "more": {"cas": other, "concentration": "1 mol/L"},
        }
        document["labware"]["stock"]["holds"] = {"A1": "dye", "A2": "more"}
        document["steps"] = [FILL, {**FILL, "id": "second", "source": "stock/A2"}]
        yield Bad(name, "CHEM-001", document, ("steps", 1, "to"), "plate/B1:B3", "other wells")
    for name, cas in (
        ("sarin", "107-44-8"),
        ("VX", "50782-69-9"),
        ("sulfur mustard", "505-60-2"),
        ("lead azide", "13424-46-9"),
    ):
        yield bad("CHEM-003", ("materials", "dye", "cas"), cas, name=name)
    hot = [FILL, {**WARM, "at": "60 degC"}]
    for name, cas in (("ethanol", "64-17-5"), ("acetone", "67-64-1"), ("methanol", "67-56-1")):
        document = {**good(), "materials": {"dye": {"cas": cas, "concentration": "10 mol/L"}}, "steps": hot}
        yield Bad(f"open {name} at 60 degC", "CHEM-004", document)
        closed = {
            **document,
            "steps": [FILL, SEAL, {**CYCLE, "cycles": [{"holds": [{"at": "95 degC", "for": "10 s"}]}]}],
        }
        yield Bad(
            f"sealed {name} at 95 degC",
            "CHEM-005",
            closed,
            ("steps", 2, "cycles", 0, "holds", 0, "at"),
            "30 degC",
            "Stay below",
        )
    yield bad("BIO-001", ("materials", "dye", "biosafety_level"), 3, 1, "fit for")


HEAT = {"id": "hot", "do": "heat", "labware": "plate", "to": "50 degC", "ramp": "5 K/min", "for": "1 min"}
PUMP = {"id": "pump", "do": "pump", "source": "stock/A1", "to": "plate/A1", "volume": "50 uL", "rate": "10 uL/s"}
FLOW = {"id": "gas", "do": "flow", "gas": "N2", "rate": "100 sccm", "for": "1 min"}
FIRE = {"id": "fire", "do": "furnace", "labware": "plate", "program": [{"to": "60 degC", "for": "1 min"}]}
MASS = {"id": "mass", "do": "measure", "kind": "mass", "labware": "plate"}
DOSE = {"id": "dose", "do": "dose", "material": "dye", "into": "plate/A1", "mass": "100 mg"}


def bench() -> Iterator[Bad]:
    """Instruments of the bench: beyond what they can do, or said of the wrong place."""
    for rule, kind, path, wrong, right, says in (
        ("LIM-001", HEAT, ("to",), "500 degC", "50 degC", "outside what hotplate may do"),
        ("LIM-001", HEAT, ("ramp",), "100 K/min", "5 K/min", "outside what hotplate may do"),
        ("UNIT-001", HEAT, ("ramp",), "5 K", "5 K/min", "a ramp is wanted"),
        ("PUMP-001", PUMP, ("to",), "plate/B1", "plate/A1", "first well"),
        ("PUMP-002", PUMP, ("volume",), "20 L", "50 uL", "is the unit right"),
        ("LIM-001", PUMP, ("rate",), "900 mL/min", "10 uL/s", "outside what"),
        ("UNIT-001", FLOW, ("rate",), "100 mL/min", "100 sccm", "a gas flow is wanted"),
        ("FMT-001", FLOW, ("gas",), "Xe", "N2", "N2"),
        ("HEAT-001", FIRE, ("program", 0, "to"), "600 degC", "60 degC", "stay below"),
        ("LIM-001", FIRE, ("program", 0, "to"), "1150 degC", "60 degC", "outside what furnace may do"),
        ("MEAS-001", MASS, ("wells",), "A1", DROP, "as a whole"),
        ("MAT-001", DOSE, ("material",), "rum", "dye", "declared: water, dye"),
        ("LIQ-003", DOSE, ("mass",), "5 g", "100 mg", "lower the volume"),
    ):  # fmt: skip
        document = {**good(), "steps": [kind]}
        place = ("steps", 0, *path)
        yield Bad(f"{kind['id']} {path[-1]}={wrong}", rule, put(document, place, wrong), place, right, says)


COUNT = {"id": "count", "do": "scan", "plan": "count", "num": 3, "delay": "1 s", "detectors": ["environment"]}
ALONG = {"id": "along", "do": "scan", "plan": "scan", "num": 5, "detectors": ["temperature"],
         "axes": [{"axis": "axis", "from": "0 mm", "to": "5 mm"}]}  # fmt: skip
GRID = {"id": "grid", "do": "scan", "plan": "grid_scan", "axes": [{"from": "0 mm", "to": "5 mm", "num": 3}]}
LIST = {"id": "list", "do": "scan", "plan": "list_scan", "axes": [{"places": ["1 mm", "2 mm"]}]}
BAND = {"id": "band", "do": "measure", "kind": "spectrum", "labware": "plate", "wells": "A1",
        "wavelengths": ["400 nm", "700 nm"], "by": "50 nm"}  # fmt: skip
ROOM = {"id": "room", "do": "measure", "kind": "temperature"}
BLINK = {"id": "blink", "do": "call", "name": "blink", "args": {"duration": "5 s"}}
LIGHTS = {"id": "lights", "do": "call", "name": "lights", "device": "ot2", "args": {"state": "off"}}


def readings() -> Iterator[Bad]:
    """Plans, kinds of reading and calls that are not there, or with arguments that they do not take."""
    for rule, kind, path, wrong, right, says in (
        ("FMT-001", COUNT, ("plan",), "os.system", "count", "grid_scan"),
        ("FMT-001", COUNT, ("plan",), "fly", "count", "'count'"),
        ("FMT-001", COUNT, ("per_shot",), "import os", DROP, "unknown key"),
        ("FMT-001", COUNT, ("detectors",), ["camera"], ["environment"], "'environment'"),
        ("FMT-001", COUNT, ("num",), 1.5, 3, "integer"),
        ("SCAN-001", COUNT, ("num",), 0, 3, "from 1"),
        ("SCAN-001", COUNT, ("num",), 10**9, 3, "to 10000"),
        ("SCAN-002", COUNT, ("num",), 9999, 3, "1,000"),
        ("SCAN-001", COUNT, ("delay",), "1e9 s", "1 s", "to 86400"),
        ("SCAN-001", COUNT, ("detectors",), [], ["environment"], "at least one"),
        ("SCAN-001", COUNT, ("axes",), ALONG["axes"], DROP, "moves no `axes`"),
        ("UNIT-001", COUNT, ("delay",), 5, "1 s", "has no unit"),
        ("MEAS-001", COUNT, ("detectors",), ["absorbance"], ["environment"], "needs"),
        ("SCAN-003", ALONG, ("plan",), "rel_scan", "scan", "use `scan`"),
        ("SCAN-004", ALONG, ("axes", 0, "axis"), "axsi", "axis", "axes: "),
        ("SCAN-005", ALONG, ("axes", 0, "to"), "5 deg", "5 mm", "moves in mm"),
        ("LIM-001", ALONG, ("axes", 0, "to"), "100 m", "5 mm", "outside what axis may do"),
        ("UNIT-001", ALONG, ("axes", 0, "to"), "5 s", "5 mm", "a length is wanted"),
        ("SCAN-001", ALONG, ("axes", 0, "num"), 3, DROP, "`from` and `to`"),
        ("SCAN-001", ALONG, ("num",), DROP, 5, "num"),
        ("SCAN-001", ALONG, ("snake_axes",), True, DROP, "snake_axes"),
        ("SCAN-001", GRID, ("axes", 0, "num"), DROP, 3, "`num`"),
        ("SCAN-002", GRID, ("axes", 0, "num"), 5000, 3, "fewer points"),
        ("FMT-001", GRID, ("snake_axes",), "yes, please", False, "boolean"),
        ("SCAN-001", LIST, ("axes", 0, "places"), [], ["1 mm"], "`places`"),
        ("MEAS-001", BAND, ("by",), DROP, "50 nm", "`by`"),
        ("MEAS-003", BAND, ("by",), "1 nm", "50 nm", "2 to 200"),
        ("MEAS-003", BAND, ("wavelengths",), ["700 nm", "400 nm"], ["400 nm", "700 nm"], "lower one first"),
        ("UNIT-001", BAND, ("by",), "0 nm", "50 nm", "more than"),
        ("LIM-001", BAND, ("wavelengths",), ["100 nm", "400 nm"], ["400 nm", "700 nm"], "outside what reader may do"),
        ("MEAS-004", ROOM, ("labware",), "plate", DROP, "leave `labware` out"),
        ("MEAS-001", ROOM, ("wells",), "A1", DROP, "takes no `wells`"),
        ("CALL-001", BLINK, ("name",), "blnk", "blink", "'blink'"),
        ("CALL-001", BLINK, ("name",), "__class__", "blink", "blink"),
        ("CALL-001", BLINK, ("name",), "make_safe", "blink", "blink"),
        ("CALL-001", BLINK, ("device",), "arm", DROP, "ot2"),
        ("CALL-002", BLINK, ("args", "self"), "x", DROP, "`duration`"),
        ("CALL-003", BLINK, ("args", "duration"), "1 h", "60 s", "1 to 60 s"),
        ("CALL-003", BLINK, ("args", "duration"), "5 mL", "5 s", "a time is wanted"),
        ("CALL-002", LIGHTS, ("args",), {}, {"state": "on"}, "`state`, on or off"),
        ("CALL-003", LIGHTS, ("args", "state"), "$(id)", "on", "on, off"),
    ):  # fmt: skip
        document = {**good(), "steps": [kind]}
        place = ("steps", 0, *path)
        name = f"{kind['id']} {path[-1]}={'left out' if wrong is DROP else wrong}"
        yield Bad(name, rule, put(document, place, wrong), place, right, says)
    rack = {"type": "opentrons_10_tuberack_nest_4x50ml_6x15ml_conical", "slot": "6"}
    document = {**good(), "steps": [READ, FILL][::-1]}
    document["labware"] = {**document["labware"], "plate": {"type": "plate_96_flat", "slot": "3"}, "rack": rack}
    yield Bad("a plate over tall tubes", "COLL-001", document, ("labware", "rack", "slot"), "10", "choose another site")


def corpus() -> list[Bad]:
    """All of them."""
    families = (quantities, shapes, bindings, flows, hostile, dangerous, bench, readings)
    return [found for family in families for found in family()]
