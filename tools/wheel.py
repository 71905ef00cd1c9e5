"""Build hook: a wheel keeps the rooms' import names but hides them in `genesislab/_rooms` (ADR 0001)."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOMS = ("api", "cli", "drivers", "hardware_tests", "labfile", "orchestrator", "protocols", "registry", "sim_lab")


class RoomsHook(BuildHookInterface):  # type: ignore[type-arg]
    """Tucks every room away and adds the one .pth line that makes it importable."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Only for a standard wheel: an editable install points at the tree itself."""
        if version == "standard":
            build_data["force_include"] |= {room: f"genesislab/_rooms/{room}" for room in ROOMS}
            build_data["force_include"]["tools/rooms.pth"] = "genesislab_rooms.pth"
