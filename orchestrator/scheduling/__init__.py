"""When each task of every run is best done: a pure library of integer times, machines, tasks and lags (ADR 0008)."""
