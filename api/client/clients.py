"""The clients. Made from the OpenAPI document by `python -m api.client.generate`, which see: do not edit."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Literal

from api import models as m
from api.client.base import AsyncBase, Base
from api.client.call import Call, key_or_new, quoted
from registry.manifest import Manifest


class LabClient(Base):
    """A lab over HTTP, from code that waits for each answer."""

    def abort(self, run_id: str, *, reason: str = "", key: str | None = None) -> m.Said:
        """End a run safely: what is under way ends, devices come to rest."""
        call = Call(
            "POST", f"/api/v1/runs/{quoted(run_id)}/abort", m.Said, body={"reason": reason}, key=key_or_new(key)
        )
        return self._send(call)

    def abort_campaign(self, campaign_id: str) -> m.Campaign:
        """Submit nothing more of it, and end its runs that have not begun."""
        call = Call("POST", f"/api/v1/campaigns/{quoted(campaign_id)}/abort", m.Campaign)
        return self._send(call)

    def alarms(self, *, limit: int = 50, after: str | None = None, world: m.World | None = None) -> m.Page[m.Alarm]:
        """What was raised, the newest first."""
        call = Call(
            "GET",
            "/api/v1/alarms",
            m.Page[m.Alarm],
            query={"limit": limit, "after": after, "world": world},
            repeatable=True,
        )
        return self._send(call)

    def iter_alarms(self, *, world: m.World | None = None) -> Iterator[m.Alarm]:
        """All pages of `alarms`, item by item."""
        call = Call("GET", "/api/v1/alarms", m.Page[m.Alarm], query={"world": world}, repeatable=True)
        return self._pages(call)

    def approval(self, approval_id: str) -> m.ApprovalOut:
        """One approval: what is asked, the dry run, and who has said what."""
        call = Call("GET", f"/api/v1/approvals/{quoted(approval_id)}", m.ApprovalOut, repeatable=True)
        return self._send(call)

    def approvals(self, *, limit: int = 20, after: str | None = None) -> m.Page[m.ApprovalOut]:
        """The newest approvals; an agent sees its own."""
        call = Call(
            "GET", "/api/v1/approvals", m.Page[m.ApprovalOut], query={"limit": limit, "after": after}, repeatable=True
        )
        return self._send(call)

    def iter_approvals(self) -> Iterator[m.ApprovalOut]:
        """All pages of `approvals`, item by item."""
        call = Call("GET", "/api/v1/approvals", m.Page[m.ApprovalOut], repeatable=True)
        return self._pages(call)

    def audit(self, *, limit: int = 100, after: int = 0) -> m.Page[m.AuditRecord]:
        """Records in their order, from behind number `after`."""
        call = Call(
            "GET", "/api/v1/audit", m.Page[m.AuditRecord], query={"limit": limit, "after": after}, repeatable=True
        )
        return self._send(call)

    def iter_audit(self) -> Iterator[m.AuditRecord]:
        """All pages of `audit`, item by item."""
        call = Call("GET", "/api/v1/audit", m.Page[m.AuditRecord], repeatable=True)
        return self._pages(call)

    def audit_head(self) -> m.AuditHead:
        """The newest signed head: to be kept elsewhere, against which the trail can be checked."""
        call = Call("GET", "/api/v1/audit/head", m.AuditHead, repeatable=True)
        return self._send(call)

    def campaign(self, campaign_id: str) -> m.Campaign:
        """One campaign, with the runs of its points."""
        call = Call("GET", f"/api/v1/campaigns/{quoted(campaign_id)}", m.Campaign, repeatable=True)
        return self._send(call)

    def campaign_table(self, campaign_id: str, *, limit: int = 1000, after: int = 0) -> m.Page[m.CampaignReading]:
        """The readings of all its runs as one tidy table. `after` counts rows."""
        call = Call(
            "GET",
            f"/api/v1/campaigns/{quoted(campaign_id)}/table",
            m.Page[m.CampaignReading],
            query={"limit": limit, "after": after},
            repeatable=True,
        )
        return self._send(call)

    def iter_campaign_table(self, campaign_id: str) -> Iterator[m.CampaignReading]:
        """All pages of `campaign_table`, item by item."""
        call = Call("GET", f"/api/v1/campaigns/{quoted(campaign_id)}/table", m.Page[m.CampaignReading], repeatable=True)
        return self._pages(call)

    def campaigns(self, *, limit: int = 20, after: str | None = None) -> m.Page[m.Campaign]:
        """The newest campaigns."""
        call = Call(
            "GET", "/api/v1/campaigns", m.Page[m.Campaign], query={"limit": limit, "after": after}, repeatable=True
        )
        return self._send(call)

    def iter_campaigns(self) -> Iterator[m.Campaign]:
        """All pages of `campaigns`, item by item."""
        call = Call("GET", "/api/v1/campaigns", m.Page[m.Campaign], repeatable=True)
        return self._pages(call)

    def choose(
        self,
        run_id: str,
        *,
        action: str,
        attempt: int,
        choice: Literal["retry", "skip", "by_hand", "go_back", "abort"],
        step: str = "",
        key: str | None = None,
    ) -> m.Said:
        """A person says how a run goes on after a failed action."""
        call = Call(
            "POST",
            f"/api/v1/runs/{quoted(run_id)}/choose",
            m.Said,
            body={"action": action, "attempt": attempt, "choice": choice, "step": step},
            key=key_or_new(key),
        )
        return self._send(call)

    def clear(self, *, sites: list[str], world: m.World | None = None, key: str | None = None) -> m.Said:
        """Say that what ended runs left on these sites is gone."""
        call = Call("POST", "/api/v1/clear", m.Said, query={"world": world}, body={"sites": sites}, key=key_or_new(key))
        return self._send(call)

    def device(self, name: str, *, world: m.World | None = None) -> m.Device:
        """One instrument."""
        call = Call("GET", f"/api/v1/devices/{quoted(name)}", m.Device, query={"world": world}, repeatable=True)
        return self._send(call)

    def devices(self, *, world: m.World | None = None) -> list[m.Device]:
        """Every instrument: what it is, what it may do, what it does now and what it last measured."""
        call = Call("GET", "/api/v1/devices", list[m.Device], query={"world": world}, repeatable=True)
        return self._send(call)

    def documents(self, run_id: str, *, limit: int = 1000, after: int = 0) -> m.Page[dict[str, Any]]:
        """A run's Bluesky documents (event-model), in their order. `after` counts documents."""
        call = Call(
            "GET",
            f"/api/v1/runs/{quoted(run_id)}/documents",
            m.Page[dict[str, Any]],
            query={"limit": limit, "after": after},
            repeatable=True,
        )
        return self._send(call)

    def iter_documents(self, run_id: str) -> Iterator[dict[str, Any]]:
        """All pages of `documents`, item by item."""
        call = Call("GET", f"/api/v1/runs/{quoted(run_id)}/documents", m.Page[dict[str, Any]], repeatable=True)
        return self._pages(call)

    def events_after(self, *, after: int = 0, limit: int = 100, world: m.World | None = None) -> m.Events:
        """What happened after event number `after`, the oldest first: the journal of a world's cell."""
        call = Call(
            "GET", "/api/v1/events", m.Events, query={"after": after, "limit": limit, "world": world}, repeatable=True
        )
        return self._send(call)

    def file(self, run_id: str, name: str) -> bytes:
        """One file, to be saved: never shown by a browser as a page of this lab's."""
        call = Call("GET", f"/api/v1/runs/{quoted(run_id)}/files/{quoted(name)}", bytes, repeatable=True)
        return self._send(call)

    def files(self, run_id: str) -> list[m.File]:
        """The files of a run's folder."""
        call = Call("GET", f"/api/v1/runs/{quoted(run_id)}/files", list[m.File], repeatable=True)
        return self._send(call)

    def grant(self, approval_id: str, *, note: str = "", key: str | None = None) -> m.ApprovalOut:
        """A person approves: never the one who asked, never an agent; high hazard needs two."""
        call = Call(
            "POST",
            f"/api/v1/approvals/{quoted(approval_id)}/grant",
            m.ApprovalOut,
            body={"note": note},
            key=key_or_new(key),
        )
        return self._send(call)

    def healthz(self) -> m.Health:
        """Whether this process lives."""
        call = Call("GET", "/healthz", m.Health, repeatable=True)
        return self._send(call)

    def labs(self) -> list[m.LabInfo]:
        """The labs that are served here: one."""
        call = Call("GET", "/api/v1/labs", list[m.LabInfo], repeatable=True)
        return self._send(call)

    def labware(self, *, world: m.World | None = None) -> list[m.SiteNow]:
        """Every place for labware, who has it and what stands there."""
        call = Call("GET", "/api/v1/labware", list[m.SiteNow], query={"world": world}, repeatable=True)
        return self._send(call)

    def library(self, *, limit: int = 100, after: str | None = None) -> m.Page[m.LibraryEntry]:
        """The library of ready protocols."""
        call = Call(
            "GET", "/api/v1/protocols", m.Page[m.LibraryEntry], query={"limit": limit, "after": after}, repeatable=True
        )
        return self._send(call)

    def iter_library(self) -> Iterator[m.LibraryEntry]:
        """All pages of `library`, item by item."""
        call = Call("GET", "/api/v1/protocols", m.Page[m.LibraryEntry], repeatable=True)
        return self._pages(call)

    def login(self, *, name: str, password: str) -> m.TokenOut:
        """A person's password for a token that lasts half a day."""
        call = Call("POST", "/api/v1/auth/login", m.TokenOut, body={"name": name, "password": password})
        return self._send(call)

    def make_token(
        self,
        *,
        principal: str | None = None,
        label: str = "",
        days: float = 30,
        scopes: list[str] | None = None,
        hazard_ceiling: m.Hazard | None = None,
        budget: Mapping[str, float] | None = None,
        key: str | None = None,
    ) -> m.TokenOut:
        """A token for oneself, or with `admin` for another; it is shown this once."""
        call = Call(
            "POST",
            "/api/v1/auth/tokens",
            m.TokenOut,
            body={
                "principal": principal,
                "label": label,
                "days": days,
                "scopes": scopes,
                "hazard_ceiling": hazard_ceiling,
                "budget": budget,
            },
            key=key_or_new(key),
        )
        return self._send(call)

    def manifest(self) -> Manifest:
        """What this lab can do, each claim with how it is known."""
        call = Call("GET", "/api/v1/manifest", Manifest, repeatable=True)
        return self._send(call)

    def manifest_envelope(self) -> bytes:
        """The signed envelope around it (DSSE, Ed25519); the key is in GET /api/v1/labs."""
        call = Call("GET", "/.well-known/lab-manifest.json.dsse", bytes, repeatable=True)
        return self._send(call)

    def me(self) -> m.Me:
        """Who asks, what they may do, and what is used of their budget."""
        call = Call("GET", "/api/v1/auth/me", m.Me, repeatable=True)
        return self._send(call)

    def metrics(self) -> str:
        """Figures for Prometheus."""
        call = Call("GET", "/metrics", str, repeatable=True)
        return self._send(call)

    def pause(self, run_id: str, *, key: str | None = None) -> m.Said:
        """Begin nothing more of a run; what is under way goes on to its end."""
        call = Call("POST", f"/api/v1/runs/{quoted(run_id)}/pause", m.Said, key=key_or_new(key))
        return self._send(call)

    def plan_runs(self, *, limit: int = 50, after: str | None = None) -> m.Page[m.Run]:
        """The newest plans that were asked for, the newest first."""
        call = Call("GET", "/api/v1/plan-runs", m.Page[m.Run], query={"limit": limit, "after": after}, repeatable=True)
        return self._send(call)

    def iter_plan_runs(self) -> Iterator[m.Run]:
        """All pages of `plan_runs`, item by item."""
        call = Call("GET", "/api/v1/plan-runs", m.Page[m.Run], repeatable=True)
        return self._pages(call)

    def plans(self) -> list[m.PlanInfo]:
        """The plans that may be run here, their arguments, and the devices with their limits."""
        call = Call("GET", "/api/v1/plans", list[m.PlanInfo], repeatable=True)
        return self._send(call)

    def propose_campaign(
        self,
        *,
        points: list[Mapping[str, str | int | float]],
        world: m.World,
        document: Mapping[str, Any] | None = None,
        library: str | None = None,
        priority: int = 0,
        why: str = "",
        key: str | None = None,
    ) -> m.Campaign:
        """Have a protocol run once for each set of parameters, within the proposer's ceiling and budget."""
        call = Call(
            "POST",
            "/api/v1/campaigns",
            m.Campaign,
            body={
                "points": points,
                "world": world,
                "document": document,
                "library": library,
                "priority": priority,
                "why": why,
            },
            key=key_or_new(key),
        )
        return self._send(call)

    def protocol(self, name: str) -> dict[str, Any]:
        """A protocol of the library, as JSON."""
        call = Call("GET", f"/api/v1/protocols/{quoted(name)}", dict[str, Any], repeatable=True)
        return self._send(call)

    def protocol_guide(self) -> str:
        """How to write a protocol: one page."""
        call = Call("GET", "/api/v1/protocol-guide", str, repeatable=True)
        return self._send(call)

    def protocol_schema(self) -> dict[str, Any]:
        """The JSON Schema of protocols."""
        call = Call("GET", "/api/v1/protocol-schema", dict[str, Any], repeatable=True)
        return self._send(call)

    def public_manifest(self) -> Manifest:
        """The same, without an account."""
        call = Call("GET", "/.well-known/lab-manifest.json", Manifest, repeatable=True)
        return self._send(call)

    def queue(self, *, limit: int = 50, after: str | None = None, world: m.World | None = None) -> m.Page[m.Run]:
        """Runs that have not ended, in the order of their planned ends."""
        call = Call(
            "GET",
            "/api/v1/queue",
            m.Page[m.Run],
            query={"limit": limit, "after": after, "world": world},
            repeatable=True,
        )
        return self._send(call)

    def iter_queue(self, *, world: m.World | None = None) -> Iterator[m.Run]:
        """All pages of `queue`, item by item."""
        call = Call("GET", "/api/v1/queue", m.Page[m.Run], query={"world": world}, repeatable=True)
        return self._pages(call)

    def readyz(self) -> m.Health:
        """Whether it can serve: the store is there, and a worker has this world's cell."""
        call = Call("GET", "/readyz", m.Health, repeatable=True)
        return self._send(call)

    def refuse(self, approval_id: str, *, note: str = "", key: str | None = None) -> m.ApprovalOut:
        """A person refuses: that is the end of it."""
        call = Call(
            "POST",
            f"/api/v1/approvals/{quoted(approval_id)}/refuse",
            m.ApprovalOut,
            body={"note": note},
            key=key_or_new(key),
        )
        return self._send(call)

    def request_approval(
        self,
        *,
        world: m.World,
        document: Mapping[str, Any] | None = None,
        library: str | None = None,
        parameters: Mapping[str, str | int | float] | None = None,
        why: str = "",
        key: str | None = None,
    ) -> m.ApprovalOut:
        """Ask people to approve a protocol; the lab dry-runs it, and the approval stands for just that."""
        call = Call(
            "POST",
            "/api/v1/approvals",
            m.ApprovalOut,
            body={"world": world, "document": document, "library": library, "parameters": parameters, "why": why},
            key=key_or_new(key),
        )
        return self._send(call)

    def resume(self, run_id: str, *, key: str | None = None) -> m.Said:
        """Let a paused run go on."""
        call = Call("POST", f"/api/v1/runs/{quoted(run_id)}/resume", m.Said, key=key_or_new(key))
        return self._send(call)

    def revoke_token(self, token_id: str) -> None:
        """Make a token worthless."""
        call = Call("DELETE", f"/api/v1/auth/tokens/{quoted(token_id)}", type(None))
        self._send(call)

    def run(self, run_id: str) -> m.Run:
        """One run as it stands, and what of it waits for a person."""
        call = Call("GET", f"/api/v1/runs/{quoted(run_id)}", m.Run, repeatable=True)
        return self._send(call)

    def run_plan(
        self,
        *,
        plan: str,
        world: m.World,
        args: list[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> m.Run:
        """Run a plan while it has its devices to itself, in turn with the runs.

        It is watched and steered like a run.
        """
        call = Call(
            "POST",
            "/api/v1/plans",
            m.Run,
            body={"plan": plan, "world": world, "args": args, "kwargs": kwargs},
            key=key_or_new(key),
        )
        return self._send(call)

    def runs(self, *, limit: int = 50, after: str | None = None) -> m.Page[m.Run]:
        """Every run, the newest first."""
        call = Call("GET", "/api/v1/runs", m.Page[m.Run], query={"limit": limit, "after": after}, repeatable=True)
        return self._send(call)

    def iter_runs(self) -> Iterator[m.Run]:
        """All pages of `runs`, item by item."""
        call = Call("GET", "/api/v1/runs", m.Page[m.Run], repeatable=True)
        return self._pages(call)

    def schedule(self, *, world: m.World | None = None) -> m.Schedule:
        """The Gantt chart: the plan of what has not ended, and what came of it so far."""
        call = Call("GET", "/api/v1/schedule", m.Schedule, query={"world": world}, repeatable=True)
        return self._send(call)

    def settle(
        self,
        run_id: str,
        *,
        action: str,
        attempt: int,
        verdict: Literal["done", "not_done"],
        evidence: str,
        key: str | None = None,
    ) -> m.Said:
        """A person says what became of an action of which the lab does not know."""
        call = Call(
            "POST",
            f"/api/v1/runs/{quoted(run_id)}/settle",
            m.Said,
            body={"action": action, "attempt": attempt, "verdict": verdict, "evidence": evidence},
            key=key_or_new(key),
        )
        return self._send(call)

    def simulate(
        self,
        *,
        document: Mapping[str, Any] | None = None,
        library: str | None = None,
        parameters: Mapping[str, str | int | float] | None = None,
        seed: int = 1,
    ) -> m.Simulated:
        """Dry-run a protocol on a fresh twin in virtual time: duration, stock, readings, end state, cost."""
        call = Call(
            "POST",
            "/api/v1/simulate",
            m.Simulated,
            body={"document": document, "library": library, "parameters": parameters, "seed": seed},
            repeatable=True,
        )
        return self._send(call)

    def status(self) -> m.Status:
        """The lab at a glance."""
        call = Call("GET", "/api/v1/status", m.Status, repeatable=True)
        return self._send(call)

    def stock(self, *, world: m.World | None = None) -> m.Stock:
        """What the runs that have not ended take of tips and liquids."""
        call = Call("GET", "/api/v1/stock", m.Stock, query={"world": world}, repeatable=True)
        return self._send(call)

    def stop(self, *, world: m.World | None = None) -> m.Said:
        """Stop every device at once. Whoever is known may; it is never gated."""
        call = Call("POST", "/api/v1/stop", m.Said, query={"world": world}, repeatable=True)
        return self._send(call)

    def submit(
        self,
        *,
        world: m.World,
        document: Mapping[str, Any] | None = None,
        library: str | None = None,
        parameters: Mapping[str, str | int | float] | None = None,
        priority: int = 0,
        deadline: float | None = None,
        approval: str | None = None,
        key: str | None = None,
    ) -> m.Submitted:
        """Give a protocol to the lab. Durable when answered; asking again under one key is asking once."""
        call = Call(
            "POST",
            "/api/v1/runs",
            m.Submitted,
            body={
                "world": world,
                "document": document,
                "library": library,
                "parameters": parameters,
                "priority": priority,
                "deadline": deadline,
                "approval": approval,
            },
            key=key_or_new(key),
        )
        return self._send(call)

    def table(self, run_id: str, *, limit: int = 1000, after: int = 0) -> m.Page[m.Reading]:
        """A run's data as a tidy table: one value a row, with its well and what was in it. `after` counts rows."""
        call = Call(
            "GET",
            f"/api/v1/runs/{quoted(run_id)}/table",
            m.Page[m.Reading],
            query={"limit": limit, "after": after},
            repeatable=True,
        )
        return self._send(call)

    def iter_table(self, run_id: str) -> Iterator[m.Reading]:
        """All pages of `table`, item by item."""
        call = Call("GET", f"/api/v1/runs/{quoted(run_id)}/table", m.Page[m.Reading], repeatable=True)
        return self._pages(call)

    def tokens(self, *, limit: int = 100, after: str | None = None) -> m.Page[m.TokenInfo]:
        """One's own tokens; with `admin` all of them."""
        call = Call(
            "GET", "/api/v1/auth/tokens", m.Page[m.TokenInfo], query={"limit": limit, "after": after}, repeatable=True
        )
        return self._send(call)

    def iter_tokens(self) -> Iterator[m.TokenInfo]:
        """All pages of `tokens`, item by item."""
        call = Call("GET", "/api/v1/auth/tokens", m.Page[m.TokenInfo], repeatable=True)
        return self._pages(call)

    def validate(
        self,
        *,
        document: Mapping[str, Any] | None = None,
        library: str | None = None,
        parameters: Mapping[str, str | int | float] | None = None,
    ) -> m.Validation:
        """Check a protocol against this lab: every finding at once, each with how to mend it. Nothing moves."""
        call = Call(
            "POST",
            "/api/v1/validate",
            m.Validation,
            body={"document": document, "library": library, "parameters": parameters},
            repeatable=True,
        )
        return self._send(call)


class AsyncLabClient(AsyncBase):
    """A lab over HTTP, from asynchronous code."""

    async def abort(self, run_id: str, *, reason: str = "", key: str | None = None) -> m.Said:
        """End a run safely: what is under way ends, devices come to rest."""
        call = Call(
            "POST", f"/api/v1/runs/{quoted(run_id)}/abort", m.Said, body={"reason": reason}, key=key_or_new(key)
        )
        return await self._send(call)

    async def abort_campaign(self, campaign_id: str) -> m.Campaign:
        """Submit nothing more of it, and end its runs that have not begun."""
        call = Call("POST", f"/api/v1/campaigns/{quoted(campaign_id)}/abort", m.Campaign)
        return await self._send(call)

    async def alarms(
        self, *, limit: int = 50, after: str | None = None, world: m.World | None = None
    ) -> m.Page[m.Alarm]:
        """What was raised, the newest first."""
        call = Call(
            "GET",
            "/api/v1/alarms",
            m.Page[m.Alarm],
            query={"limit": limit, "after": after, "world": world},
            repeatable=True,
        )
        return await self._send(call)

    def iter_alarms(self, *, world: m.World | None = None) -> AsyncIterator[m.Alarm]:
        """All pages of `alarms`, item by item."""
        call = Call("GET", "/api/v1/alarms", m.Page[m.Alarm], query={"world": world}, repeatable=True)
        return self._pages(call)

    async def approval(self, approval_id: str) -> m.ApprovalOut:
        """One approval: what is asked, the dry run, and who has said what."""
        call = Call("GET", f"/api/v1/approvals/{quoted(approval_id)}", m.ApprovalOut, repeatable=True)
        return await self._send(call)

    async def approvals(self, *, limit: int = 20, after: str | None = None) -> m.Page[m.ApprovalOut]:
        """The newest approvals; an agent sees its own."""
        call = Call(
            "GET", "/api/v1/approvals", m.Page[m.ApprovalOut], query={"limit": limit, "after": after}, repeatable=True
        )
        return await self._send(call)

    def iter_approvals(self) -> AsyncIterator[m.ApprovalOut]:
        """All pages of `approvals`, item by item."""
        call = Call("GET", "/api/v1/approvals", m.Page[m.ApprovalOut], repeatable=True)
        return self._pages(call)

    async def audit(self, *, limit: int = 100, after: int = 0) -> m.Page[m.AuditRecord]:
        """Records in their order, from behind number `after`."""
        call = Call(
            "GET", "/api/v1/audit", m.Page[m.AuditRecord], query={"limit": limit, "after": after}, repeatable=True
        )
        return await self._send(call)

    def iter_audit(self) -> AsyncIterator[m.AuditRecord]:
        """All pages of `audit`, item by item."""
        call = Call("GET", "/api/v1/audit", m.Page[m.AuditRecord], repeatable=True)
        return self._pages(call)

    async def audit_head(self) -> m.AuditHead:
        """The newest signed head: to be kept elsewhere, against which the trail can be checked."""
        call = Call("GET", "/api/v1/audit/head", m.AuditHead, repeatable=True)
        return await self._send(call)

    async def campaign(self, campaign_id: str) -> m.Campaign:
        """One campaign, with the runs of its points."""
        call = Call("GET", f"/api/v1/campaigns/{quoted(campaign_id)}", m.Campaign, repeatable=True)
        return await self._send(call)

    async def campaign_table(self, campaign_id: str, *, limit: int = 1000, after: int = 0) -> m.Page[m.CampaignReading]:
        """The readings of all its runs as one tidy table. `after` counts rows."""
        call = Call(
            "GET",
            f"/api/v1/campaigns/{quoted(campaign_id)}/table",
            m.Page[m.CampaignReading],
            query={"limit": limit, "after": after},
            repeatable=True,
        )
        return await self._send(call)

    def iter_campaign_table(self, campaign_id: str) -> AsyncIterator[m.CampaignReading]:
        """All pages of `campaign_table`, item by item."""
        call = Call("GET", f"/api/v1/campaigns/{quoted(campaign_id)}/table", m.Page[m.CampaignReading], repeatable=True)
        return self._pages(call)

    async def campaigns(self, *, limit: int = 20, after: str | None = None) -> m.Page[m.Campaign]:
        """The newest campaigns."""
        call = Call(
            "GET", "/api/v1/campaigns", m.Page[m.Campaign], query={"limit": limit, "after": after}, repeatable=True
        )
        return await self._send(call)

    def iter_campaigns(self) -> AsyncIterator[m.Campaign]:
        """All pages of `campaigns`, item by item."""
        call = Call("GET", "/api/v1/campaigns", m.Page[m.Campaign], repeatable=True)
        return self._pages(call)

    async def choose(
        self,
        run_id: str,
        *,
        action: str,
        attempt: int,
        choice: Literal["retry", "skip", "by_hand", "go_back", "abort"],
        step: str = "",
        key: str | None = None,
    ) -> m.Said:
        """A person says how a run goes on after a failed action."""
        call = Call(
            "POST",
            f"/api/v1/runs/{quoted(run_id)}/choose",
            m.Said,
            body={"action": action, "attempt": attempt, "choice": choice, "step": step},
            key=key_or_new(key),
        )
        return await self._send(call)

    async def clear(self, *, sites: list[str], world: m.World | None = None, key: str | None = None) -> m.Said:
        """Say that what ended runs left on these sites is gone."""
        call = Call("POST", "/api/v1/clear", m.Said, query={"world": world}, body={"sites": sites}, key=key_or_new(key))
        return await self._send(call)

    async def device(self, name: str, *, world: m.World | None = None) -> m.Device:
        """One instrument."""
        call = Call("GET", f"/api/v1/devices/{quoted(name)}", m.Device, query={"world": world}, repeatable=True)
        return await self._send(call)

    async def devices(self, *, world: m.World | None = None) -> list[m.Device]:
        """Every instrument: what it is, what it may do, what it does now and what it last measured."""
        call = Call("GET", "/api/v1/devices", list[m.Device], query={"world": world}, repeatable=True)
        return await self._send(call)

    async def documents(self, run_id: str, *, limit: int = 1000, after: int = 0) -> m.Page[dict[str, Any]]:
        """A run's Bluesky documents (event-model), in their order. `after` counts documents."""
        call = Call(
            "GET",
            f"/api/v1/runs/{quoted(run_id)}/documents",
            m.Page[dict[str, Any]],
            query={"limit": limit, "after": after},
            repeatable=True,
        )
        return await self._send(call)

    def iter_documents(self, run_id: str) -> AsyncIterator[dict[str, Any]]:
        """All pages of `documents`, item by item."""
        call = Call("GET", f"/api/v1/runs/{quoted(run_id)}/documents", m.Page[dict[str, Any]], repeatable=True)
        return self._pages(call)

    async def events_after(self, *, after: int = 0, limit: int = 100, world: m.World | None = None) -> m.Events:
        """What happened after event number `after`, the oldest first: the journal of a world's cell."""
        call = Call(
            "GET", "/api/v1/events", m.Events, query={"after": after, "limit": limit, "world": world}, repeatable=True
        )
        return await self._send(call)

    async def file(self, run_id: str, name: str) -> bytes:
        """One file, to be saved: never shown by a browser as a page of this lab's."""
        call = Call("GET", f"/api/v1/runs/{quoted(run_id)}/files/{quoted(name)}", bytes, repeatable=True)
        return await self._send(call)

    async def files(self, run_id: str) -> list[m.File]:
        """The files of a run's folder."""
        call = Call("GET", f"/api/v1/runs/{quoted(run_id)}/files", list[m.File], repeatable=True)
        return await self._send(call)

    async def grant(self, approval_id: str, *, note: str = "", key: str | None = None) -> m.ApprovalOut:
        """A person approves: never the one who asked, never an agent; high hazard needs two."""
        call = Call(
            "POST",
            f"/api/v1/approvals/{quoted(approval_id)}/grant",
            m.ApprovalOut,
            body={"note": note},
            key=key_or_new(key),
        )
        return await self._send(call)

    async def healthz(self) -> m.Health:
        """Whether this process lives."""
        call = Call("GET", "/healthz", m.Health, repeatable=True)
        return await self._send(call)

    async def labs(self) -> list[m.LabInfo]:
        """The labs that are served here: one."""
        call = Call("GET", "/api/v1/labs", list[m.LabInfo], repeatable=True)
        return await self._send(call)

    async def labware(self, *, world: m.World | None = None) -> list[m.SiteNow]:
        """Every place for labware, who has it and what stands there."""
        call = Call("GET", "/api/v1/labware", list[m.SiteNow], query={"world": world}, repeatable=True)
        return await self._send(call)

    async def library(self, *, limit: int = 100, after: str | None = None) -> m.Page[m.LibraryEntry]:
        """The library of ready protocols."""
        call = Call(
            "GET", "/api/v1/protocols", m.Page[m.LibraryEntry], query={"limit": limit, "after": after}, repeatable=True
        )
        return await self._send(call)

    def iter_library(self) -> AsyncIterator[m.LibraryEntry]:
        """All pages of `library`, item by item."""
        call = Call("GET", "/api/v1/protocols", m.Page[m.LibraryEntry], repeatable=True)
        return self._pages(call)

    async def login(self, *, name: str, password: str) -> m.TokenOut:
        """A person's password for a token that lasts half a day."""
        call = Call("POST", "/api/v1/auth/login", m.TokenOut, body={"name": name, "password": password})
        return await self._send(call)

    async def make_token(
        self,
        *,
        principal: str | None = None,
        label: str = "",
        days: float = 30,
        scopes: list[str] | None = None,
        hazard_ceiling: m.Hazard | None = None,
        budget: Mapping[str, float] | None = None,
        key: str | None = None,
    ) -> m.TokenOut:
        """A token for oneself, or with `admin` for another; it is shown this once."""
        call = Call(
            "POST",
            "/api/v1/auth/tokens",
            m.TokenOut,
            body={
                "principal": principal,
                "label": label,
                "days": days,
                "scopes": scopes,
                "hazard_ceiling": hazard_ceiling,
                "budget": budget,
            },
            key=key_or_new(key),
        )
        return await self._send(call)

    async def manifest(self) -> Manifest:
        """What this lab can do, each claim with how it is known."""
        call = Call("GET", "/api/v1/manifest", Manifest, repeatable=True)
        return await self._send(call)

    async def manifest_envelope(self) -> bytes:
        """The signed envelope around it (DSSE, Ed25519); the key is in GET /api/v1/labs."""
        call = Call("GET", "/.well-known/lab-manifest.json.dsse", bytes, repeatable=True)
        return await self._send(call)

    async def me(self) -> m.Me:
        """Who asks, what they may do, and what is used of their budget."""
        call = Call("GET", "/api/v1/auth/me", m.Me, repeatable=True)
        return await self._send(call)

    async def metrics(self) -> str:
        """Figures for Prometheus."""
        call = Call("GET", "/metrics", str, repeatable=True)
        return await self._send(call)

    async def pause(self, run_id: str, *, key: str | None = None) -> m.Said:
        """Begin nothing more of a run; what is under way goes on to its end."""
        call = Call("POST", f"/api/v1/runs/{quoted(run_id)}/pause", m.Said, key=key_or_new(key))
        return await self._send(call)

    async def plan_runs(self, *, limit: int = 50, after: str | None = None) -> m.Page[m.Run]:
        """The newest plans that were asked for, the newest first."""
        call = Call("GET", "/api/v1/plan-runs", m.Page[m.Run], query={"limit": limit, "after": after}, repeatable=True)
        return await self._send(call)

    def iter_plan_runs(self) -> AsyncIterator[m.Run]:
        """All pages of `plan_runs`, item by item."""
        call = Call("GET", "/api/v1/plan-runs", m.Page[m.Run], repeatable=True)
        return self._pages(call)

    async def plans(self) -> list[m.PlanInfo]:
        """The plans that may be run here, their arguments, and the devices with their limits."""
        call = Call("GET", "/api/v1/plans", list[m.PlanInfo], repeatable=True)
        return await self._send(call)

    async def propose_campaign(
        self,
        *,
        points: list[Mapping[str, str | int | float]],
        world: m.World,
        document: Mapping[str, Any] | None = None,
        library: str | None = None,
        priority: int = 0,
        why: str = "",
        key: str | None = None,
    ) -> m.Campaign:
        """Have a protocol run once for each set of parameters, within the proposer's ceiling and budget."""
        call = Call(
            "POST",
            "/api/v1/campaigns",
            m.Campaign,
            body={
                "points": points,
                "world": world,
                "document": document,
                "library": library,
                "priority": priority,
                "why": why,
            },
            key=key_or_new(key),
        )
        return await self._send(call)

    async def protocol(self, name: str) -> dict[str, Any]:
        """A protocol of the library, as JSON."""
        call = Call("GET", f"/api/v1/protocols/{quoted(name)}", dict[str, Any], repeatable=True)
        return await self._send(call)

    async def protocol_guide(self) -> str:
        """How to write a protocol: one page."""
        call = Call("GET", "/api/v1/protocol-guide", str, repeatable=True)
        return await self._send(call)

    async def protocol_schema(self) -> dict[str, Any]:
        """The JSON Schema of protocols."""
        call = Call("GET", "/api/v1/protocol-schema", dict[str, Any], repeatable=True)
        return await self._send(call)

    async def public_manifest(self) -> Manifest:
        """The same, without an account."""
        call = Call("GET", "/.well-known/lab-manifest.json", Manifest, repeatable=True)
        return await self._send(call)

    async def queue(self, *, limit: int = 50, after: str | None = None, world: m.World | None = None) -> m.Page[m.Run]:
        """Runs that have not ended, in the order of their planned ends."""
        call = Call(
            "GET",
            "/api/v1/queue",
            m.Page[m.Run],
            query={"limit": limit, "after": after, "world": world},
            repeatable=True,
        )
        return await self._send(call)

    def iter_queue(self, *, world: m.World | None = None) -> AsyncIterator[m.Run]:
        """All pages of `queue`, item by item."""
        call = Call("GET", "/api/v1/queue", m.Page[m.Run], query={"world": world}, repeatable=True)
        return self._pages(call)

    async def readyz(self) -> m.Health:
        """Whether it can serve: the store is there, and a worker has this world's cell."""
        call = Call("GET", "/readyz", m.Health, repeatable=True)
        return await self._send(call)

    async def refuse(self, approval_id: str, *, note: str = "", key: str | None = None) -> m.ApprovalOut:
        """A person refuses: that is the end of it."""
        call = Call(
            "POST",
            f"/api/v1/approvals/{quoted(approval_id)}/refuse",
            m.ApprovalOut,
            body={"note": note},
            key=key_or_new(key),
        )
        return await self._send(call)

    async def request_approval(
        self,
        *,
        world: m.World,
        document: Mapping[str, Any] | None = None,
        library: str | None = None,
        parameters: Mapping[str, str | int | float] | None = None,
        why: str = "",
        key: str | None = None,
    ) -> m.ApprovalOut:
        """Ask people to approve a protocol; the lab dry-runs it, and the approval stands for just that."""
        call = Call(
            "POST",
            "/api/v1/approvals",
            m.ApprovalOut,
            body={"world": world, "document": document, "library": library, "parameters": parameters, "why": why},
            key=key_or_new(key),
        )
        return await self._send(call)

    async def resume(self, run_id: str, *, key: str | None = None) -> m.Said:
        """Let a paused run go on."""
        call = Call("POST", f"/api/v1/runs/{quoted(run_id)}/resume", m.Said, key=key_or_new(key))
        return await self._send(call)

    async def revoke_token(self, token_id: str) -> None:
        """Make a token worthless."""
        call = Call("DELETE", f"/api/v1/auth/tokens/{quoted(token_id)}", type(None))
        await self._send(call)

    async def run(self, run_id: str) -> m.Run:
        """One run as it stands, and what of it waits for a person."""
        call = Call("GET", f"/api/v1/runs/{quoted(run_id)}", m.Run, repeatable=True)
        return await self._send(call)

    async def run_plan(
        self,
        *,
        plan: str,
        world: m.World,
        args: list[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> m.Run:
        """Run a plan while it has its devices to itself, in turn with the runs.

        It is watched and steered like a run.
        """
        call = Call(
            "POST",
            "/api/v1/plans",
            m.Run,
            body={"plan": plan, "world": world, "args": args, "kwargs": kwargs},
            key=key_or_new(key),
        )
        return await self._send(call)

    async def runs(self, *, limit: int = 50, after: str | None = None) -> m.Page[m.Run]:
        """Every run, the newest first."""
        call = Call("GET", "/api/v1/runs", m.Page[m.Run], query={"limit": limit, "after": after}, repeatable=True)
        return await self._send(call)

    def iter_runs(self) -> AsyncIterator[m.Run]:
        """All pages of `runs`, item by item."""
        call = Call("GET", "/api/v1/runs", m.Page[m.Run], repeatable=True)
        return self._pages(call)

    async def schedule(self, *, world: m.World | None = None) -> m.Schedule:
        """The Gantt chart: the plan of what has not ended, and what came of it so far."""
        call = Call("GET", "/api/v1/schedule", m.Schedule, query={"world": world}, repeatable=True)
        return await self._send(call)

    async def settle(
        self,
        run_id: str,
        *,
        action: str,
        attempt: int,
        verdict: Literal["done", "not_done"],
        evidence: str,
        key: str | None = None,
    ) -> m.Said:
        """A person says what became of an action of which the lab does not know."""
        call = Call(
            "POST",
            f"/api/v1/runs/{quoted(run_id)}/settle",
            m.Said,
            body={"action": action, "attempt": attempt, "verdict": verdict, "evidence": evidence},
            key=key_or_new(key),
        )
        return await self._send(call)

    async def simulate(
        self,
        *,
        document: Mapping[str, Any] | None = None,
        library: str | None = None,
        parameters: Mapping[str, str | int | float] | None = None,
        seed: int = 1,
    ) -> m.Simulated:
        """Dry-run a protocol on a fresh twin in virtual time: duration, stock, readings, end state, cost."""
        call = Call(
            "POST",
            "/api/v1/simulate",
            m.Simulated,
            body={"document": document, "library": library, "parameters": parameters, "seed": seed},
            repeatable=True,
        )
        return await self._send(call)

    async def status(self) -> m.Status:
        """The lab at a glance."""
        call = Call("GET", "/api/v1/status", m.Status, repeatable=True)
        return await self._send(call)

    async def stock(self, *, world: m.World | None = None) -> m.Stock:
        """What the runs that have not ended take of tips and liquids."""
        call = Call("GET", "/api/v1/stock", m.Stock, query={"world": world}, repeatable=True)
        return await self._send(call)

    async def stop(self, *, world: m.World | None = None) -> m.Said:
        """Stop every device at once. Whoever is known may; it is never gated."""
        call = Call("POST", "/api/v1/stop", m.Said, query={"world": world}, repeatable=True)
        return await self._send(call)

    async def submit(
        self,
        *,
        world: m.World,
        document: Mapping[str, Any] | None = None,
        library: str | None = None,
        parameters: Mapping[str, str | int | float] | None = None,
        priority: int = 0,
        deadline: float | None = None,
        approval: str | None = None,
        key: str | None = None,
    ) -> m.Submitted:
        """Give a protocol to the lab. Durable when answered; asking again under one key is asking once."""
        call = Call(
            "POST",
            "/api/v1/runs",
            m.Submitted,
            body={
                "world": world,
                "document": document,
                "library": library,
                "parameters": parameters,
                "priority": priority,
                "deadline": deadline,
                "approval": approval,
            },
            key=key_or_new(key),
        )
        return await self._send(call)

    async def table(self, run_id: str, *, limit: int = 1000, after: int = 0) -> m.Page[m.Reading]:
        """A run's data as a tidy table: one value a row, with its well and what was in it. `after` counts rows."""
        call = Call(
            "GET",
            f"/api/v1/runs/{quoted(run_id)}/table",
            m.Page[m.Reading],
            query={"limit": limit, "after": after},
            repeatable=True,
        )
        return await self._send(call)

    def iter_table(self, run_id: str) -> AsyncIterator[m.Reading]:
        """All pages of `table`, item by item."""
        call = Call("GET", f"/api/v1/runs/{quoted(run_id)}/table", m.Page[m.Reading], repeatable=True)
        return self._pages(call)

    async def tokens(self, *, limit: int = 100, after: str | None = None) -> m.Page[m.TokenInfo]:
        """One's own tokens; with `admin` all of them."""
        call = Call(
            "GET", "/api/v1/auth/tokens", m.Page[m.TokenInfo], query={"limit": limit, "after": after}, repeatable=True
        )
        return await self._send(call)

    def iter_tokens(self) -> AsyncIterator[m.TokenInfo]:
        """All pages of `tokens`, item by item."""
        call = Call("GET", "/api/v1/auth/tokens", m.Page[m.TokenInfo], repeatable=True)
        return self._pages(call)

    async def validate(
        self,
        *,
        document: Mapping[str, Any] | None = None,
        library: str | None = None,
        parameters: Mapping[str, str | int | float] | None = None,
    ) -> m.Validation:
        """Check a protocol against this lab: every finding at once, each with how to mend it. Nothing moves."""
        call = Call(
            "POST",
            "/api/v1/validate",
            m.Validation,
            body={"document": document, "library": library, "parameters": parameters},
            repeatable=True,
        )
        return await self._send(call)
