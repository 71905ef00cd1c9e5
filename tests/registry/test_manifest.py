"""The manifest: what it says, how it is known, and that nobody can change it on the way."""

import base64
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from api.issuing import Issuer
from api.keys import SigningKey, key_of
from labfile import read
from labfile.lab import Lab
from registry import dsse, evidence, schema
from registry.evidence import BadEvidence, Shown, how_known
from registry.manifest import build

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    path = tmp_path / "lab.toml"
    path.write_text((ROOT / "lab.toml").read_text())
    return read(path)


@pytest.fixture
def key(lab: Lab) -> SigningKey:
    return key_of(lab)


def line(device: str, world: str, passed: bool, at: str = "2026-11-01T00:00:00+00:00", contract: str = "c") -> str:
    told = {"schema": "lab-evidence/1", "device": device, "driver": "d", "role": "r", "world": world,
            "contract": contract, "passed": passed, "at": at, "config_hash": "0", "genesislab": "0"}  # fmt: skip
    return json.dumps(told) + "\n"


def test_the_schema_that_is_checked_in_is_the_models() -> None:
    assert schema.FILE.read_text("utf-8") == schema.text(), "run: make schemas"


def test_a_manifest_is_valid_and_says_how_each_claim_is_known(lab: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "var/evidence"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shaker.jsonl").write_text(
        line("shaker", "twin", False) + line("shaker", "twin", True, "2026-11-02T00:00:00+00:00")
    )
    (folder / "arm.jsonl").write_text(line("arm", "twin", True) + line("arm", "real", False))
    shown, digest = evidence.read(folder)
    told = build(lab, shown, digest, ["dye_calibration"], datetime(2026, 11, 3, tzinfo=UTC))
    jsonschema.validate(told.model_dump(mode="json"), json.loads(schema.text()))
    known = {each.name: each.known for each in told.instruments}
    assert (known["shaker"], known["arm"], known["ot2"]) == ("twin", "twin", "declared")
    ot2 = next(each for each in told.instruments if each.name == "ot2")
    assert (ot2.ranges["volume"].high, ot2.ranges["volume"].unit) == (1000.0, "uL")
    assert ot2.ranges["volume"].qudt is not None


def test_hardware_outranks_the_twin_and_one_failure_spoils_it() -> None:
    def shown(world: str, passed: bool, contract: str) -> Shown:
        return Shown("arm", contract, world, passed, "2026", "", "")

    assert how_known([shown("real", True, "a"), shown("twin", False, "a")]) == "hardware"
    assert how_known([shown("real", True, "a"), shown("real", False, "b"), shown("twin", True, "a")]) == "twin"
    assert how_known([shown("twin", False, "a")]) == "declared"


def test_the_evidence_of_the_contracts_is_taken(lab: Lab, tmp_path: Path) -> None:
    """`hardware_tests` itself, for one device, as a technician runs it."""
    folder = tmp_path / "var/evidence"
    command = [sys.executable, "-m", "pytest", "hardware_tests", "-q", "-p", "no:cacheprovider", "--device", "environment",
               "--evidence", str(folder)]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    known = {each.name: each.known for each in Issuer(lab, key_of(lab)).manifest().manifest.instruments}
    assert (known["environment"], known["ot2"]) == ("twin", "declared")


def test_bad_evidence_says_where(lab: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / "arm.jsonl").write_text(line("arm", "twin", True) + "{}\n")
    with pytest.raises(BadEvidence, match=r"arm.jsonl:2"):
        evidence.read(folder)


def outside_key(key: SigningKey) -> SSlibKey:
    return SSlibKey.from_crypto(load_pem_public_key(key.public.pem.encode()), key.public.id)


def test_an_outside_verifier_accepts_the_envelope(lab: Lab, key: SigningKey) -> None:
    issued = Issuer(lab, key).manifest()
    envelope = Envelope.from_dict(json.loads(issued.envelope))
    assert list(envelope.verify([outside_key(key)], 1)) == [key.public.id]
    assert envelope.payload == issued.text
    opened = dsse.open_(issued.envelope, {key.public.id: key.public.signed_bytes})
    assert json.loads(opened.payload)["lab"] == "cell-1"


@pytest.mark.parametrize("part", ["payload", "payloadType", "sig"])
def test_a_changed_envelope_is_refused(lab: Lab, key: SigningKey, part: str) -> None:
    told = json.loads(Issuer(lab, key).manifest().envelope)
    if part == "payload":
        told["payload"] = base64.b64encode(base64.b64decode(told["payload"]).replace(b"cell-1", b"cell-2")).decode()
    elif part == "payloadType":
        told["payloadType"] = "text/plain"
    else:
        told["signatures"][0]["sig"] = base64.b64encode(b"\0" * 64).decode()
    with pytest.raises(dsse.BadEnvelope):
        dsse.open_(json.dumps(told).encode(), {key.public.id: key.public.signed_bytes})
    with pytest.raises(VerificationError):
        Envelope.from_dict(told).verify([outside_key(key)], 1)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b'{"payload": "?", "payloadType": 1, "signatures": {}}'])
def test_what_is_no_envelope(data: bytes) -> None:
    with pytest.raises(dsse.BadEnvelope):
        dsse.open_(data, {})


def test_nothing_new_is_not_issued_anew(lab: Lab, key: SigningKey, tmp_path: Path) -> None:
    issuer = Issuer(lab, key)
    first = issuer.manifest()
    assert issuer.manifest() is first
    folder = tmp_path / "var/evidence"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "arm.jsonl").write_text(line("arm", "twin", True))
    assert issuer.manifest() is not first
