"""The one Channel Access client of this process: ophyd has a single control layer, so its motors share and count it.

caproto's client keeps threads and sockets; the last motor that lets go ends them, so that nothing runs on.
"""

import os
import threading
from collections.abc import Mapping

# Before ophyd is imported: otherwise it starts a client at once, for whatever network it finds.
os.environ.setdefault("OPHYD_CONTROL_LAYER", "dummy")

import ophyd
from caproto.threading import pyepics_compat
from ophyd import EpicsMotor, EpicsSignal
from ophyd import _caproto_shim as shim
from ophyd.utils import DisconnectedError
from ophyd.utils import LimitError as OutsideRecord

__all__ = ["DisconnectedError", "EpicsMotor", "OutsideRecord", "find", "hold", "release"]

ADDRESS_LIST, AUTOMATIC, PORT = "EPICS_CA_ADDR_LIST", "EPICS_CA_AUTO_ADDR_LIST", "EPICS_CA_SERVER_PORT"
_lock = threading.Lock()
_servers: list[str] = []  # one entry for each motor that holds the client; "" where the site's settings count
_before: dict[str, str | None] = {}


def hold(server: str) -> None:
    """Start the client unless it runs; with `server` (HOST:PORT) it searches there and nowhere by itself."""
    with _lock:
        if not _servers:
            _before.update({name: os.environ.get(name) for name in (ADDRESS_LIST, AUTOMATIC, PORT)})
        _servers.append(server)
        _set_search()
        if ophyd.cl.name != shim.name:
            ophyd.set_cl(shim.name)


def find(prefix: str, name: str, timeout_s: float) -> EpicsMotor:
    """The motor record of this prefix, with all its fields and limits; blocks. Raises `TimeoutError`.

    ophyd takes up a change of the limits only after their first values: it is not found before those are there.
    """
    motor = EpicsMotor(prefix, name=name)
    try:
        motor.wait_for_connection(timeout=timeout_s)
        for limit in (motor.low_limit_travel, motor.high_limit_travel):
            told = threading.Event()
            limit.subscribe(lambda told=told, **_: told.set())
            if not told.wait(timeout_s):
                raise TimeoutError(f"{limit.pvname} tells no value")
    except BaseException:
        motor.destroy()
        raise
    return motor


def signals(names: Mapping[str, str], timeout_s: float) -> dict[str, EpicsSignal]:
    """Process variables by what we call them; a `set` ends when the record has done what it was told. Blocks.

    Raises `TimeoutError` that names one that does not answer.
    """
    found = {short: EpicsSignal(pv, name=short, put_complete=True) for short, pv in names.items()}
    try:
        for signal in found.values():
            try:
                signal.wait_for_connection(timeout=timeout_s)
            except TimeoutError as error:
                raise TimeoutError(f"{signal.pvname} does not answer") from error
    except BaseException:
        for signal in found.values():
            signal.destroy()
        raise
    return found


def release(server: str) -> None:
    """Let go; the last one ends the client's threads and sockets. Blocks for about a second."""
    with _lock:
        _servers.remove(server)
        _set_search()
        if not _servers:
            _end()


def _set_search() -> None:
    """Search at every server that is held; the site's own settings where none is named."""
    named = sorted({server for server in _servers if server})
    settings = dict(_before)
    if named:
        site = _before[ADDRESS_LIST] if "" in _servers else None
        settings[ADDRESS_LIST] = " ".join([*([site] if site else []), *named])
        settings[AUTOMATIC] = _before[AUTOMATIC] if "" in _servers else "NO"
        settings[PORT] = _before[PORT] if "" in _servers else named[0].rpartition(":")[2]
    for name, value in settings.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _end() -> None:
    # ophyd and caproto end their client only when the process does, so this reaches into both.
    context = shim.PV.default_context()
    dispatcher = shim.get_dispatcher()
    context.disconnect()
    dispatcher.stop()
    shim._dispatcher = None  # noqa: SLF001
    pyepics_compat._make_context.cache_clear()  # noqa: SLF001
    ophyd.set_cl("dummy")
