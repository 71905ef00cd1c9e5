"""The one Channel Access client of this process: ophyd has a single control layer, so its motors share and count it.

caproto's client keeps threads and sockets; the last motor that lets go ends them, so that nothing runs on.
"""

import logging
import os
import threading
from collections.abc import Mapping
from typing import Any

# Before ophyd is imported: otherwise it starts a client at once, for whatever network it finds.
os.environ.setdefault("OPHYD_CONTROL_LAYER", "dummy")

import ophyd
from caproto import DISCONNECTED
from caproto import CaprotoError as WireError
from caproto.threading import client as threads
from caproto.threading import pyepics_compat
from caproto.threading.client import Context, VirtualCircuitManager
from ophyd import EpicsMotor, EpicsSignal
from ophyd import _caproto_shim as shim
from ophyd.signal import EpicsSignalBase
from ophyd.utils import DisconnectedError
from ophyd.utils import LimitError as OutsideRecord

__all__ = ["DisconnectedError", "EpicsMotor", "OutsideRecord", "WireError", "find", "hold", "release"]

ADDRESS_LIST, AUTOMATIC, PORT = "EPICS_CA_ADDR_LIST", "EPICS_CA_AUTO_ADDR_LIST", "EPICS_CA_SERVER_PORT"
logger = logging.getLogger(__name__)
_lock = threading.Lock()
_servers: list[str] = []  # one entry for each motor that holds the client; "" where the site's settings count
_before: dict[str, str | None] = {}


class _Lasting(Context):
    """caproto's client, but a server that is found and then does not talk does not end the search for all others."""

    def _process_search_results_loop(self) -> None:
        while not self._close_event.is_set():
            try:
                super()._process_search_results_loop()
            except Exception as error:  # of a connection: whatever it was, the others must be served
                logger.warning("a server of Channel Access does not talk: %s", error)
                with self.pv_cache_lock:
                    waiting = [key for key, pv in self.pvs.items() if not pv.circuit_ready.is_set()]
                self.reconnect(waiting)

    def _activate_subscriptions(self) -> None:
        while not self._close_event.is_set():
            try:
                super()._activate_subscriptions()
            except Exception as error:  # of a variable that went away meanwhile
                logger.warning("a subscription of Channel Access came to nothing: %s", error)


class _Circuit(VirtualCircuitManager):
    """caproto's connection to one server, but one that says what cannot be read is ended, not kept for ever, deaf."""

    def received(self, bytes_recv: bytes, address: Any) -> Any:
        """As caproto's; `DISCONNECTED` for what cannot be read."""
        try:
            return super().received(bytes_recv, address)
        except Exception as error:  # whatever the noise led to
            logger.warning("a server of Channel Access cannot be understood: %r", error)
            self._disconnected()
            return DISCONNECTED


# caproto makes both itself.
pyepics_compat.Context, threads.VirtualCircuitManager = _Lasting, _Circuit


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
        give_back(motor)
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
        give_back(*found.values())
        raise
    return found


def give_back(*held: Any) -> None:
    """Be done with devices and signals of ophyd; a connection that then serves nobody is ended.

    caproto keeps every variable that it ever had, and a connection that noise has made deaf: whoever comes back shall
    have new ones. (A connection that others share is found deaf by caproto itself, after EPICS_CA_CONN_TMO.)
    """
    context = shim.PV.default_context()
    parts = [one for each in held for one in (_parts(each) if hasattr(each, "walk_signals") else [each])]
    ours = [signal._read_pv._caproto_pv for signal in parts if isinstance(signal, EpicsSignalBase)]  # noqa: SLF001
    for each in held:
        each.destroy()
    with context.pv_cache_lock, context.broadcaster._search_lock:  # noqa: SLF001
        for pv in ours:
            context.pvs.pop((pv.name, pv.priority), None)
            context.broadcaster.search_results.pop(pv.name, None)
        kept = set(context.pvs.values())
    context.broadcaster.cancel(*(pv.name for pv in ours))
    for circuit in {pv.circuit_manager for pv in ours if pv.circuit_manager is not None}:
        if kept.isdisjoint(circuit.pvs.values()):
            circuit.disconnect()


def _parts(device: Any) -> list[Any]:
    return [walk.item for walk in device.walk_signals()]


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
