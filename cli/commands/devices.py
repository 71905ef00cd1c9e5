"""`lab devices`: what is in the lab."""

import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from cli.output import EXIT_INVALID, EXIT_UNREACHABLE, Output, failure


@click.command("devices")
@click.argument("name", required=False)
@click.option("--connect", type=click.Choice(["twin", "real"]), help="Try to reach each device in that world.")
@click.pass_obj
def command(output: Output, name: str | None, connect: str | None) -> None:
    """List the devices with role, addresses, limits, and what each driver has earned."""
    lab = output.lab("devices")
    if name is not None and name not in lab.devices:
        raise failure("devices", EXIT_INVALID, f"there is no device '{name}'; there are: {', '.join(lab.devices)}")
    names = [name] if name else list(lab.devices)
    told = _reach(lab, names, connect) if connect else {each: {"state": "not connected"} for each in names}
    states = {each: told[each]["state"] for each in names}
    devices = [_about(lab.devices[each]) | told[each] for each in names]
    lines = []
    for device in devices:
        earned = device["quality"]
        lines.append(f"{device['name']:<12} {device['role']:<14} {device['driver']:<24} {device['state']}")
        if name:
            lines += [f"  {key}: {value}" for key, value in device.items() if key not in ("name", "quality")]
            lines += [f"  {rule}: {rank['status']} - {rank['reason']}" for rule, rank in earned.items()]
    output.show("devices", {"devices": devices}, lines)
    if connect and any(state != "reached" for state in states.values()):
        raise failure("devices", EXIT_UNREACHABLE, "; ".join(f"{n}: {s}" for n, s in states.items() if s != "reached"))


def _about(entry: Any) -> dict[str, Any]:
    return {
        "name": entry.name,
        "role": entry.role,
        "driver": entry.driver,
        "summary": entry.spec.summary,
        "real": entry.real,
        "twin": entry.twin,
        "limits": {name: str(bounds) for name, bounds in entry.limits.ranges.items()},
        "sites": list(entry.sites),
        "quality": _quality(entry.spec.device),
    }


def _quality(device: str) -> dict[str, Any]:
    """The driver's quality card, which lies beside it."""
    spec = find_spec(device.partition(":")[0])
    card = Path(spec.origin).with_name("quality.toml") if spec and spec.origin else None
    if card is None or not card.exists():
        return {}
    rules: dict[str, Any] = tomllib.loads(card.read_text("utf-8"))["rules"]
    return rules


def _reach(lab: Any, names: list[str], world: str) -> dict[str, dict[str, str]]:
    """Connect each device by itself and say what came of it, and who the instrument says that it is."""
    from drivers.core.errors import DeviceError
    from drivers.core.world import WorldSettings
    from orchestrator.cell import Cell

    states: dict[str, dict[str, str]] = {}
    for name in names:
        cell = Cell(lab, world, WorldSettings(speed=1))

        async def main(cell: Cell = cell, name: str = name) -> None:
            try:
                await cell.connect([name])
                told = await cell.devices[name].identify()
                states[name] = {"state": "reached", "serial": told.serial, "firmware": told.firmware}
            finally:
                await cell.close()

        try:
            cell.world.run(main)
        except DeviceError as error:
            states[name] = {"state": f"not reached: {error}"}
    return states
