"""The JSON Schema of `lab-protocol/1`, generated from the models and checked in for editors and agents."""

import json
from pathlib import Path
from typing import Any

from protocols.model import Protocol

FILE = Path(__file__).with_name("lab-protocol-1.schema.json")


def generate() -> dict[str, Any]:
    """The schema of the models as they are now."""
    schema = Protocol.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "lab-protocol/1", **schema}


def text() -> str:
    """The file's content."""
    return json.dumps(generate(), separators=(",", ":"), sort_keys=True) + "\n"
