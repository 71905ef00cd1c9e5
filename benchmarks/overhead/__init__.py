"""What the orchestrator costs by itself: a device that does nothing, a real store, a worker in a process of its own."""
