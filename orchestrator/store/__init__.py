"""Where a lab keeps what it knows: SQLite in one file by default, PostgreSQL for several cells (ADR 0007)."""
