"""Control flow, unrolled before anything else looks at the steps: what remains is a bounded list of plain ones.

`repeat` and `for_each` write their steps out; `parallel` and `if` leave a mark on each of theirs: its lane, and the
conditions under which it is done. The n-th time that a step `x` is written out, its id is `x.n`. Pure, and on plain
data: what an item of `for_each` names is known only here, so the shape of a step is checked afterwards.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from drivers.core.units import FROM_OUTSIDE
from protocols.model import Flow, ForEach, If, Repeat
from protocols.problems import Problem

#: Steps of a protocol when all is written out, and how deep one may stand in another. Ours.
MAX_STEPS, MAX_DEPTH = 20_000, 8
MAX_PARTS = 1_000_000  # keys and values of all of them: a step has ten or so
#: Every way through a protocol is checked, and each condition doubles them.
MAX_CONDITIONS = 5
_BODIES = {"repeat": ("steps",), "for_each": ("steps",), "parallel": ("lanes",), "if": ("then", "otherwise")}
Lane = tuple[str, ...]
_FLOW: TypeAdapter[Flow] = TypeAdapter(Annotated[Flow, Field(discriminator="do")])
_SHELL = [{"id": "x", "do": "wait", "for": "0 s"}]


def side_by_side(one: Lane, other: Lane) -> bool:
    """Whether two lanes, or what they lie in, are of one `parallel` step; else one ends before the other begins.

    >>> side_by_side(("p.1",), ("p.2", "inner.1")), side_by_side(("p.1",), ("next.2",)), side_by_side((), ("p.1",))
    (True, False, False)
    """
    for mine, its in zip(one, other, strict=False):
        if mine != its:
            return mine.rpartition(".")[0] == its.rpartition(".")[0]
    return False


def ended(lane: Lane, others: Iterable[Lane]) -> tuple[tuple[Lane, Lane], ...]:
    """Which of other lanes have ended where a step of this one stands, each with the one in which both lie."""
    found = []
    for other in others:
        if other != lane[: len(other)] and not side_by_side(lane, other):
            same = next((n for n, (mine, its) in enumerate(zip(lane, other, strict=False)) if mine != its), len(lane))
            found.append((other, lane[:same]))
    return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class Guard:
    """A step is done only when the condition of the `if` step of that id is (`wanted`) or is not met."""

    condition: str
    wanted: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a step stands: the id that the author gave it, its lane (of lanes in lanes), and its conditions."""

    origin: str
    lane: Lane = ()
    when: tuple[Guard, ...] = ()


@dataclass(slots=True)
class Unrolled:
    """Plain steps with their frames, number by number; the control steps (with what was added to the ids in them),
    and those that have not the shape of one."""

    steps: list[Any] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    parts: list[tuple[Flow, str]] = field(default_factory=list)
    wrong: list[tuple[Any, ValidationError]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    full: bool = False  # more than is looked at
    visits: int = 0
    written: int = 0  # parts of all steps
    sizes: dict[int, int] = field(default_factory=dict)  # id of a step as it stands in the document -> its parts


@dataclass(frozen=True, slots=True)
class _Place:
    values: Mapping[str, Any]
    suffix: str = ""
    lane: Lane = ()
    when: tuple[Guard, ...] = ()
    depth: int = 0


def unroll(steps: Any, values: Mapping[str, Any]) -> Unrolled:
    """Write the steps of a document out; `values` are those of its parameters. Bounded in length and depth."""
    found = Unrolled()
    _walk(steps, _Place(values), found)
    conditions = sum(isinstance(part, If) for part, _ in found.parts)
    if conditions > MAX_CONDITIONS:
        message = f"{conditions} conditions, written out; at most {MAX_CONDITIONS} can be checked"
        found.problems.append(Problem("FLOW-004", "", message, "Use fewer `if` steps, and none in long loops."))
        found.full = True
    return found


def fill(part: Any, values: Mapping[str, Any], path: str, problems: list[Problem], step: str = "") -> Any:
    """Put values where `{param: name}` stands."""
    if isinstance(part, dict):
        if part.keys() == {"param"} and isinstance(part["param"], str):
            if part["param"] in values:
                return values[part["param"]]
            known = ", ".join(values) or "none"
            problems.append(Problem("PAR-003", step, f"{path}: no parameter '{part['param']}'", f"Declared: {known}."))
            return None
        return {key: fill(value, values, f"{path}.{key}", problems, step) for key, value in part.items()}
    if isinstance(part, list):
        return [fill(value, values, f"{path}.{i}", problems, step) for i, value in enumerate(part)]
    return part


def resolve(name: str, suffix: str, known: Collection[str]) -> str:
    """The step that is meant by a name that stands in a loop: of the same turn if there is one, else further out."""
    while suffix and name + suffix not in known:
        suffix = suffix.rpartition(".")[0]
    return name + suffix


def _walk(steps: Any, place: _Place, found: Unrolled) -> None:
    for raw in steps if isinstance(steps, list) else ():
        if found.full:
            return
        do = raw.get("do") if isinstance(raw, dict) else None
        if isinstance(do, str) and do in _BODIES:
            _flow(raw, do, place, found)
        else:
            _plain(raw, place, found)


def _plain(raw: Any, place: _Place, found: Unrolled) -> None:
    if len(found.steps) == MAX_STEPS:
        _too_long(raw, found)
        return
    if id(raw) not in found.sizes:
        found.sizes[id(raw)] = _size(raw)
    found.written += found.sizes[id(raw)]
    if found.written > MAX_PARTS:
        _too_long(raw, found)
        return
    step = fill(raw, place.values, "", found.problems, _id(raw))
    if place.suffix and isinstance(step, dict) and isinstance(step.get("id"), str):
        step = {**step, "id": step["id"] + place.suffix}
    found.steps.append(step)
    found.frames.append(Frame(_id(raw), place.lane, place.when))


def _size(raw: Any) -> int:
    """How many parts a step has."""
    todo, count = [raw], 0
    while todo and count <= MAX_PARTS:
        part = todo.pop()
        count += 1
        todo += part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return count


def _too_long(raw: Any, found: Unrolled) -> None:
    found.full = True
    message = f"the protocol has more than {MAX_STEPS:,} steps (or {MAX_PARTS:,} parts) when all is written out"
    found.problems.append(Problem("FLOW-001", _id(raw), message, "Repeat less, or make several runs of it."))


def _flow(raw: dict[str, Any], do: str, place: _Place, found: Unrolled) -> None:
    if place.depth == MAX_DEPTH:
        found.full = True
        message = f"steps stand in steps more than {MAX_DEPTH} deep"
        found.problems.append(Problem("FLOW-002", _id(raw), message, "Write them beside one another."))
        return
    found.visits += 1
    if found.visits > MAX_STEPS:  # loops of loops with nothing in them
        _too_long(raw, found)
        return
    shell = {key: value for key, value in raw.items() if key not in _BODIES[do]}
    shell = fill(shell, place.values, "", found.problems, _id(raw))
    if isinstance(shell.get("id"), str):
        shell["id"] += place.suffix
    body = {key: _emptied(raw[key]) for key in _BODIES[do] if key in raw}
    deeper = replace(place, depth=place.depth + 1)
    part: Flow | None = None
    try:
        part = _FLOW.validate_python({**shell, **body}, context=FROM_OUTSIDE)
    except ValidationError as error:
        found.wrong.append(({**shell, **body}, error))
    if part is not None:
        found.parts.append((part, place.suffix))
    name = str(shell.get("id", ""))
    if do == "repeat":
        for number in range(1, part.times + 1 if isinstance(part, Repeat) else 2):
            if found.full:
                return
            _walk(raw.get("steps"), replace(deeper, suffix=f"{place.suffix}.{number}"), found)
    elif do == "for_each":
        for number, item in enumerate(part.items if isinstance(part, ForEach) else [], 1):
            if found.full:
                return
            twice = sorted(place.values.keys() & item.keys())
            if twice:
                message = f"items name {', '.join(twice)}, which is a parameter already"
                found.problems.append(Problem("FLOW-003", name, message, "Choose another name."))
                return
            inner = replace(deeper, values={**place.values, **item}, suffix=f"{place.suffix}.{number}")
            _walk(raw.get("steps"), inner, found)
    elif do == "parallel":
        _lanes(raw.get("lanes"), name, deeper, found)
    else:
        for key, wanted in (("then", True), ("otherwise", False)):
            _walk(raw.get(key), replace(deeper, when=(*place.when, Guard(name, wanted))), found)


def _lanes(lanes: Any, name: str, place: _Place, found: Unrolled) -> None:
    """One step of each lane after the other, so that lanes that share a device take turns on it."""
    parts: list[Unrolled] = []
    for number, lane in enumerate(lanes if isinstance(lanes, list) else (), 1):
        part = Unrolled(full=found.full, visits=found.visits, written=found.written, sizes=found.sizes)
        _walk(lane, replace(place, lane=(*place.lane, f"{name}.{number}")), part)
        parts.append(part)
        found.parts += part.parts
        found.wrong += part.wrong
        found.problems += part.problems
        found.full, found.visits, found.written = part.full, part.visits, part.written
    for step, frame in _in_turn(parts):
        if len(found.steps) == MAX_STEPS:
            _too_long({"id": name}, found)
            return
        found.steps.append(step)
        found.frames.append(frame)


def _in_turn(parts: Sequence[Unrolled]) -> Iterator[tuple[Any, Frame]]:
    for number in range(max((len(part.steps) for part in parts), default=0)):
        for part in parts:
            if number < len(part.steps):
                yield part.steps[number], part.frames[number]


def _emptied(body: Any) -> Any:
    """A body of the right shape with nothing of its own: the steps in it are checked by themselves."""
    if not isinstance(body, list) or not body:
        return body
    return [_SHELL if each else each for each in body] if isinstance(body[0], list) else _SHELL


def _id(raw: Any) -> str:
    return str(raw.get("id", "")) if isinstance(raw, dict) else ""
