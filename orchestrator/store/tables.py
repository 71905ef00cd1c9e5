"""The tables of the store. A change here needs a migration beside it (`orchestrator/store/migrations`)."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

#: One row a cell: who works in it, since which epoch, and when that worker last showed that it lives.
cells = Table(
    "cells",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("holder", String(256), nullable=False),
    Column("beat", Float, nullable=False),  # seconds since 1970, by the database's clock
    Column("bell", String(128), nullable=False),  # where to ring for attention: host:port (UDP)
    Column("world", String(128), nullable=False),
)

#: The journal: what the cell's state is folded from. Only ever appended to.
journal = Table(
    "journal",
    metadata,
    Column("cell", String(128), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Index("journal_by_run", "run_id", "seq"),
)

#: Programs by their hash, as JSON.
programs = Table(
    "programs",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("body", Text, nullable=False),
)

#: What people, agents and other programs ask of a cell; `id` is the asker's, so asking twice is asking once.
requests = Table(
    "requests",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("place", BigInteger, nullable=False, index=True),  # order of asking
    Column("cell", String(128), nullable=False),  # empty until a cell claims it
    Column("kind", String(32), nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("asked_by", String(128), nullable=False),
    Column("asked_at", Float, nullable=False),
    Column("answer", Text),  # null until it is answered; else JSON
    Index("requests_by_run", "run_id"),
)

#: The newest schedule of each cell: what is planned, for the Gantt chart.
plans = Table(
    "plans",
    metadata,
    Column("cell", String(128), primary_key=True),
    Column("at", Float, nullable=False),
    Column("body", Text, nullable=False),
)

#: What the devices of each cell do, as its worker last showed it.
instruments = Table(
    "instruments",
    metadata,
    Column("cell", String(128), primary_key=True),
    Column("told", Float, nullable=False),  # seconds since 1970, by the database's clock
    Column("body", Text, nullable=False),  # JSON: every device that the worker has dialled
)

#: What was made under an asker's key, so that asking twice makes it once.
made = Table(
    "made",
    metadata,
    Column("request", String(128), primary_key=True),
    Column("fingerprint", String(64), nullable=False),  # of what was asked for
    Column("id", String(64), nullable=False),  # of what was made
    Column("at", Float, nullable=False),
)

#: Who may prove to be a person by a password; what each may do stands in lab.toml.
accounts = Table(
    "accounts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("password_hash", String(256), nullable=False),  # argon2id
    Column("changed_at", Float, nullable=False),
)

#: Tokens by their public half; of the secret half only the sha256 is kept.
tokens = Table(
    "tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("principal", String(64), nullable=False, index=True),
    Column("secret_hash", String(64), nullable=False),
    Column("label", String(128), nullable=False),
    Column("terms", Text, nullable=False),  # JSON: scopes, hazard ceiling, budget; never wider than lab.toml's
    Column("created_at", Float, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("revoked_at", Float),
)

#: What waits for a person's approval, with the dry run and all that the approval is bound to.
approvals = Table(
    "approvals",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("requested_by", String(64), nullable=False),
    Column("requested_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("world", String(16), nullable=False),
    Column("hazard", String(16), nullable=False),
    Column("bound_to", Text, nullable=False),  # JSON: hashes of protocol, program, trace, policy and lab state
    Column("body", Text, nullable=False),  # JSON: document, parameters, dry run, findings
    Column("used_by", String(128)),  # the request that took it up; an approval is good for one run
)

#: What people said to an approval that was asked for.
grants = Table(
    "grants",
    metadata,
    Column("approval", String(32), primary_key=True),
    Column("approver", String(64), primary_key=True),
    Column("at", Float, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("note", Text, nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("signature", String(128), nullable=False),  # Ed25519, base64
)

#: The audit trail: each record carries the hash of the one before. Only ever appended to.
audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("actor", String(64), nullable=False, index=True),
    Column("verb", String(64), nullable=False),
    Column("body", Text, nullable=False),  # canonical JSON, what the hash is taken over
    Column("event", String(160), unique=True),  # what must be recorded once, however many see it
    Column("hash", String(64), nullable=False),
)

#: Signed heads of the audit trail.
heads = Table(
    "heads",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("signature", String(128), nullable=False),
)

#: What each submission takes of its submitter's budget, by its dry run.
spending = Table(
    "spending",
    metadata,
    Column("request", String(128), primary_key=True),
    Column("principal", String(64), nullable=False),
    Column("at", Float, nullable=False),
    Column("instrument_s", Float, nullable=False),
    Column("reagent_ul", Float, nullable=False),
    Column("money", Float, nullable=False),
    Index("spending_by_principal", "principal", "at"),
)

#: The queue of each cell that beamline tools arrange: whether it is at work, and who sees to it.
queues = Table(
    "queues",
    metadata,
    Column("cell", String(128), primary_key=True),
    Column("environment", Integer, nullable=False),  # 1 once a tool has opened it
    Column("running", Integer, nullable=False),  # 1 while its items are begun one after the other
    Column("stopping", Integer, nullable=False),  # 1 when it shall end after the item at work
    Column("queue_uid", String(40), nullable=False),  # another at each change
    Column("history_uid", String(40), nullable=False),
    Column("holder", String(64), nullable=False),  # the interface that begins its items, until
    Column("until", Float, nullable=False),
)

#: What stands in these queues, is at work, or has ended.
queue_items = Table(
    "queue_items",
    metadata,
    Column("uid", String(40), primary_key=True),
    Column("cell", String(128), nullable=False),
    Column("state", String(16), nullable=False),  # waiting, working, ended
    Column("place", Float, nullable=False),  # among those that wait; of what has ended, the order of the ends
    Column("item", Text, nullable=False),  # JSON: the plan and its arguments, as the tool gave them
    Column("principal", Text, nullable=False),  # JSON: who added it, with all that bounded them then
    Column("run_id", String(64), nullable=False),
    Column("ending", String(16), nullable=False),  # stopped, aborted or halted, when a tool asked for it
    Column("begun_at", Float),
    Column("result", Text),  # JSON, once it has ended
    Index("queue_items_by_cell", "cell", "state", "place"),
)

#: One protocol with many sets of parameters, each of which becomes a run.
campaigns = Table(
    "campaigns",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("request", String(128), nullable=False, unique=True),  # the proposer's key
    Column("world", String(16), nullable=False),
    Column("asked_by", String(64), nullable=False),
    Column("asked_at", Float, nullable=False),
    Column("body", Text, nullable=False),  # JSON: the protocol, and all sets of parameters
    Column("principal", Text, nullable=False),  # JSON: the proposer, with all that bounded them then
    Column("state", String(16), nullable=False, index=True),  # running, completed, refused, aborted
    Column("error", Text, nullable=False),
    Column("holder", String(64), nullable=False),  # the interface that submits its points, until
    Column("until", Float, nullable=False),
)

#: The points of a campaign that were submitted, or refused.
campaign_points = Table(
    "campaign_points",
    metadata,
    Column("campaign", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("run_id", String(64), nullable=False),
    Column("error", Text, nullable=False),
)
