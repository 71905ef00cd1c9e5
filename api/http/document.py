"""The OpenAPI document that is checked in beside this; `python -m api.http.document` writes it anew."""

from pathlib import Path
from typing import Any

import orjson

from api.http.app import application

FILE = Path(__file__).with_name("openapi.json")


def document() -> dict[str, Any]:
    """The interface as the code has it."""
    return application().openapi()


def text() -> bytes:
    """The same as it is written."""
    return orjson.dumps(document(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


if __name__ == "__main__":
    FILE.write_bytes(text())
    print(FILE)
