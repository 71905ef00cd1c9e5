"""Looking at protocols: the library, the guide, checks and dry runs."""

import asyncio
from importlib.resources import files
from typing import Any

from api.budget import cost_of
from api.dryrun import Found, Job
from api.identity.principal import Principal
from api.models import Finding, LibraryEntry, ProtocolIn, Simulated, Simulation, Validation
from api.office import Office
from api.refusals import BadRequest, Missing
from orchestrator.state.views import wanted_sites
from protocols.ready import ready


def library() -> list[LibraryEntry]:
    """The ready protocols: what they are, and what may be set in them."""
    return [
        LibraryEntry(
            name=name, title=source.protocol.name, domain=source.protocol.domain, purpose=source.protocol.purpose,
            citation=source.protocol.citation,
            parameters={key: spec.model_dump(exclude_none=True) for key, spec in source.protocol.parameters.items()},
        )
        for name, source in ready().items()
    ]  # fmt: skip


async def list_library(office: Office, who: Principal) -> list[LibraryEntry]:
    """What is in the library."""
    await office.allow(who, "read")
    return await asyncio.to_thread(library)


async def library_document(office: Office, who: Principal, name: str) -> dict[str, Any]:
    """A protocol of the library."""
    await office.allow(who, "read")
    return await asyncio.to_thread(_known, name)


def guide() -> str:
    """The page from which an agent learns to write protocols."""
    return files("protocols").joinpath("guide.md").read_text("utf-8")


def schema() -> bytes:
    """The JSON Schema of protocols."""
    return files("protocols.schema").joinpath("lab-protocol-1.schema.json").read_bytes()


async def validate(office: Office, who: Principal, asked: ProtocolIn) -> Validation:
    """Check a protocol against this lab; every finding at once."""
    await office.allow(who, "validate", target=asked.library or "")
    found = await office.dry_runs.find(await job(office, asked, office.world, dry_run=False))
    return Validation(**_told(found))


async def simulate(office: Office, who: Principal, asked: Simulation) -> Simulated:
    """Dry-run a protocol on a fresh twin in virtual time."""
    await office.allow(who, "simulate", target=asked.library or "")
    found = await office.dry_runs.find(await job(office, asked, office.world, seed=asked.seed))
    return simulated(office, found)


def simulated(office: Office, found: Found) -> Simulated:
    """What a dry run found, for those who asked."""
    cost = cost_of(office.lab, found)
    told = {"instrument_minutes": cost.instrument_s / 60, "reagent_ml": cost.reagent_ul / 1000, "money": cost.money}
    return Simulated(
        **_told(found), error=found.error, trace_hash=found.trace_hash, duration_s=found.duration_s,
        readings=list(found.readings), end_state=dict(found.end_state), cost=told,
    )  # fmt: skip


async def job(office: Office, asked: ProtocolIn, world: str, **more: Any) -> Job:
    """What is to be looked at: sites that others use are avoided. Raises `BadRequest`, `Missing`."""
    if (asked.document is None) == (asked.library is None):
        raise BadRequest("give one of `document` and `library`", "`GET /api/v1/protocols` lists the library.")
    document = asked.document
    if asked.library is not None:
        document = await asyncio.to_thread(_known, asked.library)
    parameters = {name: str(value) for name, value in asked.parameters.items()}
    return Job(document or {}, parameters, wanted_sites(office.cell(world).state), **more)


def _known(name: str) -> dict[str, Any]:
    try:
        return dict(ready()[name].document)
    except KeyError:
        raise Missing(f"the library has no {name!r}", f"It has: {', '.join(ready())}.") from None


def findings(found: Found) -> list[Finding]:
    """All that rules found."""
    return [Finding(**{key: str(value) for key, value in problem.items()}) for problem in found.problems]


def _told(found: Found) -> dict[str, Any]:
    return {
        "ok": found.ok, "name": found.name, "protocol_hash": found.protocol_hash,
        "program_hash": found.program_hash, "steps": found.steps,
        "actions": 0 if found.program is None else len(found.program.actions), "hazard": found.hazard,
        "problems": findings(found), "stock": dict(found.stock),
    }  # fmt: skip
