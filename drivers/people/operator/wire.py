"""Tasks for a person: one JSON object a line, and one line back. Pure; both roles.

`{"id": "r/7", "do": "confirm", "args": {"message": "..."}, "say": "..."}` is answered by `{"id": "r/7", "done": true}`,
or with `done` false (nothing was done) or null (nobody can say, or a part was done) and `why`. `say` is the task in
words. An id is a text that is used for one task for ever: asked again, a task that was done is answered, not done
again; one that was refused is a new task. The empty id is never remembered.

`{"id": "r/7", "did": "confirm", "args": ..., "say": ...}` asks what became of a task, and is answered in the same way,
at the end of a task that is under way. `{"stop": true}` has no answer: whatever is under way is left as it is.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def task(number: str, verb: str, args: Mapping[str, Any]) -> bytes:
    """One task as a line."""
    return _line({"id": number, "do": verb, "args": dict(args), "say": sentence(verb, args)})


def question(number: str, verb: str, args: Mapping[str, Any]) -> bytes:
    """What became of a task, as a line."""
    return _line({"id": number, "did": verb, "args": dict(args), "say": sentence(verb, args)})


def answer(number: str, done: bool | None = True, why: str | None = None) -> bytes:
    """The answer to a task or a question; `why` where it is not simply done."""
    return _line({"id": number, "done": done, "why": why})


def stop() -> bytes:
    """Leave everything as it is, now."""
    return _line({"stop": True})


def _line(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields).encode() + b"\n"


@dataclass(slots=True)
class Lines:
    """Collects bytes and yields whole lines as objects; a line that is no JSON object yields None."""

    _rest: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[dict[str, Any] | None]:
        """Take bytes; returns the objects that are whole now."""
        self._rest += data
        *lines, rest = bytes(self._rest).split(b"\n")
        self._rest = bytearray(rest)
        return [_object(line) for line in lines]


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def sentence(verb: str, args: Mapping[str, Any]) -> str:
    """A task in words.

    >>> sentence("place", {"labware": "plate", "kind": "corning_96_wellplate_360ul_flat", "site": "ot2.3"})
    'Put plate (corning_96_wellplate_360ul_flat) on ot2.3.'
    """
    match verb:
        case "place":
            sealed = ", sealed" if args.get("sealed") else ""
            return f"Put {args['labware']} ({args['kind']}{sealed}) on {args['site']}."
        case "remove":
            where = f"to {args['destination']}" if args.get("destination") else "out of the lab"
            return f"Take {args['labware']} from {args['site']} {where}."
        case "fill":
            wells = ", ".join(f"{well} {volume:g} uL" for well, volume in args["volumes_ul"].items())
            return f"Fill {args['liquid']} into {args['labware']}: {wells}."
        case "attach_pipette":
            return f"Hang {args['pipette']} on the {args['mount']} mount of {args['device']}."
        case "seal":
            return f"Seal {args['labware']}."
        case "peel":
            return f"Take the seal off {args['labware']}."
        case _:
            return str(args.get("message", verb))
