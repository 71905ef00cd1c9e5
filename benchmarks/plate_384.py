"""The 384-well serial dilution that `shared/reference/pylabrobot.md` times: 46 column steps of 10 liquid commands."""

from typing import Any

from protocols.wells import row_letters


def document() -> dict[str, Any]:
    """23 dilution steps over both sets of rows with 8 channels: tip, draw, give, 3 mixes, tip back."""
    columns, rows = range(1, 25), range(16)
    wells = {f"{row_letters(row)}{column}": {"material": "dye" if column == 1 else "water", "volume": "40 uL"}
             for column in columns for row in rows}  # fmt: skip
    steps = []
    for number in range(46):
        row, column = "AB"[number // 23], number % 23 + 1
        tip = f"tips{number // 12 + 1}/A{number % 12 + 1}"
        moves = [
            {"act": "pick_up", "tip": tip},
            {"act": "aspirate", "well": f"plate/{row}{column}", "volume": "20 uL"},
            {"act": "dispense", "well": f"plate/{row}{column + 1}", "volume": "20 uL"},
            {"act": "mix", "well": f"plate/{row}{column + 1}", "volume": "20 uL", "times": 3},
            {"act": "drop", "into": tip},
        ]
        steps.append({"id": f"step_{number + 1}", "do": "pipette", "pipette": "eight", "moves": moves})
    return {
        "format": "lab-protocol/1",
        "name": "384-well serial dilution",
        "author": {"kind": "human", "name": "benchmarks"},
        "materials": {"dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}},
        "pipettes": {"eight": {"model": "p300_multi_gen2", "mount": "left"}},
        "labware": {"plate": {"type": "plate_384_flat", "holds": wells}}
        | {f"tips{n}": {"type": "tips_300"} for n in range(1, 5)},
        "steps": steps,
    }
