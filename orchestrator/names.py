"""Names that all who speak of a lab make alike: of its cells, and of its runs."""

import secrets
from datetime import UTC, datetime

from labfile.lab import Lab


def cell_name(lab: Lab, world: str) -> str:
    """A lab's twin and the lab itself are two cells."""
    return f"{lab.name}:{world}"


def new_run_id() -> str:
    """Sortable by time, unique enough: `20261123T141500Z-3f9a1c`."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
