"""What a STAR pipettes with: one channel, all eight, or the 96 head, with CO-RE tips on the carrier for tips."""

from functools import partial

from drivers.core.pipettes import Pipette, Pipetting, Tips
from drivers.liquid_handlers.hamilton_star.deck import PLATE_SITES, TIP_SITES
from drivers.liquid_handlers.hamilton_star.labware import TIPS, rack_definition
from drivers.liquid_handlers.hamilton_star.reach import CHANNELS, EIGHT, HEAD, PIPETTE
from drivers.liquid_handlers.hamilton_star.timing import ASPIRATE_UL_S, DISPENSE_UL_S

#: Least volumes by the nominal volume of a tip: from there on its exactness is told (`drivers.core.accuracy`).
_FROM_UL = {50.0: 0.5, 300.0: 10.0, 1000.0: 10.0}
_USUAL = ("hamilton_96_tiprack_300ul", "hamilton_96_tiprack_50ul", "hamilton_96_tiprack_1000ul")
_TIPS = tuple(
    Tips(
        name, TIPS[name].nominal_ul, TIPS[name].capacity_ul, _FROM_UL[TIPS[name].nominal_ul],
        f"star{TIPS[name].nominal_ul:g}", partial(rack_definition, name),
    )
    for name in (*_USUAL, *(name for name in TIPS if name not in _USUAL))
)  # fmt: skip
_MODELS = (
    Pipette(PIPETTE, 1, 0.5, 1000.0, ASPIRATE_UL_S, DISPENSE_UL_S, _TIPS),
    Pipette(EIGHT, CHANNELS, 0.5, 1000.0, ASPIRATE_UL_S, DISPENSE_UL_S, _TIPS),
    Pipette(HEAD, 96, 1.0, 1000.0, ASPIRATE_UL_S, DISPENSE_UL_S, _TIPS),
)
PIPETTING = Pipetting(
    models={model.name: model for model in _MODELS},
    built_in={"channel1": PIPETTE, "channels": EIGHT, "head96": HEAD},
    tip_sites=TIP_SITES,
    plate_sites=PLATE_SITES,
)
