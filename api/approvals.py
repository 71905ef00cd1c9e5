"""Approvals: what people are asked for, what they said, and what it is bound to. One stands for one run, once."""

import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
import rfc8785
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from api.keys import SigningKey
from api.once import Once, claim
from api.refusals import Conflict, Missing
from labfile.lab import Lab
from orchestrator.store.database import serialise
from orchestrator.store.log import save_program
from orchestrator.store.tables import approvals, grants
from protocols.hazard import Hazard, approvers
from protocols.program import Program
from protocols.rules import RULES

LASTS_S = 24 * 3600.0
State = Literal["asked", "granted", "refused", "expired", "used"]


@dataclass(frozen=True, slots=True)
class Grant:
    """What one person said."""

    approver: str
    at: float
    verdict: str  # "granted" or "refused"
    note: str
    key_id: str
    signature: str


@dataclass(frozen=True, slots=True)
class Approval:
    """One thing that was asked for. `bound_to` holds the hashes of protocol, program, trace, policy and lab state."""

    id: str
    requested_by: str
    requested_at: float
    expires_at: float
    world: str
    hazard: Hazard
    bound_to: Mapping[str, str]
    body: Mapping[str, Any]
    used_by: str | None
    grants: tuple[Grant, ...] = ()

    @property
    def needed(self) -> int:
        """How many people must grant it."""
        return approvers(self.hazard)

    def state(self, now: float) -> State:
        """How it stands."""
        if self.used_by is not None:
            return "used"
        if any(grant.verdict == "refused" for grant in self.grants):
            return "refused"
        if self.expires_at <= now:
            return "expired"
        return "granted" if len(self.grants) >= self.needed else "asked"

    def signed_over(self, approver: str, at: float, verdict: str) -> dict[str, Any]:
        """What the lab signs when a person speaks."""
        return {
            "type": "lab-approval/1", "approval": self.id, "approver": approver, "at": at, "verdict": verdict,
            "requested_by": self.requested_by, "world": self.world, "hazard": self.hazard,
            "expires_at": self.expires_at, "bound_to": dict(self.bound_to),
        }  # fmt: skip


def policy_hash(lab: Lab, cedar_hash: str) -> str:
    """Of all that decides whether something is dangerous here: the lab's policy, the rules, the Cedar policies."""
    rules = {rule.id: [rule.severity, rule.citation] for rule in RULES.values()}
    return _hash({"policy": lab.policy.model_dump(mode="json"), "cedar": cedar_hash, "rules": rules})


def lab_hash(lab: Lab, world: str, left: Mapping[str, str]) -> str:
    """Of the state that a run begins from: the lab file, the world, and what ended runs left on which sites."""
    return _hash({"config": lab.config_hash, "world": world, "left": dict(left)})


def _hash(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(rfc8785.dumps(dict(document))).hexdigest()


def request(
    engine: Engine, by: str, world: str, hazard: Hazard, program: Program, bound_to: Mapping[str, str],
    body: Mapping[str, Any], asked: Once | None = None,
) -> Approval:  # fmt: skip
    """Ask; the program is kept, so that what was approved is what will run. One key is one approval."""
    now = time.time()
    row = {
        "id": secrets.token_hex(8), "requested_by": by, "requested_at": now, "expires_at": now + LASTS_S,
        "world": world, "hazard": hazard,
    }  # fmt: skip
    with engine.begin() as connection:
        if (known := claim(connection, asked, str(row["id"]))) != row["id"]:
            return _find(connection, known)
        save_program(connection, program)
        texts = {"bound_to": orjson.dumps(dict(bound_to)).decode(), "body": _text(body)}
        connection.execute(approvals.insert().values(row | texts))
    return Approval(**row, bound_to=bound_to, body=body, used_by=None)  # type: ignore[arg-type]


def find(engine: Engine, approval_id: str) -> Approval:
    """One approval with what people said; raises `Missing`."""
    with engine.connect() as connection:
        return _find(connection, approval_id)


def recent(engine: Engine, limit: int = 100) -> list[Approval]:
    """The newest ones."""
    with engine.connect() as connection:
        ids = connection.execute(sa.select(approvals.c.id).order_by(approvals.c.requested_at.desc()).limit(limit))
        return [_find(connection, approval_id) for approval_id in ids.scalars().all()]


def speak(
    engine: Engine, key: SigningKey, approval_id: str, approver: str, verdict: str, note: str, asked: Once | None = None
) -> Approval:  # fmt: skip
    """A person grants or refuses. Nobody speaks twice; what is over is over. Raises `Missing`, `Conflict`."""
    grant_id = secrets.token_hex(8)
    with engine.begin() as connection:
        serialise(connection, f"approval:{approval_id}")
        now = time.time()
        approval = _find(connection, approval_id)
        if claim(connection, asked, grant_id) != grant_id:  # the answer to the first asking was lost
            return approval
        state = approval.state(now)
        if state != "asked":
            raise Conflict(f"approval {approval_id} is {state}", "Ask for a new one.")
        if any(grant.approver == approver for grant in approval.grants):
            raise Conflict(f"{approver} has spoken already", "Another person must say so too.")
        signature = key.sign(approval.signed_over(approver, now, verdict))
        row = {"approval": approval_id, "approver": approver, "at": now, "verdict": verdict, "note": note,
               "key_id": key.public.id, "signature": signature}  # fmt: skip
        connection.execute(grants.insert().values(row))
        return _find(connection, approval_id)


def faults(approval: Approval, key: SigningKey, by: str, world: str, bound_to: Mapping[str, str]) -> Sequence[str]:
    """Why an approval does not stand for what would be run now; nothing when it does."""
    found = []
    state = approval.state(time.time())
    if state in ("asked", "refused", "expired"):
        found.append(f"it is {state}, not granted")
    if approval.requested_by != by:
        found.append("it was asked for by somebody else")
    if approval.world != world:
        found.append(f"it is for the {approval.world}, not for the {world}")
    for name, digest in approval.bound_to.items():
        if bound_to.get(name) != digest:
            found.append(f"the {_WORDS[name]} has changed since")
    good = {
        grant.approver for grant in approval.grants
        if grant.verdict == "granted" and grant.approver != by and grant.key_id == key.public.id
        and key.public.signed(approval.signed_over(grant.approver, grant.at, grant.verdict), grant.signature)
    }  # fmt: skip
    if len(good) < approval.needed:
        found.append(f"{len(good)} of {approval.needed} people have signed it")
    return found


_WORDS = {
    "protocol": "protocol (or a parameter)", "program": "program", "trace": "dry run", "policy": "lab's policy",
    "lab": "state of the lab",
}  # fmt: skip


def use(engine: Engine, approval_id: str, request_id: str) -> bool:
    """Take an approval up for one request; whether it was still free, or this request's already."""
    mine = approvals.c.used_by.is_(None) | (approvals.c.used_by == request_id)
    with engine.begin() as connection:
        done = connection.execute(
            approvals.update().where(approvals.c.id == approval_id, mine).values(used_by=request_id)
        )
    return bool(done.rowcount)


def _find(connection: Connection, approval_id: str) -> Approval:
    row = connection.execute(sa.select(approvals).where(approvals.c.id == approval_id)).mappings().one_or_none()
    if row is None:
        raise Missing(f"there is no approval {approval_id!r}")
    said = connection.execute(sa.select(grants).where(grants.c.approval == approval_id).order_by(grants.c.at))
    spoken = tuple(
        Grant(**{key: value for key, value in grant.items() if key != "approval"}) for grant in said.mappings()
    )
    told = dict(row)
    texts = {"bound_to": orjson.loads(told.pop("bound_to")), "body": orjson.loads(told.pop("body"))}
    return Approval(**told, **texts, grants=spoken)


def _text(body: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(body), option=orjson.OPT_SERIALIZE_NUMPY).decode()
