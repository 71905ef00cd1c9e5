"""`lab twin`: the simulated lab for any client."""

import click

from cli.output import EXIT_INVALID, Output, failure


@click.group("twin")
def command() -> None:
    """The simulated lab on real ports."""


@command.command("serve")
@click.option("--device", "names", multiple=True, help="Only these devices.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--ports-from", type=click.IntRange(0, 65000), default=0, help="First port; 0 lets the system choose.")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True,
              help="Simulated seconds a second: how fast motions and people are.")  # fmt: skip
@click.pass_obj
def serve(output: Output, names: tuple[str, ...], seed: int, ports_from: int, speed: float) -> None:
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
    with asyncio.Runner(loop_factory=lambda: ScaledLoop(speed)) as runner:
        runner.run(serve_lab(lab.devices, lab.sites, wanted, seed, ports_from, tell))
