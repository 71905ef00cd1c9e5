"""Has `opentrons` analyse one Python protocol, and writes down what its analysis leaves out.

Protocols of an API before 2.14 are analysed through messages whose places and modules' values the command list loses;
they are noted beside it (`facts.json`, by id of the command). `opentrons` 8.8.2, the version that is pinned, was read
for the names that are taken hold of here.
"""

import builtins
import enum
import functools
import json
import numbers
from collections.abc import Callable
from pathlib import Path
from typing import Any

Facts = dict[str, dict[str, Any]]


def prepared() -> Callable[[str], None]:
    """Everything imported, with its enums as before Python 3.11, and watched; gives what analyses one folder."""
    from opentrons.cli.analyze import analyze
    from opentrons.hardware_control.modules import types

    for kind in vars(types).values():  # models of modules are looked up by their formatted names
        if isinstance(kind, type) and issubclass(kind, str) and issubclass(kind, enum.Enum):
            changed: Any = kind
            changed.__str__ = lambda self: self.value
            changed.__format__ = lambda self, spec: format(self.value, spec)
    facts: Facts = {}
    _watch(facts)

    def work(folder: str) -> None:
        here = Path(folder)
        request = json.loads((here / "request.json").read_text("utf-8"))
        values = request["values"]
        builtins.get_values = lambda *names: [values[name] for name in names]  # type: ignore[attr-defined]
        files = [str(here / name) for name in request["files"]]
        options = ["--json-output", str(here / "analysis.json"), "--rtp-values", json.dumps(request["parameters"])]
        try:
            analyze.main([*files, *options], standalone_mode=False)
        except SystemExit:
            pass  # its way to end
        except Exception as error:
            (here / "refused.txt").write_text(f"{type(error).__name__}: {error}"[:2000], "utf-8")
        (here / "facts.json").write_text(json.dumps(facts), "utf-8")

    return work


def _watch(facts: Facts) -> None:
    from opentrons.hardware_control.modules import MagDeck
    from opentrons.protocol_api.core.legacy.legacy_instrument_core import LegacyInstrumentCore
    from opentrons.protocol_api.core.legacy_simulator.legacy_instrument_core import LegacyInstrumentCoreSimulator
    from opentrons.protocol_runner.legacy_command_mapper import LegacyCommandMapper

    last: dict[str, Any] = {}  # the facts of the command that runs now

    def command(build: Any, self: Any, message: Any, command_id: str, *args: Any, **kwargs: Any) -> Any:
        nonlocal last
        last = facts.setdefault(command_id, _payload(message["payload"]))
        return build(self, message, command_id, *args, **kwargs)

    def touched(touch: Any, self: Any, location: Any, *args: Any, **kwargs: Any) -> Any:
        last.update(_place(location))
        return touch(self, location, *args, **kwargs)

    async def engaged(engage: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        last.update({key: value for key, value in kwargs.items() if isinstance(value, float | int)})
        return await engage(self, *args, **kwargs)

    _wrap(LegacyCommandMapper, "_build_initial_command", command)
    _wrap(LegacyInstrumentCore, "touch_tip", touched)
    _wrap(LegacyInstrumentCoreSimulator, "touch_tip", touched)
    _wrap(MagDeck, "engage", engaged)


def _wrap(owner: Any, name: str, watcher: Callable[..., Any]) -> None:
    method = getattr(owner, name)

    @functools.wraps(method)
    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        return watcher(method, self, *args, **kwargs)

    setattr(owner, name, watched)


def _payload(payload: Any) -> dict[str, Any]:
    """What of a message is plain: numbers and texts, the mount, the place."""
    found: dict[str, Any] = {
        key: float(value) if isinstance(value, numbers.Real) else value
        for key, value in payload.items()
        if isinstance(value, numbers.Real | str)
    }
    if hasattr(payload.get("instrument"), "mount"):
        found["mount"] = str(payload["instrument"].mount)
    return found | _place(payload.get("location"))


def _place(location: Any) -> dict[str, Any]:
    """The labware's slot and well of a place, and where it is in the well (mm from the middle of its bottom)."""
    thing = getattr(location, "labware", None)
    if thing is None:
        return {}
    labware, well = thing.get_parent_labware_and_well()
    if labware is None or well is None:
        return {}
    offset = location.point - well.bottom().point
    return {
        "slot": str(thing.first_parent()), "labware": labware.name, "well": well.well_name,
        "offset": {"x": round(offset.x, 6), "y": round(offset.y, 6), "z": round(offset.z, 6)},
    }  # fmt: skip
