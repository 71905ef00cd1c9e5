"""The verbs themselves, the same for HTTP and MCP: who asks and what goes in, models or a `Refusal` come out."""
