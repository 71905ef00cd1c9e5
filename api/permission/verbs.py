"""Every verb that someone may ask for, and the word of lab.toml that it needs."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing to ask for; `facts` are what its policies look at beyond the world."""

    name: str
    needs: str
    what: str
    facts: tuple[str, ...] = ()


VERBS: Mapping[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb("read", "read", "look at devices, runs, data, plans, alarms and approvals"),
        Verb("validate", "validate", "check a protocol"),
        Verb("simulate", "simulate", "dry-run a protocol"),
        Verb("submit", "submit", "give a protocol to the lab", ("hazard", "approved", "over_budget")),
        Verb("run_plan", "submit", "run a plan of Bluesky's", ("moves", "over_budget")),
        Verb("queue", "submit", "arrange the queue of beamline tools, and have it begin"),
        Verb("propose_campaign", "submit", "propose many runs of one protocol; each is then submitted by itself"),
        Verb("request_approval", "submit", "ask people to approve a protocol"),
        Verb("approve", "approve", "approve or refuse what others asked for", ("own",)),
        Verb("pause", "pause", "begin nothing more of a run", ("own",)),
        Verb("resume", "resume", "let a run go on", ("own",)),
        Verb("abort", "abort", "end a run safely", ("own",)),
        Verb("settle", "settle", "say what became of an action, and how a run goes on"),
        Verb("clear", "settle", "say that sites are free again"),
        Verb("stop", "stop", "stop every device at once"),
        Verb("audit", "audit", "read the audit trail"),
        Verb("admin", "admin", "make and revoke accounts and tokens of others"),
    )
}
