"""What an OT-2 pipettes with: any of Opentrons' models that a person hangs up, of the present generation by choice."""

from drivers.core.labware import pipettes
from drivers.core.pipettes import Pipetting

PIPETTING = Pipetting(
    models=pipettes(),
    mounts=("right", "left"),
    spare=tuple(name for name in pipettes() if name.endswith("gen2")),
)
