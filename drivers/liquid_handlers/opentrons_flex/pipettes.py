"""What a Flex pipettes with: its own models, on slots of which the fourth column is out of their reach."""

from drivers.core.labware import pipettes
from drivers.core.pipettes import Pipetting
from drivers.liquid_handlers.opentrons_flex.options import SLOTS

_OWN = {name: model for name, model in pipettes().items() if name.endswith("_flex") or model.channels == 96}
_REACHED = tuple(slot for slot in SLOTS if not slot.endswith("4"))
PIPETTING = Pipetting(
    models=_OWN,
    mounts=("right", "left"),
    spare=tuple(name for name, model in _OWN.items() if model.channels < 96 and "_em_" not in name),
    tip_sites=_REACHED,
    plate_sites=_REACHED,
)
