"""The lab from Python: `LabClient` and `AsyncLabClient`, made from the OpenAPI document (ADR 14)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from api.client.clients import AsyncLabClient, LabClient
    from api.client.refused import LabRefused
    from api.client.table import Table

__all__ = ["AsyncLabClient", "LabClient", "LabRefused", "Table"]
_HOMES = {"AsyncLabClient": "clients", "LabClient": "clients", "LabRefused": "refused", "Table": "table"}


def __getattr__(name: str) -> Any:
    """Imported when it is used: the generator must run where `clients.py` is not, or not good."""
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"api.client.{_HOMES[name]}"), name)
