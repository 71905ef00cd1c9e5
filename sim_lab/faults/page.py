"""`docs/reference/faults.md`, written from the catalogue: `python -m sim_lab.faults.page`."""

from pathlib import Path

from sim_lab.faults.catalogue import FAULTS, LINE

FILE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "faults.md"
MATRIX = "<!-- the matrix, printed by: python -m benchmarks.faults -->"


def catalogue() -> str:
    """The page's table of all faults."""
    rows = [
        f"| {fault.group} | `{fault.id}` | {'every line' if LINE in fault.devices else ', '.join(fault.devices)} | "
        f"{fault.does} | {fault.answer} | {fault.unit} |"
        for fault in FAULTS.values()
    ]
    head = ["| group | fault | devices | what it does | how the stack answers | `by` |", "|" + " --- |" * 6]
    return "\n".join([*head, *rows, ""])


def text(matrix: str) -> str:
    """The whole page, with a matrix as it was printed."""
    return f"""# Faults

What can go wrong on the twin, on command: [how to](../how-to/make-things-go-wrong.md). `lab twin faults` prints it too.

{catalogue()}
## Every driver against every fault of its line

One fault at each message of a story in turn (`python -m benchmarks.faults`; a part of it runs with the tests).
*unharmed*: nothing was noticed, and all is true. *recovered*: an error with a name, and after connecting anew all works
again. Anything else (a false success, a hang, a bare exception) makes the command fail.

{MATRIX}

{matrix.strip()}
"""


def main() -> None:
    """Write the page anew with the matrix that it has."""
    FILE.write_text(text(FILE.read_text("utf-8").partition(MATRIX)[2]), "utf-8")


if __name__ == "__main__":
    main()
