"""The audit trail: append-only, each record carrying the hash of the one before, its heads signed by the lab's key."""
