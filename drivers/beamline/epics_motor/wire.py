"""Where a motor record is: `ca:PREFIX` as the site's EPICS_CA_* variables find it, or `ca://HOST:PORT/PREFIX`.

The wire itself is Channel Access, which ophyd and caproto speak; the fields are those of the motor record
(EPICS motor module, motorRecord documentation).
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from drivers.core.errors import ConnectionFailed

DEFAULT_PORT = 5064  # CA_SERVER_PORT of the Channel Access protocol specification


@dataclass(frozen=True, slots=True)
class Where:
    """A record's name, and the server that has it; None leaves the search to the site's settings."""

    prefix: str
    server: tuple[str, int] | None = None

    @property
    def address(self) -> str:
        """As `EPICS_CA_ADDR_LIST` writes a server; empty where the site's settings count."""
        return f"{self.server[0]}:{self.server[1]}" if self.server else ""


def where(address: str) -> Where:
    """Read an address; raises `ConnectionFailed`.

    >>> where("ca:LAB:AXIS:m1")
    Where(prefix='LAB:AXIS:m1', server=None)
    >>> where("ca://127.0.0.1:5064/LAB:m1")
    Where(prefix='LAB:m1', server=('127.0.0.1', 5064))
    """
    if not address.startswith("ca://"):
        found = Where(address.removeprefix("ca:"))
    else:
        parts = urlsplit(address)
        found = Where(parts.path.lstrip("/"), (parts.hostname or "", parts.port or DEFAULT_PORT))
    if not found.prefix or found.address.startswith(":"):
        raise ConnectionFailed(f"'{address}' names no record.", hint="Write ca:PREFIX or ca://HOST:PORT/PREFIX.")
    return found


def write(host: str, port: int, prefix: str) -> str:
    """The address of a record on a known server.

    >>> write("127.0.0.1", 5064, "LAB:m1")
    'ca://127.0.0.1:5064/LAB:m1'
    """
    return f"ca://{host}:{port}/{prefix}"
