"""Identity, approval and the trail."""

from typing import Annotated, Any, Literal

from pydantic import Field

from api.models.base import Finding, Hazard, Model, Text, World
from api.models.protocols import ProtocolIn


class Login(Model):
    """A person's name and password."""

    name: Annotated[str, Field(max_length=64)]
    password: Annotated[str, Field(max_length=256)]


class TokenIn(Model):
    """A token to make; what is left out is as wide as the principal's own."""

    principal: Annotated[str, Field(max_length=64)] | None = Field(None, description="another's needs `admin`")
    label: Annotated[str, Field(max_length=128)] = ""
    days: Annotated[float, Field(gt=0, le=366)] = 30
    scopes: list[Annotated[str, Field(max_length=64)]] | None = None
    hazard_ceiling: Hazard | None = None
    budget: dict[str, Annotated[float, Field(ge=0, lt=1e12)]] | None = None


class TokenOut(Model):
    """A new token; it is shown this once."""

    id: str
    principal: str
    token: str
    expires_at: float


class TokenInfo(Model):
    """A token, without its secret."""

    id: str
    principal: str
    label: str
    terms: dict[str, Any]
    created_at: float
    created_by: str
    expires_at: float
    revoked_at: float | None


class Me(Model):
    """Who is asking, and what they may do."""

    name: str
    kind: Literal["person", "agent"]
    may: list[str]
    hazard_ceiling: Hazard
    budget: dict[str, float]
    used: dict[str, float]
    token: str


class ApprovalIn(ProtocolIn):
    """What people are asked to approve: just this protocol, these parameters, this world."""

    world: World
    why: Text = ""


class Spoken(Model):
    """What a person said to it."""

    approver: str
    at: float
    verdict: Literal["granted", "refused"]
    note: str
    key_id: str
    signature: str


class ApprovalOut(Model):
    """An approval as it stands; `dry_run` is what people decide on."""

    id: str
    state: Literal["asked", "granted", "refused", "expired", "used"]
    requested_by: str
    requested_at: float
    expires_at: float
    world: World
    hazard: Hazard
    needed: int
    why: str
    bound_to: dict[str, str]
    protocol: str
    document: dict[str, Any]
    parameters: dict[str, Any]
    findings: list[Finding]
    dry_run: dict[str, Any]
    spoken: list[Spoken]


class Verdict(Model):
    """A person's word on an approval."""

    note: Text = ""


class AuditRecord(Model):
    """A record of the audit trail; `body` is the canonical JSON that `hash` is taken over."""

    seq: int
    hash: str
    body: str


class AuditHead(Model):
    """The newest signed head of the trail."""

    seq: int
    at: float
    hash: str
    key_id: str
    signature: str


class Health(Model):
    """Whether it lives, or is ready."""

    ok: bool
    detail: str = ""
