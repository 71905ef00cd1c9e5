"""The vocabulary that a LADS reader and its driver share: browse names, states, arguments, results. Pure; both roles.

Source of the names: OPC 30500-1, LADS 1.0: `DeviceSet`, `FunctionalUnitSet`, `FunctionalUnitState` with `StartProgram`
and `Abort`, `FunctionSet`, `CoverState` with `Open` and `Close`, `ProgramManager`, `ActiveProgram`,
`EstimatedRuntime`, `ResultSet`, `VariableSet`. Two things are simpler than the standard: `StartProgram` takes its
properties as two lists of text (the standard has a structure for a pair), and the last result is the object `Last`.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

NAMESPACE = "http://opcfoundation.org/UA/LADS/"
DEVICE_SET = "DeviceSet"
UNIT_SET = "FunctionalUnitSet"
UNIT_STATE = ("FunctionalUnitState",)
FUNCTION_SET = "FunctionSet"
COVER_STATE = "CoverState"
CURRENT_STATE = "CurrentState"
ESTIMATED_RUNTIME = ("ProgramManager", "ActiveProgram", "EstimatedRuntime")  # ms, as OPC UA's Duration
RESULT = ("ProgramManager", "ResultSet", "Last")
RESULT_VALUES = (*RESULT, "VariableSet", "Absorbance")
RESULT_RUN = (*RESULT, "DeviceProgramRunId")
RESULT_ERROR = (*RESULT, "Error")


class UnitState(StrEnum):
    """States of a functional unit."""

    STOPPED = "Stopped"
    RUNNING = "Running"
    ABORTED = "Aborted"


class CoverState(StrEnum):
    """States of a cover; `Moving` is ours, for a tray on its way."""

    OPENED = "Opened"
    CLOSED = "Closed"
    MOVING = "Moving"


def properties(wells: Sequence[str], wavelengths_nm: Sequence[float]) -> tuple[list[str], list[str]]:
    """Keys and values of the properties of an absorbance program.

    >>> properties(["A1", "B1"], [427.0])
    (['Wells', 'WavelengthsNm'], ['A1,B1', '427.0'])
    """
    return ["Wells", "WavelengthsNm"], [",".join(wells), ",".join(map(repr, wavelengths_nm))]


def read_properties(keys: Sequence[str], values: Sequence[str]) -> tuple[list[str], list[float]]:
    """The other way; raises ValueError or KeyError for what is no absorbance program."""
    found: Mapping[str, str] = dict(zip(keys, values, strict=True))
    return found["Wells"].split(","), [float(text) for text in found["WavelengthsNm"].split(",")]
