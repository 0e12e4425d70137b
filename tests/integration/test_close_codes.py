"""Every row of the table of close codes, as a client sees it; other sessions go on meanwhile."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import numpy as np
import pytest
from websockets.exceptions import InvalidStatus

from relay.app import create_app
from relay.audio.chain import AudioChain
from relay.lines import Line
from relay.protocol.close_codes import CloseCode
from relay.scribe.parameters import Parameters
from relay.simulator.faults import Fault, FaultKind
from relay.simulator.server import Simulator
from relay.upstream.connection import UpstreamConnection
from tests.support.relay import Client, Event, Relay, relay_to
from tests.support.settings import KEY, settings_for

SECOND = np.zeros(48_000, np.float32)

SHORT_OUTAGE = {"upstream_outage_limit": 0.5}

Act = Callable[[Client], Awaitable[None]]


def binary(payload: bytes) -> Act:
    async def send(client: Client) -> None:
        await client.connection.send(payload)

    return send


def text(payload: str) -> Act:
    async def send(client: Client) -> None:
        await client.connection.send(payload)

    return send


@asynccontextmanager
async def bystander(relay: Relay) -> AsyncIterator[None]:
    """Another session, which must not notice anything."""
    async with Client(relay) as client:
        await client.send(SECOND)
        yield
        await client.send(SECOND)
        ended = await client.stop()
        assert ended["audio_ms"] == 2000
        assert client.of("audio_gap") == []


async def refusal(client: Client, code: CloseCode) -> Event:
    """The last message before the end, which must have this code."""
    assert await client.closed() == code
    return client.events[-1]


@pytest.mark.parametrize(
    ("act", "error_type", "code"),
    [
        (binary(b"abc"), "invalid_request", CloseCode.INVALID),
        (text('{"message_type":"format","sample_rate":1}'), "invalid_request", CloseCode.INVALID),
        (binary(bytes(256 * 1024 + 4)), "input_error", CloseCode.MESSAGE_TOO_BIG),
        (text(" " * (256 * 1024 + 1)), "input_error", CloseCode.MESSAGE_TOO_BIG),
    ],
)
async def test_what_breaks_the_protocol_ends_the_session_and_loses_nothing(
    relay: Relay, act: Act, error_type: str, code: CloseCode
) -> None:
    async with bystander(relay), Client(relay) as client:
        await client.send(SECOND)
        await act(client)
        assert await client.closed() == code
    (error,) = client.of(error_type)
    assert error["retryable"] is False
    assert client.of("committed_transcript")[0]["end_sample"] == len(SECOND)


async def test_what_the_client_did_wrong_stays_the_reason(simulator: Simulator) -> None:
    simulator.faults.add(Fault(FaultKind.OMIT_FINALS))
    async with relay_to(simulator.url, stop_timeout=0.5) as relay, Client(relay) as client:
        await client.send(SECOND)
        await client.connection.send(b"abc")
        assert await client.closed() == CloseCode.INVALID
    (gap,) = client.of("audio_gap")
    assert (gap["from_sample"], gap["reason"]) == (0, "invalid_request")
    assert client.of("upstream_unavailable") == []


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (binary(np.array([0.1, np.nan], np.float32).tobytes()), "NaN"),
        (binary(np.array([np.inf, 0.1], np.float32).tobytes()), "infinite"),
        (text("hello"), "message"),
        (text('{"message_type":"dance"}'), "message"),
        (text("[1, 2"), "message"),
    ],
)
async def test_a_bad_message_costs_no_more_than_itself(relay: Relay, act: Act, words: str) -> None:
    async with Client(relay) as client:
        await client.send(SECOND)
        await act(client)
        error = await client.event("input_error")
        await client.send(SECOND)
        ended = await client.stop()
    assert words in error["error"]
    assert ended["audio_ms"] == 2000


async def test_an_empty_message_is_fine(relay: Relay) -> None:
    async with Client(relay) as client:
        await client.connection.send(b"")
        await client.stop()
    assert client.of("input_error") == []


async def test_bad_samples_count_as_silence_of_their_length(
    simulator: Simulator, relay: Relay
) -> None:
    async with Client(relay, sample_rate=16_000) as client:
        await client.connection.send(np.full(8000, 0.5, np.float32).tobytes())
        await client.connection.send(np.full(8000, np.nan, np.float32).tobytes())
        await client.connection.send(np.full(8000, 0.5, np.float32).tobytes())
        await client.stop()
    heard = simulator.connections[0].audio
    expected = np.concatenate([np.full(8000, 16_384), np.zeros(8000), np.full(8000, 16_384)])
    assert np.array_equal(heard, expected)


async def test_1000_ended_as_asked(relay: Relay) -> None:
    async with Client(relay) as client:
        await client.send(SECOND)
        await client.say("stop")
        assert (await refusal(client, CloseCode.ENDED))["message_type"] == "session_ended"


async def test_1012_the_relay_restarts(simulator: Simulator) -> None:
    async with relay_to(simulator.url) as relay:
        client = await Client(relay).__aenter__()
        await client.event("session_started")
    assert await client.closed() == CloseCode.RESTARTING
    await client.__aexit__(None, None, None)


async def test_1006_a_line_that_stays_broken_ends_the_session_on_both_sides(
    simulator: Simulator,
) -> None:
    async with (
        relay_to(simulator.url, park_seconds=0.2) as relay,
        bystander(relay),
        Client(relay) as client,
    ):
        await client.send(SECOND)
        await simulator.wait_for(lambda: len(simulator.connections) == 2)
        client.connection.transport.abort()
        assert await client.closed() == CloseCode.BROKEN
        await simulator.wait_for(lambda: any(c.close_code == 1000 for c in simulator.connections))


async def test_1009_the_server_itself_refuses_a_mebibyte(relay: Relay) -> None:
    async with bystander(relay), Client(relay) as client:
        await client.connection.send(bytes(1024 * 1024 + 1))
        assert await client.closed() == CloseCode.MESSAGE_TOO_BIG_FOR_SERVER


async def test_1011_a_fault_of_ours_is_said_without_its_details(simulator: Simulator) -> None:
    async def broken(line: Line, granted: Parameters) -> UpstreamConnection:
        raise ZeroDivisionError("a bug that names " + KEY)

    settings = settings_for(simulator.url)
    app = create_app(settings, open_upstream=broken)
    async with Relay(settings, app) as relay, Client(relay) as client:
        error = await refusal(client, CloseCode.FAULT)
    assert error["message_type"] == "internal_error"
    assert error["retryable"] is True
    assert KEY not in json.dumps(client.events)
    assert "bug" not in error["error"]


async def test_1011_a_fault_in_taking_a_message_is_said_too(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: AudioChain, message: bytes) -> None:
        raise ZeroDivisionError

    async with Client(relay) as client:
        await client.event("session_started")
        monkeypatch.setattr(AudioChain, "push", broken)
        await client.send(SECOND)
        error = await refusal(client, CloseCode.FAULT)
    assert error["message_type"] == "internal_error"


@pytest.mark.parametrize(
    "query",
    [
        {"sample_rate": 4000},
        {"channels": 3},
        {"encoding": "opus"},
        {"colour": "red"},
        {"token": "sutkn_1"},
        {"language_code": "en-US"},
        {"keyterms": "relay"},
        {"commit_strategy": "turn_prediction"},
    ],
)
async def test_4400_a_request_that_cannot_be_right(
    simulator: Simulator, relay: Relay, query: dict[str, Any]
) -> None:
    async with Client(relay, **query) as client:
        error = await refusal(client, CloseCode.INVALID)
    assert error["message_type"] == "invalid_request"
    assert next(iter(query)) in error["error"]
    assert simulator.connections == []


@pytest.mark.parametrize(
    ("subprotocols", "headers"),
    [
        (["scribe-relay.v1", "ticket.abc"], {}),
        (["scribe-relay.v1", "resume.abc"], {}),
        (["scribe-relay.v1"], {"xi-api-key": KEY}),
    ],
)
async def test_4401_a_credential_that_nobody_issued(
    simulator: Simulator, relay: Relay, subprotocols: list[str], headers: dict[str, str]
) -> None:
    async with Client(relay, subprotocols=subprotocols, headers=headers) as client:
        error = await refusal(client, CloseCode.NOT_SIGNED_IN)
    assert error["message_type"] == "unauthorized"
    assert simulator.connections == []


async def test_4403_a_page_of_another_origin(simulator: Simulator, relay: Relay) -> None:
    async with Client(relay, headers={"Origin": "https://evil.example"}) as client:
        error = await refusal(client, CloseCode.NOT_ALLOWED)
    assert error["message_type"] == "origin_not_allowed"
    assert simulator.connections == []


async def test_421_a_request_for_another_host(relay: Relay) -> None:
    with pytest.raises(InvalidStatus, match="421"):
        async with Client(relay, headers={"Host": "evil.example"}):
            pass
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{relay.url}/healthz", headers={"Host": "evil.example"}) as answer,
    ):
        assert answer.status == 421


async def test_no_subprotocol_at_all_is_fine(relay: Relay) -> None:
    async with Client(relay, subprotocols=()) as client:
        await client.stop()
    assert client.connection.subprotocol is None


async def test_the_relay_answers_with_its_own_subprotocol(relay: Relay) -> None:
    async with Client(relay, subprotocols=("other", "scribe-relay.v1")) as client:
        await client.stop()
    assert client.connection.subprotocol == "scribe-relay.v1"


async def test_4408_nothing_came_for_too_long(simulator: Simulator) -> None:
    async with relay_to(simulator.url, idle_timeout=1.0) as relay, Client(relay) as client:
        await client.send(SECOND)
        ended = await refusal(client, CloseCode.IDLE)
    assert (ended["message_type"], ended["reason"]) == ("session_ended", "idle")
    assert client.of("committed_transcript")[0]["end_sample"] == len(SECOND)


async def test_4429_every_place_is_taken(simulator: Simulator) -> None:
    async with relay_to(simulator.url, max_sessions=1) as relay:
        async with Client(relay) as first:
            await first.event("session_started")
            async with Client(relay) as second:
                error = await refusal(second, CloseCode.LIMITED)
            await first.stop()
        async with Client(relay) as third:
            await third.stop()
    assert error["message_type"] == "too_many_sessions"
    assert error["retry_after_ms"] > 0


async def test_4502_the_provider_refused_the_key(simulator: Simulator) -> None:
    wrong = "xi-wrong-key-9876543210"
    async with relay_to(simulator.url, key=wrong) as relay, Client(relay) as client:
        await client.send(SECOND)
        error = await refusal(client, CloseCode.UPSTREAM_REFUSED)
    assert error["message_type"] == "auth_error"
    assert error["retryable"] is False
    assert wrong not in json.dumps(client.events)
    assert client.of("audio_gap")[0]["to_sample"] == len(SECOND)


async def test_4502_a_relay_without_a_key_says_so(simulator: Simulator) -> None:
    async with relay_to(simulator.url, key=None) as relay, Client(relay) as client:
        error = await refusal(client, CloseCode.UPSTREAM_REFUSED)
    assert "ELEVENLABS_API_KEY" in error["error"]


@pytest.mark.parametrize("status", [401, 403])
async def test_4502_the_provider_refused_at_the_handshake(
    simulator: Simulator, relay: Relay, status: int
) -> None:
    simulator.faults.add(Fault(FaultKind.REFUSE_HANDSHAKE, status=status))
    async with Client(relay) as client:
        error = await refusal(client, CloseCode.UPSTREAM_REFUSED)
    assert error["message_type"] == "auth_error"


@pytest.mark.parametrize(
    ("fault", "error_type", "code"),
    [
        (
            Fault(FaultKind.REFUSE_HANDSHAKE, status=429, count=None),
            "rate_limited",
            CloseCode.LIMITED,
        ),
        (
            Fault(FaultKind.REFUSE_HANDSHAKE, status=503, count=None),
            "upstream_unavailable",
            CloseCode.UPSTREAM_UNAVAILABLE,
        ),
        (
            Fault(FaultKind.RESET_HANDSHAKE, count=None),
            "upstream_unavailable",
            CloseCode.UPSTREAM_UNAVAILABLE,
        ),
    ],
)
async def test_4503_the_provider_is_away_and_what_is_lost_is_told(
    simulator: Simulator, fault: Fault, error_type: str, code: CloseCode
) -> None:
    simulator.faults.add(fault)
    async with relay_to(simulator.url, **SHORT_OUTAGE) as relay, Client(relay) as client:
        await client.send(SECOND)
        error = await refusal(client, code)
        gap = client.of("audio_gap")
    assert error["message_type"] == error_type
    assert error["retryable"] is True
    assert [(event["from_sample"], event["reason"]) for event in gap] == [(0, error_type)]


async def test_4503_nobody_listens_there(unused_tcp_port: int) -> None:
    url = f"ws://127.0.0.1:{unused_tcp_port}"
    async with relay_to(url, **SHORT_OUTAGE) as relay, Client(relay) as client:
        error = await refusal(client, CloseCode.UPSTREAM_UNAVAILABLE)
    assert error["message_type"] == "upstream_unavailable"


async def test_4503_the_last_words_never_come(simulator: Simulator) -> None:
    simulator.faults.add(Fault(FaultKind.OMIT_FINALS))
    async with relay_to(simulator.url, stop_timeout=0.5) as relay, Client(relay) as client:
        await client.send(SECOND)
        await client.say("stop")
        await refusal(client, CloseCode.UPSTREAM_UNAVAILABLE)
    (gap,) = client.of("audio_gap")
    assert (gap["from_sample"], gap["to_sample"]) == (0, len(SECOND))


async def test_4503_the_provider_never_says_that_the_session_started(simulator: Simulator) -> None:
    simulator.faults.add(Fault(FaultKind.DELAY_START, delay_ms=60_000, count=None))
    settings = {"upstream_connect_timeout": 0.5, **SHORT_OUTAGE}
    async with relay_to(simulator.url, **settings) as relay, Client(relay) as client:
        await refusal(client, CloseCode.UPSTREAM_UNAVAILABLE)


NOT_SENT = {
    CloseCode.LEAVING: "sent by proxies and browsers; the relay says 1012",
    CloseCode.TAKEN_OVER: "needs sessions that can be resumed elsewhere",
}
"""Rows that nothing in this relay sends; a client may still meet them."""


def test_every_row_has_its_test_here() -> None:
    names = " ".join(name for name in globals() if name.startswith("test_"))
    broken_protocol = {CloseCode.MESSAGE_TOO_BIG}
    for code in set(CloseCode) - set(NOT_SENT) - broken_protocol:
        assert f"test_{int(code)}_" in names


async def test_sessions_that_ended_leave_nothing_at_the_provider(
    simulator: Simulator, relay: Relay
) -> None:
    for act in (binary(b"abc"), text('{"message_type":"stop"}')):
        async with Client(relay) as client:
            await act(client)
            await client.closed()
    await simulator.wait_for(
        lambda: all(connection.close_code is not None for connection in simulator.connections)
    )
