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
)

#: The newest schedule of each cell: what is planned, for the Gantt chart.
plans = Table(
    "plans",
    metadata,
    Column("cell", String(128), primary_key=True),
    Column("at", Float, nullable=False),
    Column("body", Text, nullable=False),
)
