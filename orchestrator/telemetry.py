"""Traces by OpenTelemetry, where `[telemetry]` names a collector. Only this module knows its SDK, and loads it late.

Spans wait in memory and go out by a thread of their own; a collector that is away costs them, and nothing else. Headers
that a collector wants come from the environment, as OpenTelemetry has it: OTEL_EXPORTER_OTLP_HEADERS.
"""

import hashlib
import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from labfile.lab import Lab
from labfile.secret import resolve

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

Facts = Mapping[str, str | int | float | bool]
TRACES = "/v1/traces"  # below the collector's address (OTLP 1.7, "OTLP/HTTP Request")
SEND_S = 3.0  # for the collector to take a batch


class TelemetryMissing(ImportError):
    """The packages of the extra `telemetry` are not installed."""


class Traces:
    """The spans of one process. To be made before the lab's loop runs, since it starts a thread."""

    def __init__(self, lab: Lab, service: str) -> None:
        """`service` tells this process from others of the lab. Raises `TelemetryMissing`, `SecretMissing`."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
            from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
        except ImportError as error:
            raise TelemetryMissing("[telemetry] needs the extra: pip install 'genesislab[telemetry]'") from error

        class Ids(RandomIdGenerator):
            """Random, but for a span that is to be the same one whichever process makes it."""

            span, trace = 0, 0

            def generate_span_id(self) -> int:
                mine, self.span = self.span, 0
                return mine or super().generate_span_id()

            def generate_trace_id(self) -> int:
                mine, self.trace = self.trace, 0
                return mine or super().generate_trace_id()

        for name in ("opentelemetry.exporter", "opentelemetry.sdk"):  # it repeats itself while a collector is away
            logging.getLogger(name).setLevel(logging.CRITICAL)
        address = resolve(lab.telemetry.collector or "").rstrip("/")
        self._ids = Ids()
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(lab.telemetry.sample)), id_generator=self._ids,
            shutdown_on_exit=False,
            resource=Resource.create({"service.namespace": lab.name, "service.name": service}),
        )  # fmt: skip
        self._exporter: Any = OTLPSpanExporter(f"{address}{TRACES}", timeout=SEND_S)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self.tracer = self._provider.get_tracer("genesislab")

    def begin(self, name: str, at: float, within: "Context | None", facts: Facts, *, known_as: str = "") -> "Span":
        """A span that began at `at` (s since 1970), to be ended by `end`.

        One with the same `known_as` has the same id, and, without a parent, the same trace, in any process.
        """
        if known_as:
            digest = hashlib.sha256(known_as.encode()).digest()
            self._ids.trace, self._ids.span = int.from_bytes(digest[:16]), int.from_bytes(digest[16:24])
        span = self.tracer.start_span(name, within, attributes=dict(facts), start_time=_ns(at))
        self._ids.trace = self._ids.span = 0
        return span

    @staticmethod
    def end(span: "Span", at: float, problem: str = "") -> None:
        """It ended; `problem` is a kind of error, never a text of an instrument's."""
        from opentelemetry.trace import Status, StatusCode

        if problem:
            span.set_status(Status(StatusCode.ERROR, problem))
        span.end(_ns(at))

    def close(self) -> None:
        """Send what is left, as far as that goes in the time that a batch may take."""
        ending = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        ending.start()
        ending.join(SEND_S)
        if ending.is_alive():
            self._exporter.shutdown()  # what waits to try again tries no more


def traces_of(lab: Lab, service: str) -> Traces | None:
    """The traces of a process, where the lab file asks for them."""
    return None if lab.telemetry.collector is None else Traces(lab, service)


def told_in(carried: str) -> "Context | None":
    """The context that a W3C `traceparent` tells; None for none, or a bad one."""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": carried}) if carried else None


def carried(context: "Context | None" = None) -> str:
    """The `traceparent` of a context, else of the current one; empty outside any trace."""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    told: dict[str, Any] = {}
    TraceContextTextMapPropagator().inject(told, context)
    return str(told.get("traceparent", ""))


def within(span: "Span") -> "Context":
    """The context in which a span is the parent."""
    from opentelemetry.trace import set_span_in_context

    return set_span_in_context(span)


def _ns(at: float) -> int:
    return int(at * 1e9)
