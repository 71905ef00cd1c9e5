"""The ready protocols that come with the stack, by the names of their files."""

import functools
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from protocols.parse import Source, read

FOLDER = Path(str(files("protocols").joinpath("library")))


@functools.cache
def ready() -> Mapping[str, Source]:
    """All of them, parsed with their defaults."""
    return {file.stem: read(file) for file in sorted(FOLDER.glob("*.yaml"))}
