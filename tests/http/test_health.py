"""`/healthz` and `/readyz` as a load balancer asks for them."""

import asyncio
import datetime
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme

from relay.errors import UpstreamUnavailable
from relay.http import health
from relay.http.health import Readiness, UpstreamProbe
from relay.simulator.server import Simulator
from tests.support.peers import talking
from tests.support.ports import free_port
from tests.support.relay import relay_to
from tests.support.settings import KEY


async def ready(upstream_url: str, **values: Any) -> tuple[int, dict[str, Any]]:
    """What `/readyz` of such a relay answers."""
    async with (
        relay_to(upstream_url, **values) as relay,
        aiohttp.ClientSession() as http,
        http.get(f"{relay.url}/readyz") as answer,
    ):
        return answer.status, await answer.json()


async def test_process_that_lives_says_so_whatever_its_provider_does() -> None:
    async with (
        relay_to(f"ws://127.0.0.1:{free_port()}", key=None) as relay,
        aiohttp.ClientSession() as http,
    ):
        async with http.get(f"{relay.url}/healthz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok")
        async with http.head(f"{relay.url}/healthz") as answer:
            assert answer.status == 200
        async with http.post(f"{relay.url}/healthz") as answer:
            assert answer.status == 405


async def test_relay_with_key_and_provider_is_ready() -> None:
    async with Simulator() as simulator:
        assert await ready(simulator.url) == (
            200,
            {
                "ready": True,
                "checks": {"key": "ok", "upstream": "ok", "redis": "ok", "database": "ok"},
            },
        )
        assert simulator.connections == []


async def test_relay_without_a_key_is_not_ready() -> None:
    async with Simulator() as simulator:
        status, body = await ready(simulator.url, key=None)
    assert status == 503
    assert body == {
        "ready": False,
        "checks": {
            "key": "ELEVENLABS_API_KEY is not set",
            "upstream": "ok",
            "redis": "ok",
            "database": "ok",
        },
    }


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ws://127.0.0.1:1", "ConnectionRefusedError"),
        ("wss://nobody.invalid", "gaierror"),
        ("wss://two..dots", "UnicodeError"),
    ],
)
async def test_relay_whose_provider_is_away_is_not_ready(url: str, reason: str) -> None:
    status, body = await ready(url)
    assert status == 503
    assert body["checks"]["upstream"] == f"can't be reached ({reason})"
    assert KEY not in str(body)


async def test_relay_that_does_not_trust_its_provider_is_not_ready() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with Simulator(ssl_context=context) as simulator:
        _, body = await ready(simulator.url)
    assert body["checks"]["upstream"] == "can't be reached (SSLCertVerificationError)"


async def test_provider_that_is_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    monkeypatch.setattr(health, "PROBE_TIMEOUT", 0.1)
    async with talking(silent) as port:
        _, body = await ready(f"wss://127.0.0.1:{port}")
    assert body["checks"]["upstream"] == "can't be reached (TimeoutError)"


@asynccontextmanager
async def deaf_after_handshake() -> AsyncIterator[tuple[int, Path]]:
    """A TLS server that answers no close, its port and its authority; a thread, which blocks."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            line, _ = listening.accept()
            with context.wrap_socket(line, server_side=True):
                over.wait()

        async with asyncio.TaskGroup() as group:
            serving = group.create_task(asyncio.to_thread(serve))
            with authority.cert_pem.tempfile() as path:
                yield listening.getsockname()[1], Path(path)
            over.set()
            await serving


async def test_provider_that_answers_no_close_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PROBE_TIMEOUT", 1.0)
    async with deaf_after_handshake() as (port, ca_file):
        _, body = await ready(f"wss://127.0.0.1:{port}", upstream_ca_file=ca_file)
    assert body["checks"]["upstream"] == "ok"


class Counter:
    """A provider that counts who looks."""

    def __init__(self) -> None:
        self.looks = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.looks += 1
        await reader.read()


async def test_many_questions_at_once_are_one_look() -> None:
    counter = Counter()
    async with talking(counter) as port:
        probe = UpstreamProbe("127.0.0.1", port, None)
        assert await asyncio.gather(*(probe.fault() for _ in range(20))) == [None] * 20
    assert counter.looks == 1


async def test_a_look_is_good_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async with talking(Counter()) as port:
        probe = UpstreamProbe("127.0.0.1", port, None)
        assert await probe.fault() is None
    assert await probe.fault() is None
    monkeypatch.setattr(health, "PROBE_LIFETIME", 0.0)
    assert await probe.fault() == "can't be reached (ConnectionRefusedError)"


async def test_a_look_sees_when_the_certificate_ends() -> None:
    authority, end = trustme.CA(), datetime.datetime(2031, 5, 4, 3, 2, 1, tzinfo=datetime.UTC)
    context, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1", not_after=end).configure_cert(context)
    authority.configure_trust(trusting)
    async with Simulator(ssl_context=context) as simulator:
        port = int(simulator.url.rpartition(":")[2])
        probe = UpstreamProbe("127.0.0.1", port, trusting)
        assert probe.certificate_end is None
        await probe.check()
    assert probe.certificate_end == end.timestamp()


async def test_a_provider_that_is_away_is_said_as_an_error() -> None:
    with pytest.raises(UpstreamUnavailable, match=r"can't be reached \(ConnectionRefusedError\)"):
        await UpstreamProbe("127.0.0.1", 1, None).check()


async def test_what_hangs_is_told_before_whoever_asked_has_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(health, "PROBE_TIMEOUT", 0.05)
    async with relay_to("ws://127.0.0.1:1") as relay:
        readiness = Readiness(
            UpstreamProbe("127.0.0.1", free_port(), None),
            has_key=True,
            others={"redis": relay.services.state.ping, "database": hang},
            is_out_of_service=relay.services.presence.is_out_of_service,
        )
        faults = await readiness.faults()
    assert faults["redis"] is None
    assert faults["database"] == "doesn't answer within 0.05 s"
