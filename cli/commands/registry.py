"""`lab registry`: what this lab can do, for a registry of laboratories."""

from pathlib import Path

import click

from cli.output import EXIT_FAILED, EXIT_INVALID, Output, failure


@click.group("registry")
def command() -> None:
    """What this lab can do, with proof."""


@command.command("manifest")
@click.option("--to", "folder", type=click.Path(path_type=Path), default=None,
              help="Write lab-manifest.json, its signed envelope and the public key there.")  # fmt: skip
@click.pass_obj
def manifest(output: Output, folder: Path | None) -> None:
    """The manifest: devices, capabilities with ranges and units, access, and the evidence of `hardware_tests`."""
    from api.issuing import Issuer
    from api.keys import KeyFileError, key_of
    from registry.evidence import BadEvidence

    lab = output.lab("registry")
    try:
        key = key_of(lab)
        issued = Issuer(lab, key).manifest()
    except (BadEvidence, KeyFileError) as error:
        raise failure("registry", EXIT_INVALID, str(error)) from error
    files = []
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in (("lab-manifest.json", issued.text), ("lab-manifest.json.dsse", issued.envelope),
                           ("lab-key.pem", key.public.pem.encode())):  # fmt: skip
            (folder / name).write_bytes(data)
            files.append(str(folder / name))
    told = issued.manifest
    known = {each.name: each.known for each in told.instruments}
    lines = [f"{told.organisation.name}, {told.lab}: {len(known)} instruments, valid until {told.valid_until:%Y-%m-%d}"]
    lines += [f"  {each.name:<14} {each.kind:<14} {each.known:<9} {each.model}" for each in told.instruments]
    document = {"ok": True, "manifest": told.model_dump(mode="json"), "key_id": key.public.id, "files": files}
    output.show("registry", document, [*lines, *files])


@command.command("verify")
@click.argument("envelope", type=click.Path(path_type=Path, exists=True))
@click.option("--key", "key_file", type=click.Path(path_type=Path, exists=True), required=True, help="Public key, PEM.")
@click.pass_obj
def verify(output: Output, envelope: Path, key_file: Path) -> None:
    """Whether a signed manifest is what the holder of a key said."""
    from pydantic import ValidationError

    from api.keys import KeyFileError, read_public
    from registry.dsse import MANIFEST, BadEnvelope, open_
    from registry.manifest import Manifest, now

    try:
        key = read_public(key_file)
        opened = open_(envelope.read_bytes(), {key.id: key.signed_bytes})
        told = Manifest.model_validate_json(opened.payload)
    except (KeyFileError, BadEnvelope, ValidationError) as error:
        raise failure("registry", EXIT_FAILED, f"{envelope}: {error}") from error
    if opened.payload_type != MANIFEST:
        raise failure("registry", EXIT_FAILED, f"{envelope} holds {opened.payload_type}, no manifest")
    stale = told.valid_until < now()
    document = {"ok": not stale, "lab": told.lab, "valid_until": told.valid_until.isoformat(), "signed_by": key.id}
    if stale:
        raise failure("registry", EXIT_FAILED, f"it was valid until {told.valid_until:%Y-%m-%d}; ask for a new one")
    output.show("registry", document, [f"{told.organisation.name}, {told.lab}: signed by {key.id}, and valid"])
