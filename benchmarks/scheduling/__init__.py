"""How good the schedules are, on instances that others published (`python -m benchmarks.scheduling`)."""
