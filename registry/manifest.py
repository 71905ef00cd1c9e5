"""The manifest: what a lab says of itself to a registry of laboratories, each claim with how it is known.

Vocabulary: capability, skill and service of the CSS model (Koecher et al., 10.1515/auto-2022-0117); instruments after
PIDINST 1.0 (10.15497/RDA00070) as far as a lab file knows them.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any, Literal

import rfc8785
from pydantic import Field

from labfile.lab import DeviceEntry, Lab
from registry.capabilities import Part, Range, ranges, steps
from registry.evidence import Known, Shown, how_known

VALID = timedelta(days=30)
#: The standard behind an address scheme, where there is one.
STANDARDS = {
    "opc.tcp": "OPC UA (IEC 62541); laboratory devices after OPC 30500-1 LADS",
    "ca": "EPICS Channel Access",
    "mqtt": "MQTT 3.1.1 (ISO/IEC 20922)",
    "modbus": "Modbus",
    "modbus+tcp": "Modbus TCP",
    "modbus+rtu": "Modbus RTU",
}
SPOKEN = (
    "HTTP API /api/v1 (OpenAPI 3.1, RFC 9457 problem details)", "Model Context Protocol 2026-07-28 and 2025-11-25",
    "lab-protocol/1 (JSON Schema)", "Bluesky event-model documents", "RO-Crate 1.1", "DSSE with Ed25519",
)  # fmt: skip


class Organisation(Part):
    """Whose lab it is."""

    name: str
    ror: str | None


class Evidence(Part):
    """What was shown of an instrument."""

    contract: str
    world: Literal["twin", "real"]
    passed: bool
    at: str
    config_hash: str
    software: str
    serial: str = Field("", description="of the instrument, where it tells it on its wire")
    firmware: str = Field("", description="of the instrument, where it tells it on its wire")


class Instrument(Part):
    """An instrument: what it is, what it can do, and how that is known."""

    id: str = Field(description="unique among all labs: organisation, lab and device")
    name: str
    kind: str = Field(description="its role, whatever its maker")
    driver: str
    model: str
    operations: list[str]
    ranges: dict[str, Range]
    known: Known = Field(description="declared by the lab file; or its contract passed on the twin, or on hardware")
    evidence: list[Evidence]
    skill: list[str] = Field(description="the wires by which it is driven")


class Access(Part):
    """Who may use it, and how."""

    agents: bool = Field(description="whether AI agents may submit")
    interfaces: list[str]
    approval: str
    max_biosafety_level: int
    refused_substances: list[str]


class Manifest(Part):
    """What a lab can do, with proof."""

    format: Literal["lab-manifest/1"] = "lab-manifest/1"
    sequence: int = Field(description="never falls; a registry refuses a lower one")
    issued: datetime
    valid_until: datetime
    organisation: Organisation
    lab: str
    timezone: str
    software: str
    config_hash: str
    evidence_hash: str
    instruments: list[Instrument]
    steps: dict[str, str] = Field(description="what a protocol may ask for; what no instrument does, a person does")
    protocols: list[str] = Field(description="ready ones")
    standards: list[str]
    access: Access


def build(
    lab: Lab, evidence: Sequence[Shown], evidence_hash: str, protocols: Iterable[str], issued: datetime
) -> Manifest:
    """The manifest of a lab at a time."""
    schemes = {scheme for entry in lab.devices.values() for scheme in entry.spec.schemes}
    return Manifest(
        sequence=int(issued.timestamp()), issued=issued, valid_until=issued + VALID,
        organisation=Organisation(name=lab.facility, ror=lab.ror), lab=lab.name, timezone=lab.timezone,
        software=f"genesislab {version('genesislab')}", config_hash=lab.config_hash, evidence_hash=evidence_hash,
        instruments=[
            _instrument(lab, entry, [shown for shown in evidence if shown.device == entry.name])
            for entry in lab.devices.values()
        ],
        steps=dict(steps()), protocols=sorted(protocols),
        standards=[*SPOKEN, *(STANDARDS[scheme] for scheme in sorted(schemes) if scheme in STANDARDS)],
        access=_access(lab),
    )  # fmt: skip


def _instrument(lab: Lab, entry: DeviceEntry, evidence: Sequence[Shown]) -> Instrument:
    from drivers.core.verbs import ROLES

    shown = [
        Evidence(contract=each.contract, world="real" if each.world == "real" else "twin", passed=each.passed,
                 at=each.at, config_hash=each.config_hash, software=f"genesislab {each.genesislab}",
                 serial=each.serial, firmware=each.firmware)
        for each in sorted(evidence, key=lambda each: (each.world, each.contract))
    ]  # fmt: skip
    return Instrument(
        id=f"{lab.ror or lab.facility}/{lab.name}/{entry.name}", name=entry.name, kind=entry.role, driver=entry.driver,
        model=entry.spec.summary, operations=sorted(ROLES[entry.role].verbs), ranges=ranges(entry),
        known=how_known(evidence), evidence=shown, skill=sorted(entry.spec.schemes),
    )  # fmt: skip


def _access(lab: Lab) -> Access:
    return Access(
        agents=any("submit" in agent.may for agent in lab.agents.values()), interfaces=["http", "mcp", "command line"],
        approval="by people of the lab, bound to one protocol and its dry run; two for high hazard",
        max_biosafety_level=lab.policy.max_biosafety_level, refused_substances=list(lab.policy.refused),
    )  # fmt: skip


def content_hash(manifest: Manifest) -> str:
    """Of all but when it was issued: a manifest that says nothing new need not be issued anew."""
    told = manifest.model_dump(mode="json", exclude={"sequence", "issued", "valid_until"})
    return hashlib.sha256(rfc8785.dumps(told)).hexdigest()


def schema() -> dict[str, Any]:
    """The JSON Schema of manifests."""
    told: Mapping[str, Any] = Manifest.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **told}


def now() -> datetime:
    """The time of issue, to the second."""
    return datetime.now(UTC).replace(microsecond=0)
