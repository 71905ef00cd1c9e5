"""Figures for Prometheus: requests by route, what the cells do, readers of events."""

import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.office import Office
from orchestrator.state.views import phase

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)


class Metrics:
    """An ASGI wrapper that counts, and the text that Prometheus reads."""

    def __init__(self, office: Office) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter("lab_http_requests", "Answered requests", ("route", "status"), registry=self.registry)
        self._seconds = Histogram(
            "lab_http_seconds", "Time to answer", ("route",), buckets=_BUCKETS, registry=self.registry
        )
        self.registry.register(_Cells(office))

    def text(self) -> bytes:
        """All figures."""
        return generate_latest(self.registry)

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Count what passes."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            began, status = time.perf_counter(), 500

            async def seen(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            try:
                await app(scope, receive, seen)
            finally:
                route = getattr(scope.get("route"), "path", "none")  # never the path itself: strangers choose that
                self._requests.labels(route, str(status)).inc()
                self._seconds.labels(route).observe(time.perf_counter() - began)

        return counted


class _Cells(Collector):
    def __init__(self, office: Office) -> None:
        self._office = office

    def collect(self) -> Iterable[Metric]:
        """What the cells do now."""
        up = GaugeMetricFamily("lab_cell_up", "Whether a worker has the cell", labels=("cell",))
        seq = GaugeMetricFamily("lab_journal_seq", "Newest record of the journal", labels=("cell",))
        runs = GaugeMetricFamily("lab_runs", "Runs that have not ended", labels=("cell", "state"))
        for live in self._office.live.cells.values():
            up.add_metric([live.cell], float(live.up))
            seq.add_metric([live.cell], live.seq)
            states: dict[str, int] = {}
            for run in live.state.runs.values():
                states[phase(run)] = states.get(phase(run), 0) + 1
            for state, count in states.items():
                runs.add_metric([live.cell, state], count)
        readers = GaugeMetricFamily("lab_event_readers", "Readers of events")
        readers.add_metric([], len(self._office.live.listeners) - 1)
        return (up, seq, runs, readers)
