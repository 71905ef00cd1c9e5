"""From text to a checked `Protocol`: YAML or JSON, parameters put in, every problem of shape and unit at once."""

import difflib
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast, get_args

import rfc8785
import yaml
from pydantic import ValidationError

from drivers.core.units import FROM_OUTSIDE, UnitError, parse
from protocols import flow
from protocols.model import If, Parameter, PlainStep, Protocol, Step
from protocols.problems import Problem, ProtocolError
from protocols.remainder import Gaps, remainder
from protocols.text import deceptive

MAX_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """A protocol with its steps written out and its parameters put in.

    `hash` is over the document and the parameters: sha256 of canonical JSON (RFC 8785).
    """

    protocol: Protocol
    parameters: Mapping[str, str | float]
    document: Mapping[str, Any]
    hash: str
    #: By the id of a step as written out: where it stands; and the `if` steps, by their ids.
    frames: Mapping[str, flow.Frame] = field(default_factory=dict)
    conditions: Mapping[str, If] = field(default_factory=dict)
    gaps: Gaps = field(default_factory=Gaps)  # of what is left of a document with wrong parts

    @property
    def steps(self) -> Sequence[PlainStep]:
        """The steps as written out: none of them is control flow any more."""
        return cast("Sequence[PlainStep]", self.protocol.steps)


class Unreadable(ProtocolError):
    """A document with wrong parts. `rest` is what is left without them, in variants that differ in what is not known:
    what is wrong with each of them is wrong with the document."""

    def __init__(self, problems: Iterable[Problem], rest: Iterable[Source] = ()) -> None:
        super().__init__(problems)
        self.rest = tuple(rest)


def read(path: Path, values: Mapping[str, str] | None = None) -> Source:
    """Read a protocol file; raises `ProtocolError` with all that is wrong with it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ProtocolError(
            [Problem("FILE-001", "", f"{path}: {error.strerror}", "Give the path of a protocol file.")]
        ) from error
    return loads(data, values, name=str(path))


def loads(data: bytes, values: Mapping[str, str] | None = None, *, name: str = "protocol") -> Source:
    """Read a protocol from the bytes of a YAML or JSON document."""
    document = _document(data, name)
    return from_document(document, values)


def _document(data: bytes, name: str) -> dict[str, Any]:
    if len(data) > MAX_BYTES:
        raise ProtocolError([Problem("FILE-002", "", f"{name} has {len(data)} bytes; at most {MAX_BYTES} are read")])
    try:
        text = data.decode("utf-8")
        document = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (UnicodeDecodeError, ValueError, yaml.YAMLError, RecursionError) as error:
        detail = " ".join(str(error).split())
        raise ProtocolError([Problem("FILE-003", "", f"{name} is neither YAML nor JSON: {detail}")]) from error
    if not isinstance(document, dict):
        raise ProtocolError(
            [
                Problem(
                    "FILE-004",
                    "",
                    f"{name} holds no mapping at its top",
                    "Begin with 'format: lab-protocol/1'.",
                )
            ]
        )
    if document.get("format") != "lab-protocol/1":
        hint = (
            "Opentrons, XDL and Autoprotocol files are read by 'lab import'; else begin with 'format: lab-protocol/1'."
        )
        raise ProtocolError(
            [Problem("FMT-002", "", f"{name}: format is {document.get('format')!r}, not 'lab-protocol/1'", hint)]
        )
    return document


class _Loader(yaml.SafeLoader):
    """Safe YAML without aliases (they can blow a small file up) and with duplicate keys refused."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not read")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {str(key) for key in keys if isinstance(key, str) and keys.count(key) > 1}
        if twice:
            raise yaml.YAMLError(f"line {node.start_mark.line + 1}: '{', '.join(sorted(twice))}' stands twice")
        return super().construct_mapping(node, deep)


def from_document(document: Mapping[str, Any], values: Mapping[str, str] | None = None) -> Source:
    """Put the parameters in, write control flow out, check the shape; raises `ProtocolError`."""
    problems = deceptive(document)
    if problems:
        raise ProtocolError(problems)
    parameters = dict(_parameters(document, values or {}, problems))
    unrolled = flow.unroll(document.get("steps"), parameters)
    problems += unrolled.problems
    filled = {
        key: flow.fill(part, parameters, key, problems) if key not in ("parameters", "steps") else part
        for key, part in document.items()
    }
    if isinstance(document.get("steps"), list):
        filled["steps"] = unrolled.steps
    errors: list[Any] = []
    protocol: Protocol | None = None
    try:
        protocol = Protocol.model_validate(filled, context=FROM_OUTSIDE)
    except ValidationError as error:
        errors = list(error.errors(include_url=False))
    problems += [_problem(detail, filled, unrolled.frames) for detail in errors]
    conditions = _conditions(unrolled, problems)
    problems += _double_ids(unrolled)
    if problems or protocol is None:
        rest = () if unrolled.full else _rest(filled, errors, unrolled, conditions)
        raise Unreadable(dict.fromkeys(problems), rest)
    try:
        canonical = rfc8785.dumps({"document": dict(document), "parameters": parameters})
    except (rfc8785.CanonicalizationError, ValueError) as error:
        raise ProtocolError([Problem("FMT-004", "", f"a value cannot be written as JSON: {error}")]) from error
    frames = {step.id: frame for step, frame in zip(protocol.steps, unrolled.frames, strict=True)}
    return Source(protocol, parameters, document, hashlib.sha256(canonical).hexdigest(), frames, conditions)


def _rest(
    filled: Mapping[str, Any], errors: Sequence[Any], unrolled: flow.Unrolled, conditions: Mapping[str, If]
) -> Iterator[Source]:
    """What is left of a document without its wrong parts."""
    left = remainder(filled, errors)
    if left is None:
        return
    kept = [number for number in range(len(unrolled.steps)) if number not in left.steps]
    since = next((n for n, number in enumerate(kept) if n != number), len(kept)) if left.steps else None
    lost = [unrolled.steps[number] for number in left.steps]
    readings = frozenset(_id(step) for step in lost if not isinstance(step, dict) or str(step.get("do")) not in _SILENT)
    altered = frozenset(_id(unrolled.steps[number]) for number in left.altered)
    gaps = Gaps(readings, altered, left.labware, since)
    for document in left.variants:
        try:
            protocol = Protocol.model_validate(document, context=FROM_OUTSIDE)
        except ValidationError:
            continue  # a part that is wrong only once another has been mended
        frames: dict[str, flow.Frame] = {}
        steps = []
        for step, number in zip(protocol.steps, kept, strict=True):
            frame = unrolled.frames[number]
            if step.id in frames:
                step = step.model_copy(update={"id": f"{step.id} ({number + 1})"})
            frames[step.id] = replace(frame, when=tuple(m for m in frame.when if m.condition in conditions))
            steps.append(step)
        yield Source(protocol.model_copy(update={"steps": steps}), {}, document, "", frames, conditions, gaps)


def _conditions(unrolled: flow.Unrolled, problems: list[Problem]) -> dict[str, If]:
    """The `if` steps by their ids, each with the step that it means; what is wrong with control steps is told."""
    for shell, error in unrolled.wrong:
        frame = flow.Frame(str(shell.get("id", "")))
        for detail in error.errors(include_url=False):
            moved = {**detail, "loc": ("steps", 0, *detail["loc"])}
            problems.append(_problem(moved, {"steps": [shell]}, [frame]))
    known = set(map(_id, unrolled.steps))
    found: dict[str, If] = {}
    for part, suffix in unrolled.parts:
        if isinstance(part, If):
            problems += _one_comparison(part)
            found[part.id] = part.model_copy(update={"reading": flow.resolve(part.reading, suffix, known)})
    return found


def _one_comparison(part: If) -> Iterator[Problem]:
    if (part.above is None) == (part.below is None):
        message = "an `if` compares once: give either `above` or `below`"
        yield Problem("FLOW-005", part.id, message, "For a band, put one `if` into the other.")


def _parameters(
    document: Mapping[str, Any], values: Mapping[str, str], problems: list[Problem]
) -> Iterator[tuple[str, str | float]]:
    declared = document.get("parameters") or {}
    if not isinstance(declared, dict):
        return
    for name in values.keys() - declared.keys():
        near = difflib.get_close_matches(name, list(declared), 1)
        known = f"did you mean '{near[0]}'?" if near else f"It has: {', '.join(declared) or 'none'}."
        problems.append(Problem("PAR-001", "", f"the protocol has no parameter '{name}'", known))
    for name, raw in declared.items():
        try:
            spec = Parameter.model_validate(raw)
        except ValidationError:
            continue  # reported with the rest of the document
        value: str | float = values.get(name, spec.default)
        try:
            low, high, number = (None if v is None else _number(v, spec.kind) for v in (spec.low, spec.high, value))
            if number is None or (low is not None and number < low) or (high is not None and number > high):
                raise UnitError(f"{value} is outside {spec.low} to {spec.high}")
        except UnitError as error:
            problems.append(Problem("PAR-002", "", f"parameter {name}: {error}", "Choose a value inside its range."))
        yield name, value


def _number(value: str | float, kind: str) -> float:
    if kind != "number":
        return parse(value, kind)
    try:
        number = float(value)
    except ValueError:
        raise UnitError(f"{value!r} is not a number") from None
    if not math.isfinite(number):
        raise UnitError(f"{value!r} is not finite")
    return number


_STEP_FIELDS = {do: m for m in get_args(get_args(Step)[0]) for do in get_args(m.model_fields["do"].annotation)}
_SILENT = _STEP_FIELDS.keys() - {"measure"}


def _problem(detail: Any, document: Mapping[str, Any], frames: Sequence[flow.Frame]) -> Problem:
    """One pydantic error as a problem: the step's own id, a path without the union's tags, a hint."""
    place = [part for part in detail["loc"] if part != "function-before"]
    step, path = "", place
    if len(place) > 1 and place[0] == "steps" and isinstance(place[1], int):
        step = frames[place[1]].origin or f"number {place[1] + 1}"
        path = [p for p in place[2:] if p not in _STEP_FIELDS]
    where = ".".join(str(p) for p in path)
    message = detail["msg"].removeprefix("Value error, ")
    rule, hint = "FMT-001", ""
    if detail["type"] == "value_error":
        rule = "UNIT-001"
    elif detail["type"] == "extra_forbidden":
        known = _known_keys(place, document)
        near = difflib.get_close_matches(str(path[-1]), known, 1, 0.5)
        message = "unknown key"
        hint = f"Did you mean '{near[0]}'?" if near else (f"Known: {', '.join(known)}." if known else "")
    elif detail["type"] == "union_tag_not_found":
        rule, key = "FMT-003", "act" if "moves" in path else "do"
        message, hint = f"`{key}` is missing", f"Say what the {'move' if key == 'act' else 'step'} does: `{key}: ...`."
    elif detail["type"] == "missing":
        message = "is missing"
    elif detail["type"] == "union_tag_invalid":
        rule = "FMT-003"
        near = difflib.get_close_matches(str(detail["ctx"]["tag"]), _STEP_FIELDS, 1, 0.4)
        message = f"'{detail['ctx']['tag']}' is none of {detail['ctx']['expected_tags']}"
        hint = f"Did you mean '{near[0]}'?" if near else ""
    return Problem(rule, step, f"{where}: {message}" if where else message, hint)


def _known_keys(place: list[Any], document: Mapping[str, Any]) -> list[str]:
    if len(place) == 1:
        return list(Protocol.model_fields)
    if place[0] == "steps" and len(place) >= 3 and place[2] in _STEP_FIELDS and len(place) == 4:
        return [field.alias or name for name, field in _STEP_FIELDS[place[2]].model_fields.items()]
    return []


def _double_ids(unrolled: flow.Unrolled) -> Iterator[Problem]:
    seen: set[str] = set()
    for part, _ in unrolled.parts:
        if part.id in seen:
            yield Problem("FLOW-006", part.id, f"the id '{part.id}' stands twice", "Give every step an id of its own.")
        seen.add(part.id)
    for name in map(_id, unrolled.steps):
        if name in seen or name in {"setup", "end"}:
            why = "stands twice" if name in seen else "is a name the lab uses itself"
            yield Problem("FMT-005", name, f"the id '{name}' {why}", "Give every step an id of its own.")
        seen |= {name} - {""}


def _id(step: Any) -> str:
    """The id of a step as it stands in the document; empty where it has none."""
    name = step.get("id") if isinstance(step, dict) else None
    return name if isinstance(name, str) else ""
