"""`expect` of the format: what the readings of a protocol shall give when they are fitted."""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, model_validator

from drivers.core.units import FROM_OUTSIDE, WavelengthNm, parse
from protocols.part import Part
from protocols.wells import Wells, WellsField

NO_WELLS = Wells("", ())


@dataclass(frozen=True, slots=True)
class FitKind:
    """What a fit takes beside reading, wells and blank: keys, roles of its materials, dimension of `published`."""

    keys: tuple[str, ...]
    roles: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    published: str = ""
    #: Of the wells of a plate that is read by its absorbance; else of what stands in a beam.
    light: bool = True


FITS: dict[str, FitKind] = {
    "beer_lambert": FitKind(("material", "at"), published="molar_absorptivity"),
    "mixture": FitKind(("materials",), ("each of the solutes",)),
    "calibration": FitKind(("materials", "samples", "at"), ("analyte",), ("reagent",)),
    "binding": FitKind(("materials", "at"), ("guest", "host"), published="concentration"),
    "michaelis_menten": FitKind(("materials", "at"), ("substrate", "enzyme", "product"), published="concentration"),
    "growth": FitKind(("materials", "at"), ("cells",), published="rate"),
    "decay": FitKind(("materials", "at"), ("what fades",), ("excess",), published="second_order_rate"),
    "titration": FitKind(("materials", "at"), ("titrant", "titrated", "indicator"), published="concentration"),
    "cubic_cell": FitKind(("material",), published="length", light=False),
}


def _published(value: object, info: ValidationInfo) -> object:
    """A quantity of the dimension that the fit gives."""
    kind = FITS.get(str(info.data.get("fit")))
    if value is None or kind is None:
        return None
    if not kind.published:
        raise ValueError(f"fit {info.data['fit']} compares with what the lab believes; leave `published` out")
    return value if isinstance(value, float) and info.context is not FROM_OUTSIDE else parse(value, kind.published)


Published = Annotated[float | None, BeforeValidator(_published), WithJsonSchema({"type": "string"})]


class Fit(Part):
    """What readings of `wells` shall give; what `materials` are by fit, the guide says."""

    reading: str = Field(description="id of the measure step; if it is repeated, its times make a course")
    fit: Literal[
        "beer_lambert",
        "mixture",
        "calibration",
        "binding",
        "michaelis_menten",
        "growth",
        "decay",
        "titration",
        "cubic_cell",
    ]
    material: str | None = Field(None, description="of beer_lambert, cubic_cell")
    materials: Annotated[list[str], Field(max_length=8)] = Field(default_factory=list)
    wells: WellsField = Field(default_factory=lambda: NO_WELLS)
    blank: WellsField = Field(default_factory=lambda: NO_WELLS, description="all but what is sought")
    samples: WellsField | None = Field(None, description="unknowns of a calibration")
    at: WavelengthNm | None = None
    published: Published = Field(None, description="to compare with")
    r2_at_least: float | None = None

    @model_validator(mode="after")
    def _has_its_keys(self) -> Self:
        """Only the keys that its fit takes, and as many materials."""
        kind = FITS[self.fit]
        keys = (*kind.keys, *(("wells", "blank") if kind.light else ()))
        for key in ("material", "materials", "samples", "at", "wells", "blank"):
            if (key in keys) != (getattr(self, key) not in (None, [], NO_WELLS)):
                raise ValueError(f"fit {self.fit} {'needs' if key in keys else 'has no'} `{key}`")
        least, most = len(kind.roles), len(kind.roles + kind.optional)
        if self.fit == "mixture":
            least, most = 2, 8
        if kind.roles and not least <= len(self.materials) <= most:
            roles = ", ".join([*kind.roles, *(f"{name} (may be left out)" for name in kind.optional)])
            raise ValueError(f"fit {self.fit} takes as `materials`: {roles}")
        return self
