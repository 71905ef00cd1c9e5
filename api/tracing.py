"""A span for every request of the interface: its route, who asked for what kind of thing, and the verdict.

Never a name from outside, a header, a body or a token: a trace goes to whoever keeps the collector.
"""

from opentelemetry.trace import SpanKind, Status, StatusCode, get_current_span, use_span
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.app import PREFIX
from api.identity.principal import Principal
from orchestrator.telemetry import Traces, carried, told_in

_SERVER_ERROR = 500


class Tracing:
    """What the interface's requests leave behind in a process's traces."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """A span around every request, within the trace that its `traceparent` tells, if any."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            headers = dict(scope["headers"])
            parent = told_in(headers.get(b"traceparent", b"").decode("latin-1"))
            span = self._traces.tracer.start_span(scope["method"], parent, SpanKind.SERVER)

            async def seen(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= _SERVER_ERROR:
                        span.set_status(Status(StatusCode.ERROR))
                await send(message)

            with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
                try:
                    await app(scope, receive, seen)
                finally:
                    route = _route(scope)
                    span.update_name(f"{scope['method']} {route}")
                    span.set_attributes({"http.request.method": scope["method"], "http.route": route})

        return traced

    def decided(self, who: Principal, verb: str, world: str, allowed: bool) -> None:
        """Who asks, for what, and whether they may: on the request's span, or on one of its own beside any."""
        facts = {"lab.principal.kind": who.kind, "lab.verb": verb, "lab.world": world,
                 "lab.verdict": "allowed" if allowed else "refused"}  # fmt: skip
        span = get_current_span()
        if span.is_recording():
            span.set_attributes(facts)
        else:  # a session of MCP's older era goes on in a task whose first request has been answered
            self._traces.tracer.start_span(verb, attributes=facts).end()

    @staticmethod
    def context() -> str:
        """The `traceparent` of what goes on now, to be carried with a submission."""
        return carried()

    def close(self) -> None:
        """Send what is left."""
        self._traces.close()


def _route(scope: Scope) -> str:
    """The route with its parameters' names; never the path itself, which strangers choose."""
    path = str(getattr(scope.get("route"), "path", ""))
    below = scope["path"].startswith(f"{PREFIX}/") and not path.startswith(PREFIX)  # told without its router's prefix
    return (f"{PREFIX}{path}" if below else path) if path else "none"
