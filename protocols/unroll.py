"""Liquid steps as single pipette moves: each result is one use of a tip. Pure."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from protocols.ledger import TRASH
from protocols.model import Distribute, Mix, PipetteStep, SerialDilute, Transfer
from protocols.moves import Aspirate, Dispense, DropTip, MixMove, Move, PickUp
from protocols.problems import Problem, ProtocolError
from protocols.wells import Wells, parse_wells

Cycle = list[Move]
LiquidStep = PipetteStep | Transfer | Distribute | SerialDilute | Mix
#: Share of the liquid in a well that a mix draws: enough to turn it over, and the tip stays wet.
MIX_SHARE = 0.5
#: Draws with which a well is filled at most: a 300 uL tip fills the largest reservoir (0.3 L) with 1,000. Ours.
MAX_DRAWS = 1000


def unroll(step: LiquidStep, max_ul: float) -> list[Cycle]:
    """The moves of a step, tip by tip; volumes above `max_ul` (what one tip takes) are split evenly.

    Raises `ProtocolError` for a volume that would take more than `MAX_DRAWS` draws a well.
    """
    draws = math.ceil(largest_volume(step) / max_ul - 1e-9)
    if draws > MAX_DRAWS:
        message = f"{draws:,} draws a well would be needed; at most {MAX_DRAWS} are made"
        raise ProtocolError([Problem("LIQ-009", step.id, message, "Is the unit right? Fill large volumes by hand.")])
    if isinstance(step, Transfer):
        return list(_transfer(step, max_ul))
    if isinstance(step, Distribute):
        return [_with_tip(_distribute(step, max_ul))]
    if isinstance(step, SerialDilute):
        return list(_serial_dilute(step, max_ul))
    if isinstance(step, Mix):
        return [_with_tip(_mix(well, min(step.volume, max_ul), step.times)) for well in _each(step.wells)]
    return [list(step.moves)]


def largest_volume(step: LiquidStep) -> float:
    """The largest single volume of a step, which decides on the pipette."""
    if isinstance(step, PipetteStep):
        return max((m.volume for m in step.moves if isinstance(m, Aspirate | Dispense | MixMove)), default=0.0)
    if isinstance(step, SerialDilute):
        return float(max(step.volume, step.volume / (step.factor - 1)))
    if isinstance(step, Distribute):
        return float(step.volume + (step.extra or 0.0))
    return float(step.volume)


def series(step: SerialDilute) -> list[Wells]:
    """The wells of each dilution series: the rows that are named, or one column if there is but one."""
    if isinstance(step.into, list):
        return step.into
    names = step.into.names
    rows = list(dict.fromkeys(name.rstrip("0123456789") for name in names))
    if len(rows) == len(names):
        return [step.into]
    return [Wells(step.into.labware, tuple(n for n in names if n.rstrip("0123456789") == row)) for row in rows]


def _with_tip(moves: Sequence[Move]) -> Cycle:
    return [PickUp(act="pick_up"), *moves, DropTip(act="drop")]


def _each(wells: Wells) -> list[Wells]:
    return [Wells(wells.labware, (name,)) for name in wells.names]


def _give(source: Wells, to: Wells, volume: float, max_ul: float) -> Iterator[Move]:
    parts = math.ceil(volume / max_ul - 1e-9)
    for _ in range(parts):
        yield Aspirate(act="aspirate", well=source, volume=volume / parts)
        yield Dispense(act="dispense", well=to, volume=volume / parts)


def _mix(well: Wells, volume: float, times: int) -> list[Move]:
    return [MixMove(act="mix", well=well, volume=volume, times=times)] if times else []


def _transfer(step: Transfer, max_ul: float) -> Iterator[Cycle]:
    sources, targets = _each(step.source), _each(step.to)
    if len(sources) == 1:
        sources *= len(targets)
    if len(sources) != len(targets):
        message = f"{len(step.source.names)} source wells and {len(step.to.names)} destination wells"
        raise ProtocolError([Problem("LIQ-006", step.id, message, "Name as many of each, or one source for all.")])
    moves = [
        [*_give(source, to, step.volume, max_ul), *_mix(to, min(step.volume * MIX_SHARE, max_ul), step.mix)]
        for source, to in zip(sources, targets, strict=True)
    ]
    if step.tips == "once":
        yield _with_tip([move for part in moves for move in part])
    else:
        yield from map(_with_tip, moves)


def _distribute(step: Distribute, max_ul: float) -> list[Move]:
    """Loads of as many wells as one tip takes; what is drawn beyond them goes back where it came from."""
    extra = step.extra or 0.0
    a_load = int((max_ul - extra) / step.volume + 1e-9)
    targets = _each(step.to)
    if a_load < 1:
        room = f"{max_ul:g} uL with {extra:g} uL extra"
        message = f"one tip takes {room}, not one portion of {step.volume:g} uL"
        raise ProtocolError([Problem("LIQ-008", step.id, message, "Use `transfer`, or draw less extra.")])
    moves: list[Move] = []
    for first in range(0, len(targets), a_load):
        load = targets[first : first + a_load]
        moves.append(Aspirate(act="aspirate", well=step.source, volume=len(load) * step.volume + extra))
        moves += [Dispense(act="dispense", well=to, volume=step.volume) for to in load]
        if extra:
            moves.append(Dispense(act="dispense", well=step.source, volume=extra))
    return moves


def _serial_dilute(step: SerialDilute, max_ul: float) -> Iterator[Cycle]:
    """Diluent to all but the first wells, source to the first, then from well to well; the surplus is discarded."""
    carried = step.volume / (step.factor - 1)
    rows = series(step)
    diluent = [m for row in rows for to in _each(row)[1:] for m in _give(step.diluent, to, step.volume, max_ul)]
    if diluent:
        yield _with_tip(diluent)
    trash = parse_wells(f"{TRASH}/A1")
    for row in rows:
        wells = _each(row)
        moves = [*_give(step.source, wells[0], step.volume + carried, max_ul)]
        for before, to in pairwise(wells):
            moves += _give(before, to, carried, max_ul)
            moves += _mix(to, min((step.volume + carried) * MIX_SHARE, max_ul), step.mix)
        moves += _give(wells[-1], trash, carried, max_ul)
        yield _with_tip(moves)
