"""The lab that lives on: served twins in a process of their own, with a witness who writes down what truly happened."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from labfile import Lab
from sim_lab.clock import ScaledLoop
from sim_lab.service import serve_lab
from sim_lab.twins.ot2_pipette import Head
from sim_lab.twins.qinstruments_bioshake import Table
from sim_lab.world.model import World

DEVICES = ("ot2", "arm", "shaker", "reader", "operator")
SPEED = 100.0  # of the twin and of the worker alike: some devices count the time themselves


class Saw(Protocol):
    """Whoever is told of effects."""

    def saw(self, *what: Any) -> None:
        """One effect."""


class Witness:
    """Every physical effect in its order, as `[what, ...]`, on the disk at once: it must outlive any process."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def saw(self, *what: Any) -> None:
        """One effect."""
        self._file.write(json.dumps(what).encode() + b"\n")


def _watch(kind: type, method: str, tell: Callable[..., tuple[Any, ...]], witness: Saw) -> None:
    was = getattr(kind, method)

    def told(self: Any, *args: Any, **more: Any) -> Any:
        result = was(self, *args, **more)
        witness.saw(method, *tell(self, *args, **more))
        return result

    setattr(kind, method, told)


def _at(
    _: Any, really: Any, __: Any, well: str, volume_ul: float | None = None, *faults: Any, **more: Any
) -> tuple[Any, ...]:
    return (really.name if really else None, well, volume_ul)


def watch_the_world(witness: Saw) -> None:
    """From now on, in this process, every effect on the simulated world is witnessed."""
    for method in ("pick_up", "drop", "aspirate", "dispense"):
        _watch(Head, method, _at, witness)
    _watch(World, "place", lambda _, name, kind, site: (name, site), witness)
    _watch(World, "fill", lambda _, labware, well, volume_ul, species: (labware, well, volume_ul), witness)
    _watch(World, "put", lambda _, labware, site: (labware.name, site), witness)
    begin, lift = Table.begin, World.lift

    def begun(self: Table, now_s: float) -> None:
        if not self.is_on:  # a new speed is no new shaking
            witness.saw("begin")
        begin(self, now_s)

    def lifted(self: World, site: str) -> Any:
        labware = lift(self, site)
        witness.saw("lift", labware.name, site)
        return labware

    Table.begin = begun  # type: ignore[method-assign]
    World.lift = lifted  # type: ignore[method-assign]


def serve(lab: Lab, witness: Path, endpoints: Path, speed: float = SPEED) -> None:
    """Serve the twins until SIGTERM; their addresses are written to `endpoints` when all are up."""
    watch_the_world(Witness(witness))

    def tell(found: dict[str, str]) -> None:
        draft = endpoints.with_suffix(".draft")
        draft.write_text(json.dumps(found))
        os.replace(draft, endpoints)

    with asyncio.Runner(loop_factory=lambda: ScaledLoop(speed)) as runner:
        runner.run(serve_lab(lab.devices, lab.sites, DEVICES, seed=1, ports_from=0, tell=tell))
