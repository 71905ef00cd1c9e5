"""What fits give: values with their standard uncertainties, and whether they are what was expected."""

from dataclasses import dataclass

COVERAGE = 2.0  # expanded uncertainty U = 2 u, about 95 % (JCGM 100:2008, 6.2)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One fitted value with its standard uncertainty."""

    name: str
    unit: str
    value: float
    uncertainty: float
    published: float | None = None

    @property
    def deviation(self) -> float | None:
        """Fitted minus published, in standard uncertainties."""
        return None if self.published is None else (self.value - self.published) / self.uncertainty

    @property
    def ok(self) -> bool:
        """Whether it agrees within U = 2 u."""
        return self.deviation is None or abs(self.deviation) <= COVERAGE


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One point of a curve as it was measured and as the fit has it, in the units of the axes."""

    label: str
    x: float
    y: float
    fitted: float


@dataclass(frozen=True, slots=True)
class CurveFit:
    """A fitted curve; the first parameter is the one that the protocol asked for."""

    reading: str
    fit: str
    materials: tuple[str, ...]
    at_nm: float
    x_label: str
    y_label: str
    parameters: tuple[Parameter, ...]
    points: tuple[CurvePoint, ...]
    r2: float
    r2_at_least: float | None

    @property
    def ok(self) -> bool:
        """Whether every parameter agrees with what is published, and the fit is as good as asked for."""
        fits = self.r2_at_least is None or self.r2 >= self.r2_at_least
        return fits and all(parameter.ok for parameter in self.parameters)


@dataclass(frozen=True, slots=True)
class Point:
    """One well of a fit: concentration times path (mol/L cm) and blank-corrected absorbance."""

    well: str
    path_concentration: float
    absorbance: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted molar absorptivity (L/mol/cm), its standard uncertainty, and how it compares."""

    reading: str
    material: str
    at_nm: float
    value: float
    uncertainty: float
    r2: float
    points: tuple[Point, ...]
    published: float | None
    r2_at_least: float | None

    @property
    def deviation(self) -> float | None:
        """Fitted minus published, in standard uncertainties."""
        return None if self.published is None else (self.value - self.published) / self.uncertainty

    @property
    def ok(self) -> bool:
        """Whether it agrees with the published value within U = 2 u, and is as straight as asked for."""
        agrees = self.deviation is None or abs(self.deviation) <= COVERAGE
        return agrees and (self.r2_at_least is None or self.r2 >= self.r2_at_least)


@dataclass(frozen=True, slots=True)
class Found:
    """One material in one well: concentration found and believed, mol/L."""

    reading: str
    well: str
    material: str
    found: float
    uncertainty: float
    believed: float

    @property
    def deviation(self) -> float:
        """Found minus believed, in standard uncertainties."""
        return (self.found - self.believed) / self.uncertainty

    @property
    def ok(self) -> bool:
        """Whether it agrees within U = 2 u."""
        return abs(self.deviation) <= COVERAGE
