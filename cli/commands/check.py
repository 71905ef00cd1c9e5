"""`lab check`: is lab.toml right?"""

import click

from cli.output import Output


@click.command("check")
@click.pass_obj
def command(output: Output) -> None:
    """Check lab.toml and tell every mistake at once."""
    lab = output.lab("check")
    document = {"ok": True, "errors": [], "lab": lab.name, "config_hash": lab.config_hash, "devices": list(lab.devices)}
    output.show("check", document, [f"{output.lab_file} is right: {lab.name}, {len(lab.devices)} devices."])
