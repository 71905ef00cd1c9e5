"""Drawings of the report by themselves, for notebooks: with their own colours, which read on light and on dark."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from orchestrator.report.curve import Curve
from orchestrator.report.plates import PlateMap

_STYLE = Markup(
    "<style>.lab{font:11px system-ui,sans-serif;fill:#5b6b7b}.lab .axis{stroke:#5b6b7b}.lab .grid{stroke:#8fa0b0;"
    "stroke-opacity:.4}.lab .well{stroke:#5b6b7b;stroke-width:.6}.lab .empty{fill:none}.lab .on-dark{fill:#fff}"
    ".lab .on-light{fill:#1c2733}.lab text{stroke:none}.lab figcaption{font-weight:600}"
    ".lab .legend span{margin-right:12px}.lab .legend i{display:inline-block;"
    "width:11px;height:11px;border-radius:50%;margin-right:5px}</style>"
)


@cache
def _drawings() -> Any:
    environment = Environment(
        loader=PackageLoader("orchestrator.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("drawings.j2").module


def svg(drawing: Curve | PlateMap) -> str:
    """A drawing as one SVG element; text in it is escaped."""
    module = _drawings()
    macro = module.curve_drawing if isinstance(drawing, Curve) else module.plate_drawing
    return str(macro(drawing, _STYLE)).replace("<svg ", '<svg class="lab" ', 1)


def html(drawing: Curve | PlateMap) -> str:
    """The same with its title and with what its colours mean."""
    module = _drawings()
    macro = module.curve_svg if isinstance(drawing, Curve) else module.plate_svg
    return f'<div class="lab">{_STYLE}{macro(drawing)}</div>'
