"""`lab twin`: the simulated lab for any client."""

import errno
from pathlib import Path

import click

from cli.faults import faults_of, read_faults
from cli.output import EXIT_INVALID, EXIT_UNREACHABLE, Output, failure


@click.group("twin")
def command() -> None:
    """The simulated lab on real ports."""


@command.command("serve")
@click.option("--device", "names", multiple=True, help="Only these devices.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--ports-from", type=click.IntRange(0, 65000), default=0, help="First port; 0 lets the system choose.")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True,
              help="Simulated seconds a second: how fast motions and people are.")  # fmt: skip
@click.option("--faults", "plan", type=click.Path(path_type=Path), help="A plan of what goes wrong.")
@click.pass_obj
def serve(output: Output, names: tuple[str, ...], seed: int, ports_from: int, speed: float, plan: Path | None) -> None:
    """Serve every twin on loopback until interrupted; one line (or JSON object) an endpoint."""
    import asyncio

    from sim_lab.clock import ScaledLoop
    from sim_lab.service import serve_lab

    lab = output.lab("twin")
    unknown = [name for name in names if name not in lab.devices]
    if unknown:
        raise failure("twin", EXIT_INVALID, f"no device {', '.join(unknown)}; there are: {', '.join(lab.devices)}")

    def tell(endpoints: dict[str, str]) -> None:
        rows = [{"device": name, "address": address} for name, address in endpoints.items()]
        output.show("twin", {"endpoints": rows}, [f"{row['device']:<14} {row['address']}" for row in rows])

    wanted = names or tuple(lab.devices)
    faults = read_faults("twin", lab, plan).faults() if plan else None
    try:
        with asyncio.Runner(loop_factory=lambda: ScaledLoop(speed)) as runner:
            runner.run(serve_lab(lab.devices, lab.sites, wanted, seed, ports_from, tell, faults))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        why = f"a port is taken: {error}. Another program has it: leave --ports-from out, or serve fewer devices"
        raise failure("twin", EXIT_UNREACHABLE, why) from error


@command.command("faults")
@click.option("--device", help="Only those that this device of the lab may have.")
@click.pass_obj
def faults(output: Output, device: str | None) -> None:
    """The catalogue of faults: what each does, to what, and how the stack should answer."""
    from sim_lab.faults import FAULTS, LINE

    have = faults_of(output.lab("twin"))
    if device is not None and device not in have:
        raise failure("twin", EXIT_INVALID, f"no device {device}; there are: {', '.join(have)}")
    rows = [
        {
            "id": fault.id, "group": fault.group, "does": fault.does, "answer": fault.answer, "by": fault.unit,
            "usual": fault.usual, "drivers": "every line" if LINE in fault.devices else list(fault.devices),
            "devices": [name for name, faults in have.items() if fault in faults],
        }
        for fault in FAULTS.values()
        if device is None or fault in have[device]
    ]  # fmt: skip
    lines = [f"{row['group']:<8} {row['id']:<22} {row['does']} - {row['answer']}" for row in rows]
    output.show("twin", {"faults": rows}, lines)
