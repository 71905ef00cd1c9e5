"""Plans of faults, `lab-faults/1`: read with all mistakes at once, each with its place and how to mend it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.core.units import parse
from labfile.nearest import did_you_mean
from sim_lab.faults.catalogue import FAULTS, Fault
from sim_lab.faults.inject import Faults, Injection

MAX_BYTES = 1_000_000
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")


class PlanError(Exception):
    """A plan that cannot be used; `problems` are all that is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _At(_Strict):
    action: int | None = Field(None, ge=1)
    time: str | None = None


class _Line(_Strict):
    device: str
    fault: str
    at: _At = _At()
    probability: float | None = Field(None, gt=0, le=1)
    by: str | None = None
    for_: str | None = Field(None, alias="for")


class _File(_Strict):
    format: Literal["lab-faults/1"]
    seed: int = 1
    faults: tuple[_Line, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan that fits a lab."""

    seed: int
    injections: tuple[Injection, ...]

    def faults(self) -> Faults:
        """Its faults, none of which has happened yet."""
        return Faults(self.injections, self.seed)


def read_plan(data: bytes, faults_of: Mapping[str, tuple[Fault, ...]]) -> Plan:
    """The plan in a file's bytes; `faults_of` are the faults that each device of the lab may have."""
    if len(data) > MAX_BYTES:
        raise PlanError([f"the plan has {len(data)} bytes; at most {MAX_BYTES} are read"])
    try:
        file = _File.model_validate(yaml.safe_load(data))
    except (yaml.YAMLError, UnicodeError, RecursionError) as error:
        raise PlanError([f"the plan is no YAML: {' '.join(str(error).split())[:200]}"]) from error
    except ValidationError as error:
        raise PlanError(
            [f"{'.'.join(map(str, e['loc'])) or 'the plan'}: {e['msg']}" for e in error.errors()]
        ) from error
    problems: list[str] = []
    lines = [_injection(f"faults.{index}", line, faults_of, problems) for index, line in enumerate(file.faults)]
    if problems:
        raise PlanError(problems)
    return Plan(file.seed, tuple(line for line in lines if line is not None))


def _injection(
    where: str, line: _Line, faults_of: Mapping[str, tuple[Fault, ...]], problems: list[str]
) -> Injection | None:
    before = len(problems)
    if line.device not in faults_of:
        problems.append(
            f"{where}: there is no device '{line.device}'; {did_you_mean(line.device, faults_of, 'there are')}"
        )
        return None
    fault = FAULTS.get(line.fault)
    if fault is None:
        problems.append(f"{where}: there is no fault '{line.fault}'; {did_you_mean(line.fault, FAULTS, 'there are')}")
        return None
    if fault not in faults_of[line.device]:
        have = ", ".join(each.id for each in faults_of[line.device]) or "none"
        problems.append(f"{where}: {line.device} cannot have '{line.fault}'; it can have: {have}")
    by = fault.usual if line.by is None else _amount(f"{where}.by", fault, line.by, problems)
    time_s = _time(f"{where}.at.time", line.at.time, problems)
    for_s = _time(f"{where}.for", line.for_, problems)
    if len(problems) > before:
        return None
    return Injection(line.device, line.fault, by, line.at.action, time_s, for_s, line.probability)


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join(map(str, loc)) or "the plan"


def _time(where: str, text: str | None, problems: list[str]) -> float | None:
    return None if text is None else _quantity(where, text, "time", problems)


def _amount(where: str, fault: Fault, text: str, problems: list[str]) -> float:
    if not fault.unit:
        problems.append(f"{where}: '{fault.id}' takes no amount")
        return 0.0
    if fault.unit != "share":
        return _quantity(where, text, fault.unit, problems)
    match = _SHARE.fullmatch(text.strip())
    if match is None or not 0 < float(match[1]) <= 100:
        problems.append(f"{where}: '{text}' is no share; write it as '30 %'")
        return 0.0
    return float(match[1]) / 100


def _quantity(where: str, text: str, dimension: str, problems: list[str]) -> float:
    try:
        value = parse(text.replace("K", "degC") if dimension == "temperature" else text, dimension)
    except ValueError as error:
        problems.append(f"{where}: {error}")
        return 0.0
    if value < 0:
        problems.append(f"{where}: '{text}' is less than nothing")
    return value
