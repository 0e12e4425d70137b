"""Each session's trace: what is in it, what never is, and that a collector gets it."""

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from relay import tracing
from relay.meter import Meter
from relay.metrics import Metrics
from relay.simulator.engines.scripted import ScriptedEngine
from relay.simulator.faults import Fault, FaultKind
from relay.simulator.server import Simulator
from relay.tracing import Traces
from tests.support.relay import Client, relay_to

SESSION = "0123456789abcdef" * 2


@dataclass(frozen=True)
class Used:
    received_ms: int = 4000
    sent_ms: int = 3000
    replayed_ms: int = 200
    silence_ms: int = 100


class Scene:
    """Traces that stay in memory."""

    def __init__(self, meter: Meter | None = None) -> None:
        self._exporter = InMemorySpanExporter()
        self.traces = Traces(meter or Meter(), "host:1", SimpleSpanProcessor(self._exporter))

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    @property
    def session(self) -> ReadableSpan:
        (span,) = self.named("session")
        return span

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]


def seconds(span: ReadableSpan) -> float:
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1e9


def test_a_session_is_one_trace_that_has_its_id() -> None:
    scene = Scene()
    with scene.traces.session(SESSION, "new") as meter:
        meter.session_described(sample_rate=48_000, language_code=None, account="user:1")
        meter.session_began(scene, "new", Used())
        meter.upstream_opened(0.25)
        meter.speech_to_final(0.5)
        meter.speech_to_final(0.75)
        meter.session_ended(scene, "Finished", Used())
    assert {span.context.trace_id for span in scene.spans} == {int(SESSION, 16)}
    assert Counter(span.name for span in scene.spans) == {
        "session": 1,
        "admission": 1,
        "upstream connect": 1,
        "segment": 2,
    }
    parents = {span.parent.span_id for span in scene.spans if span.parent is not None}
    assert parents == {scene.session.context.span_id}
    assert dict(scene.session.attributes or {}) == {
        "relay.session_id": SESSION,
        "relay.kind": "new",
        "relay.sample_rate": 48_000,
        "relay.account": "user:1",
        "relay.ending": "Finished",
        "relay.received_ms": 4000,
        "relay.sent_ms": 3000,
        "relay.replayed_ms": 200,
        "relay.silence_ms": 100,
    }
    assert [seconds(each) for each in scene.named("segment")] == [0.5, 0.75]
    assert scene.session.status.status_code is StatusCode.UNSET


def test_what_a_session_goes_through_is_in_its_trace() -> None:
    scene = Scene()
    with scene.traces.session(SESSION, "taken_over") as meter:
        meter.session_began(scene, "taken_over", Used())
        meter.upstream_failed("connection_lost")
        meter.upstream_reopens("connection_lost")
        meter.upstream_failed("rate_limited")
        meter.upstream_reopens("rate_limited")
        assert not scene.named("upstream outage")
        meter.upstream_opened(0.1)
        meter.upstream_replays("connection_lost")
        meter.client_left()
        assert not scene.named("parked")
        meter.session_resumed()
        meter.gap("client_buffer", 1.5)
        meter.audio_warned("clipping")
        meter.upstream_rolls_over(closes_first=True)
        meter.session_moves()
        meter.session_ended(scene, "Moved", Used())
    (outage,) = scene.named("upstream outage")
    assert dict(outage.attributes or {}) == {"relay.reason": "connection_lost"}
    assert len(scene.named("parked")) == len(scene.named("drain")) == 1
    assert [event.name for event in scene.session.events] == [
        "upstream failed",
        "upstream failed",
        "audio sent again",
        "resumed",
        "audio gap",
        "audio warning",
        "upstream rolls over",
    ]


@pytest.mark.parametrize("ending", ["Fault", "UpstreamRejected", "UpstreamUnavailable"])
def test_what_somebody_has_to_look_into_is_an_error(ending: str) -> None:
    scene = Scene()
    with scene.traces.session(SESSION, "new") as meter:
        meter.session_began(scene, "new", Used())
        meter.session_ended(scene, ending, Used())
    assert scene.session.status.status_code is StatusCode.ERROR


def refuse(scene: Scene) -> None:
    with scene.traces.session(SESSION, "new"):
        raise ValueError("with the key in its text")


def test_a_session_that_is_refused_has_a_trace_without_the_errors_text() -> None:
    scene = Scene()
    with pytest.raises(ValueError, match="the key"):
        refuse(scene)
    assert (scene.session.attributes or {})["relay.ending"] == "ValueError"
    assert scene.session.status.description == "ValueError"
    assert not scene.session.events
    assert len(scene.named("admission")) == 1


def test_what_is_counted_is_counted_all_the_same() -> None:
    metrics = Metrics()
    scene = Scene(metrics)
    with scene.traces.session(SESSION, "new") as meter:
        meter.session_began(scene, "new", Used())
        meter.audio_warned("clipping")
    values = {(key.sample, *key.labels): value for key, value in metrics.values().items()}
    assert values["relay_sessions_started_total", ("kind", "new")] == 1
    assert values["relay_audio_warnings_total", ("code", "clipping")] == 1


def test_operators_may_name_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "speech")
    scene = Scene()
    with scene.traces.session(SESSION, "new"):
        pass
    resource = scene.session.resource.attributes
    assert resource["service.name"] == "speech"
    assert resource["service.instance.id"] == "host:1"


class Collector:
    """Takes spans over HTTP, as OpenTelemetry's collector does."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        return web.Response(content_type="application/x-protobuf")

    def spans(self) -> list[Any]:
        return [
            span
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


async def test_a_collector_gets_the_trace_of_a_session_and_no_word_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 48_000).astype(np.float32)
    try:
        engine = ScriptedEngine(["private words"] * 2)
        broken = Fault(FaultKind.DROP, after_samples=4000)
        async with (
            Simulator(engine=engine, faults=[broken]) as simulator,
            relay_to(simulator.url, tracing=True) as relay,
        ):
            async with Client(relay, sample_rate=48_000) as client:
                await client.send(noise)
                await client.say("commit")
                assert (await client.event("committed_transcript"))["text"] == "private words"
                token = (await client.event("session_started"))["resume_token"]
                await client.stop()
            session_id = client.events[0]["session_id"]
            key = relay.key
    finally:
        await runner.cleanup()
    spans = collector.spans()
    assert {span.trace_id.hex() for span in spans} == {session_id}
    names = {span.name for span in spans}
    assert {"session", "admission", "upstream connect", "upstream outage", "segment"} <= names
    sent = b"".join(collector.bodies)
    for secret in ("private words", token, key):
        assert secret.encode() not in sent


async def test_a_collector_that_is_away_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20a-collectors-token")
    monkeypatch.setattr(tracing, "CLOSE_TIMEOUT", 0.1)
    traces = Traces(Meter(), "host:1")
    with traces.session(SESSION, "new"):
        pass
    await traces.aclose()
    assert "export" in caplog.text
    assert "a-collectors-token" not in caplog.text


def test_the_relay_does_without_its_packages() -> None:
    code = "import sys; sys.modules['opentelemetry'] = None; import relay.app, relay.server"
    subprocess.run([sys.executable, "-c", code], check=True)
