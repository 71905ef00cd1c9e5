"""What is installed for the plug-in points: drivers, twins, transports, worlds, devices of ophyd."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points


@cache
def plugins(group: str) -> Mapping[str, EntryPoint]:
    """The entry points of a group by name. Looked up once a process: the metadata of every package is read for it."""
    return {point.name: point for point in entry_points(group=group)}
