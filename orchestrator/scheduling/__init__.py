"""When each task of every run is best done: a pure library of integer times, machines, tasks, lags and holds (ADR 0008)."""
