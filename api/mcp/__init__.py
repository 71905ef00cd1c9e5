"""MCP: the same verbs as tools for agents. A token tells who asks; no answer of a client is an approval."""
