"""Where the lab's interface is reached. Imports nothing heavy: `lab up` has the socket, not the server."""

import ipaddress
import socket

from labfile.lab import Lab

BACKLOG = 512


class CannotListen(Exception):
    """The address cannot be listened at; the message says why and how to mend it."""


def listen(lab: Lab, port: int | None = None) -> socket.socket:
    """The socket of `[api]`; refuses to be reached from elsewhere without TLS. Raises `CannotListen`."""
    api = lab.api
    if not _is_loopback(api.host) and not (api.certificate and api.key) and not api.plain_beyond_loopback:
        raise CannotListen(
            f"[api] host {api.host} can be reached from other machines, and there is no TLS: give certificate and key, "
            "or say plain_beyond_loopback = true where a proxy in front has it"
        )
    wanted = api.port if port is None else port
    family = socket.AF_INET6 if ":" in api.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((api.host, wanted))
    except OSError as error:
        found.close()
        raise CannotListen(
            f"{api.host}:{wanted}: {error.strerror}. Another lab may be up there; set [api] port, or use --port 0"
        ) from error
    found.listen(BACKLOG)
    return found


def url_of(lab: Lab, listening: socket.socket) -> str:
    """Where a socket is reached."""
    host, port = listening.getsockname()[:2]
    return f"{'https' if lab.api.certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
