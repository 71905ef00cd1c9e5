"""Tasks for a person: one JSON object a line, and one line back. Pure; both roles.

`{"id": "r1/s.7#1", "do": "confirm", "args": {"message": "..."}, "say": "..."}` is answered by `{"id": "r1/s.7#1",
"done": true}` or `{"id": "r1/s.7#1", "done": false, "why": "..."}`. `say` is the task in words. The id stands for the
task for ever: whoever gets one twice answers as he did, and does nothing. With `"do": "recall"` the question is only
whether that task was done; `"done": null` says that nobody knows of it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RECALL = "recall"


def task(number: str, verb: str, args: Mapping[str, Any]) -> bytes:
    """One task as a line."""
    return json.dumps({"id": number, "do": verb, "args": dict(args), "say": sentence(verb, args)}).encode() + b"\n"


def recalled(number: str, done: bool | None) -> bytes:
    """The answer to a question for a task: done, not done, or never heard of."""
    return json.dumps({"id": number, "done": done, "why": None}).encode() + b"\n"


def answer(number: str, why_not: str | None = None) -> bytes:
    """The answer to a task; `why_not` says why it could not be done."""
    return json.dumps({"id": number, "done": why_not is None, "why": why_not}).encode() + b"\n"


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
        case "recall":
            return f"The lab was cut off. Was this done: {sentence(args['do'], args['args'])}"
        case _:
            return str(args.get("message", verb))
