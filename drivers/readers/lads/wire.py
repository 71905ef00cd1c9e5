"""The vocabulary that a LADS reader and its driver share: browse names, states, arguments, results. Pure; both roles.

Source of names, states, numbers and argument layouts: OPC 30500-1, LADS 1.0.0 (its NodeSet of 2023-11-30); the tests
hold every one against that NodeSet. The standard leaves to the maker, and so this is our choice: the names of unit,
cover and program (options of the driver), the two properties of the program, and the one variable of its result.
"""

import struct
from collections.abc import Mapping, Sequence
from enum import IntEnum

NAMESPACE = "http://opcfoundation.org/UA/LADS/"
DI_NAMESPACE = "http://opcfoundation.org/UA/DI/"  # OPC 10000-100, on which LADS builds

DEVICE_SET = "DeviceSet"
#: Properties of the device (OPC 10000-100, DeviceType).
SERIAL, SOFTWARE = "SerialNumber", "SoftwareRevision"
UNIT_SET = "FunctionalUnitSet"
UNIT_STATE = ("FunctionalUnitState",)
FUNCTION_SET = "FunctionSet"
COVER_STATE = "CoverState"
STATE_ID = ("CurrentState", "Id")  # the node of the state; its text may be in any language
ACTIVE_PROGRAM = ("ProgramManager", "ActiveProgram")
ESTIMATED_RUNTIME = (*ACTIVE_PROGRAM, "EstimatedRuntime")  # ms, as OPC UA's Duration
RESULT_SET = ("ProgramManager", "ResultSet")
RESULT_RUN = "DeviceProgramRunId"
RESULT_JOB = "SupervisoryJobId"  # what `StartProgram` was given: here the action's id
RESULT_VALUES = ("VariableSet", "Absorbance")  # Double[]: all wells at the first wavelength, then at the next

START, ABORT, CLEAR = "StartProgram", "Abort", "Clear"
OPEN, CLOSE = "Open", "Close"
#: Arguments of `StartProgram`: the properties are a list of `KeyValueType`, the samples one of `SampleInfoType`.
START_INPUTS = ("ProgramTemplateId", "Properties", "SupervisoryJobId", "SupervisoryTaskId", "Samples")
START_OUTPUT = "DeviceProgramRunId"

#: Numbers of nodes in the namespace: data types, and the binary encoding of a pair.
KEY_VALUE_TYPE, SAMPLE_INFO_TYPE, KEY_VALUE_BINARY = 3003, 3002, 5045
SAMPLE_INFO_BINARY = 5042
SAMPLE_INFO_FIELDS = ("ContainerId", "SampleId", "Position", "CustomData")
KEY_VALUE_FIELDS = ("Key", "Value")


class UnitState(IntEnum):
    """States of a functional unit, as the numbers of their nodes. Only `Clear` leads out of `ABORTED`."""

    STOPPED = 5085
    RUNNING = 5099
    STOPPING = 5100
    ABORTING = 5159
    ABORTED = 5160
    CLEARING = 5143


class CoverState(IntEnum):
    """States of a cover, as the numbers of their nodes."""

    OPENED = 5025
    OPENING = 5109
    CLOSED = 5028
    CLOSING = 5110
    LOCKED = 5049
    ERROR = 5050


def state_text(state: IntEnum) -> str:
    """A state's browse name.

    >>> state_text(CoverState.OPENED)
    'Opened'
    """
    return state.name.capitalize()


def properties(wells: Sequence[str], wavelengths_nm: Sequence[float]) -> tuple[tuple[str, str], ...]:
    """The properties of an absorbance program, as keys and values.

    >>> properties(["A1", "B1"], [427.0])
    (('Wells', 'A1,B1'), ('WavelengthsNm', '427.0'))
    """
    return ("Wells", ",".join(wells)), ("WavelengthsNm", ",".join(map(repr, wavelengths_nm)))


def read_properties(pairs: Sequence[tuple[str, str]]) -> tuple[list[str], list[float]]:
    """The other way; raises ValueError or KeyError for what is no absorbance program."""
    found: Mapping[str, str] = dict(pairs)
    return found["Wells"].split(","), [float(text) for text in found["WavelengthsNm"].split(",")]


def encode_pair(key: str, value: str) -> bytes:
    """The body of a `KeyValueType`: two strings, each as its length in bytes (Int32) and UTF-8 (OPC 10000-6, 5.2.2.4).

    >>> encode_pair("Wells", "A1").hex(" ")
    '05 00 00 00 57 65 6c 6c 73 02 00 00 00 41 31'
    """
    return b"".join(struct.pack("<i", len(text)) + text for text in (key.encode(), value.encode()))


def decode_pair(body: bytes) -> tuple[str, str]:
    """The other way; raises ValueError for what is no pair. A length of -1 is a null string, read as empty."""
    texts, rest = [], body
    for _ in range(2):
        if len(rest) < 4:
            raise ValueError(f"a pair ends after {len(body)} bytes")
        (length,) = struct.unpack_from("<i", rest)
        size = max(length, 0)
        if length < -1 or len(rest) < 4 + size:
            raise ValueError(f"a text of {length} bytes is not in a pair of {len(body)}")
        texts.append(rest[4 : 4 + size].decode())
        rest = rest[4 + size :]
    if rest:
        raise ValueError(f"{len(rest)} bytes are left after a pair")
    return texts[0], texts[1]
