"""`python -m registry.schema` writes the JSON Schema of manifests anew."""

import json
from pathlib import Path

from registry.manifest import schema

FILE = Path(__file__).with_name("lab-manifest.schema.json")


def text() -> str:
    """The schema as it is written."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
    print(FILE)
