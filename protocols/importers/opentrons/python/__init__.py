"""Python protocols of Opentrons: `opentrons` analyses them in a jail, and its command list is read as a JSON file's."""

from protocols.importers.findings import Imported
from protocols.importers.opentrons import import_file
from protocols.importers.opentrons.python.analysis import source_file
from protocols.importers.opentrons.python.bundle import Bundle, read_bundle
from protocols.importers.opentrons.python.jailed import analyses

__all__ = ["import_python", "read_bundle"]


def import_python(bundle: Bundle) -> Imported:
    """The document of a Python protocol, with all findings; raises `ProtocolError` where it cannot be imported."""
    (analysis,) = analyses([bundle])
    return import_file(source_file(bundle, analysis), bundle.assumptions())
