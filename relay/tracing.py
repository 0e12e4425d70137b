"""A trace for each session, by OpenTelemetry: when what happened, and never what was said.

The packages of `scribe-relay[tracing]` are imported here alone, and only where traces are wanted.
OpenTelemetry's own variables say where they go, and how many. A trace has its session's id, so that
what a session was on several workers is one trace, and log lines lead to it. Nothing of it is sent
to the provider.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    set_span_in_context,
)

import relay
from relay.meter import Forwarding, Meter, Used

NANOSECONDS: Final = 1_000_000_000

CLOSE_TIMEOUT: Final = 3.0
"""Seconds for the last spans at the end of a worker, which nobody waits for longer."""

FAULTS: Final = frozenset({"Fault", "UpstreamRejected", "UpstreamUnavailable"})
"""Endings that somebody has to look into; a client's mistake is none."""


class Traces(Forwarding):
    """Gives each session a trace, beside all that is counted."""

    def __init__(self, meter: Meter, worker: str, processor: SpanProcessor | None = None) -> None:
        """Trace for a worker.

        Args:
            meter: Is told everything too.
            worker: The worker's name among all.
            processor: Where spans go; by default, in batches, where `OTEL_EXPORTER_OTLP_…` says.
        """
        super().__init__(meter)
        ours = {
            "service.name": "scribe-relay",
            "service.version": relay.__version__,
            "service.instance.id": worker,
        }
        self._ids = _SessionIds()
        self._provider = TracerProvider(
            # What operators set counts for more.
            resource=Resource(ours).merge(OTELResourceDetector().detect()),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        self._exporter: OTLPSpanExporter | None = None
        if processor is None:
            self._exporter = OTLPSpanExporter()
            processor = BatchSpanProcessor(self._exporter)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("relay", relay.__version__)

    @contextmanager
    def session(self, session_id: str, kind: str) -> Iterator[Meter]:
        """Trace a session from before its admission to after its end."""
        self._ids.next_trace = int(session_id, 16)
        span = self._tracer.start_span(
            "session",
            Context(),  # whatever else is traced in this process
            SpanKind.SERVER,
            {"relay.session_id": session_id, "relay.kind": kind},
        )
        with self._meter.session(session_id, kind) as meter:
            trace = SessionTrace(meter, self._tracer, span)
            try:
                yield trace
            except Exception as error:
                trace.refuse(type(error).__name__)
                raise
            finally:
                trace.end()

    async def aclose(self) -> None:
        """Send what hasn't been sent, if somebody takes it soon."""
        loop = asyncio.get_running_loop()
        closing = loop.run_in_executor(None, self._provider.shutdown)
        await asyncio.wait([closing], timeout=CLOSE_TIMEOUT)
        if not closing.done() and self._exporter is not None:
            self._exporter.shutdown()  # type: ignore[no-untyped-call]  # it would try again
        await closing


class _SessionIds(RandomIdGenerator):
    """Names each trace as its session is named."""

    next_trace = 0

    def generate_trace_id(self) -> int:
        return self.next_trace


class SessionTrace(Forwarding):
    """One session's trace: a span, below it what takes time in it, and events."""

    def __init__(self, meter: Meter, tracer: Tracer, session: Span) -> None:
        """Begin with the admission."""
        super().__init__(meter)
        self._tracer = tracer
        self._session = session
        self._parent = set_span_in_context(session, Context())
        self._open: dict[str, Span] = {}
        self._begin("admission")

    def refuse(self, error: str) -> None:
        """Say that it was never admitted, or has failed."""
        self._session.set_attribute("relay.ending", error)
        self._session.set_status(Status(StatusCode.ERROR, error))

    def end(self) -> None:
        """End what hasn't ended, and the trace."""
        for name in list(self._open):
            self._end(name)
        self._session.end()

    def session_described(self, **facts: str | int | None) -> None:
        super().session_described(**facts)
        for name, value in facts.items():
            if value is not None:
                self._session.set_attribute(f"relay.{name}", value)

    def session_began(self, who: object, kind: str, used: Used) -> None:
        super().session_began(who, kind, used)
        self._end("admission")

    def session_resumed(self) -> None:
        super().session_resumed()
        self._end("parked")
        self._session.add_event("resumed")

    def session_ended(self, who: object, ending: str, used: Used) -> None:
        super().session_ended(who, ending, used)
        self._session.set_attributes(
            {
                "relay.ending": ending,
                "relay.received_ms": used.received_ms,
                "relay.sent_ms": used.sent_ms,
                "relay.replayed_ms": used.replayed_ms,
                "relay.silence_ms": used.silence_ms,
            }
        )
        if ending in FAULTS:
            self._session.set_status(Status(StatusCode.ERROR, ending))

    def client_left(self) -> None:
        super().client_left()
        self._begin("parked")

    def session_moves(self) -> None:
        super().session_moves()
        self._begin("drain")

    def audio_warned(self, code: str) -> None:
        super().audio_warned(code)
        self._session.add_event("audio warning", {"relay.code": code})

    def speech_to_final(self, seconds: float) -> None:
        super().speech_to_final(seconds)
        self._past("segment", seconds)

    def gap(self, reason: str, seconds: float) -> None:
        super().gap(reason, seconds)
        self._session.add_event("audio gap", {"relay.reason": reason, "relay.seconds": seconds})

    def upstream_opened(self, seconds: float) -> None:
        super().upstream_opened(seconds)
        self._past("upstream connect", seconds)
        self._end("upstream outage")

    def upstream_failed(self, reason: str) -> None:
        super().upstream_failed(reason)
        self._session.add_event("upstream failed", {"relay.reason": reason})

    def upstream_reopens(self, reason: str) -> None:
        super().upstream_reopens(reason)
        self._begin("upstream outage", reason)

    def upstream_replays(self, reason: str) -> None:
        super().upstream_replays(reason)
        self._session.add_event("audio sent again", {"relay.reason": reason})

    def upstream_rolls_over(self, *, closes_first: bool) -> None:
        super().upstream_rolls_over(closes_first=closes_first)
        self._session.add_event("upstream rolls over", {"relay.closes_first": closes_first})

    def _past(self, name: str, seconds: float) -> None:
        """Write down what has taken so long until now."""
        now = time.time_ns()
        begin = now - round(max(0.0, seconds) * NANOSECONDS)
        self._tracer.start_span(name, self._parent, start_time=begin).end(now)

    def _begin(self, name: str, reason: str | None = None) -> None:
        """Begin what `_end` ends, unless it goes on already."""
        if name not in self._open:
            attributes = None if reason is None else {"relay.reason": reason}
            self._open[name] = self._tracer.start_span(name, self._parent, attributes=attributes)

    def _end(self, name: str) -> None:
        if (span := self._open.pop(name, None)) is not None:
            span.end()
