"""Nonlinear least squares for parameters that are all positive, as rates, constants and concentrations are."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Model = Callable[[Array], Array]

ROUNDS = 200
CLOSE = 1e-10  # a step that changes no parameter by more than this share of it is the last
STEP = 1e-6  # of the numerical derivatives, in the logarithm of a parameter


class NoFit(ValueError):
    """The data do not fix the parameters, or there are fewer points than parameters."""


@dataclass(frozen=True, slots=True)
class Solution:
    """The parameters, what each residual would move them by (`gain`: parameters x points), and the residuals."""

    values: Array
    gain: Array
    residuals: Array

    @property
    def standard_errors(self) -> Array:
        """From the scatter of the residuals alone, as textbooks give them (n - p degrees of freedom)."""
        points, count = len(self.residuals), len(self.values)
        scatter = float(self.residuals @ self.residuals) / max(points - count, 1)
        errors: Array = np.sqrt(scatter * np.einsum("ij,ij->i", self.gain, self.gain))
        return errors


def solve(model: Model, y: Array, start: Array, sd: Array | None = None) -> Solution:
    """Fit `model(parameters)` to `y`, weighted by 1/sd^2; raises `NoFit`.

    Levenberg and Marquardt (Marquardt, J. SIAM 11 (1963) 431) in the logarithms of the parameters. Held against
    NIST's certified values in `tests/orchestrator/analysis/test_least_squares.py`.
    """
    if len(y) < len(start):
        raise NoFit(f"{len(y)} points cannot fix {len(start)} parameters")
    weight = np.ones_like(y) if sd is None else 1.0 / sd
    logs, damping = np.log(start), 1e-3
    left = (y - model(np.exp(logs))) * weight
    for _ in range(ROUNDS):
        slope = _jacobian(model, logs) * weight[:, None]
        square = slope.T @ slope
        try:
            step = np.linalg.solve(square + damping * np.diag(np.diag(square)), slope.T @ left)
        except np.linalg.LinAlgError as error:
            raise NoFit("the data do not fix the parameters") from error
        step = np.clip(step, -2.0, 2.0)
        tried = (y - model(np.exp(logs + step))) * weight
        if np.all(np.isfinite(tried)) and tried @ tried <= left @ left:
            logs, left, damping = logs + step, tried, damping / 10
            if np.max(np.abs(step)) < CLOSE:
                break
        else:
            damping *= 10
            if damping > 1e12:
                break
    values = np.exp(logs)
    gain = np.linalg.pinv(_jacobian(model, logs) * weight[:, None]) * weight[None, :] * values[:, None]
    if not (np.all(np.isfinite(gain)) and np.all(np.isfinite(values))):
        raise NoFit("the data do not fix the parameters")
    return Solution(values, gain, y - model(values))


def _jacobian(model: Model, logs: Array) -> Array:
    """Derivatives by the logarithms of the parameters, by central differences."""
    columns = []
    for number in range(len(logs)):
        shift = np.zeros_like(logs)
        shift[number] = STEP
        columns.append((model(np.exp(logs + shift)) - model(np.exp(logs - shift))) / (2 * STEP))
    return np.column_stack(columns)
