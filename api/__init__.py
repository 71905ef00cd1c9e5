"""HTTP and MCP for people and agents: who asks, whether they may, what came of it, and a trail of it (ADR 14)."""
