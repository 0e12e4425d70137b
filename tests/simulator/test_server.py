"""The simulator on real sockets: what Scribe was seen to do, and what goes wrong on request."""

import asyncio
import logging
import socket
import ssl
import struct
import wave
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
import trustme
from structlog.testing import capture_logs
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.frames import Frame, Opcode

from relay.audio.pcm import WireFormat
from relay.scribe.errors import ErrorType
from relay.scribe.parameters import Parameters
from relay.simulator import server
from relay.simulator.actions import Cause
from relay.simulator.behaviour import Behaviour
from relay.simulator.connection import MAX_UNSENT
from relay.simulator.engines import Engine, EngineFailed, EngineFull, Stream, Transcript
from relay.simulator.engines.scripted import ScriptedEngine
from relay.simulator.faults import Fault, FaultKind
from relay.simulator.records import ConnectionRecord
from relay.simulator.server import Simulator
from tests.simulator.scribe import KEY, PATIENCE, RATE, Scribe
from tests.support.speech import flite

HEARD = "heard {} samples from {} to {}"
"""What the scripted engine says of a segment."""

AUTH_ERROR = {
    "message_type": "auth_error",
    "error": "You must be authenticated to use this endpoint.",
}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(api_keys=[KEY], record_audio=True) as running:
        yield running


@asynccontextmanager
async def behaving(**values: Any) -> AsyncIterator[Simulator]:
    """A simulator with other times and limits."""
    async with Simulator(api_keys=[KEY], behaviour=Behaviour(**values)) as running:
        yield running


async def closed_record(simulator: Simulator, index: int = 0) -> ConnectionRecord:
    """What is known of a connection once it has ended."""
    await simulator.wait_for(
        lambda: len(simulator.connections) > index and not simulator.connections[index].is_open
    )
    return simulator.connections[index]


async def mint(
    simulator: Simulator, token_type: str = "realtime_scribe", *, key: str | None = KEY
) -> tuple[int, dict[str, Any]]:
    """Ask for a single-use token; status and answer."""
    url = f"{simulator.url.replace('ws', 'http', 1)}/v1/single-use-token/{token_type}"
    headers = {} if key is None else {"xi-api-key": key}
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, headers=headers) as response,
    ):
        return response.status, await response.json()


async def token_of(simulator: Simulator, token_type: str = "realtime_scribe") -> str:
    _, answer = await mint(simulator, token_type)
    return str(answer["token"])


async def first_message(simulator: Simulator, **options: Any) -> str:
    """Connect, read one message, leave; its type."""
    async with Scribe(simulator, **options) as client:
        return str((await client.next())["message_type"])


# Opening a session


@pytest.mark.parametrize(
    "credential",
    [{"key": None}, {"key": "wrong"}, {"key": None, "token": "sutkn_x"}, {"token": "sutkn_x"}],
)
async def test_a_bad_credential_opens_and_then_closes_cleanly(
    simulator: Simulator, credential: dict[str, Any]
) -> None:
    async with Scribe(simulator, **credential) as client:
        assert await client.rest() == [AUTH_ERROR]
        assert client.close == (1000, "")
    record = await closed_record(simulator)
    assert (record.errors, record.close_code, record.credential) == (["auth_error"], 1000, None)
    assert not record.closed_by_client


@pytest.mark.parametrize(
    "query",
    [
        {"model_id": "scribe_v1"},
        {"vad_threshold": "0.95"},
        {"language_code": "en-US"},
        {"include_timestamps": "true", "filter_background_audio": "true"},
        {"keyterms": ["x" * 21]},
    ],
)
async def test_a_bad_parameter_opens_and_then_closes_as_a_violation(
    simulator: Simulator, query: dict[str, Any]
) -> None:
    async with Scribe(simulator, **query) as client:
        (message,) = await client.rest()
        assert message["message_type"] == "invalid_request"
        assert next(iter(query)) in message["error"]
        assert client.close == (1008, "invalid_request")


async def test_the_credential_is_looked_at_before_the_parameters(simulator: Simulator) -> None:
    assert await first_message(simulator, key="wrong", model_id="scribe_v1") == "auth_error"


async def test_a_session_starts_at_once(simulator: Simulator) -> None:
    begin = asyncio.get_running_loop().time()
    async with Scribe(simulator) as client:
        started = await client.next()
        assert client.times[0] - begin < 0.5
    assert started["message_type"] == "session_started"
    assert len(bytes.fromhex(started["session_id"])) == 16
    assert started["session_id"] == simulator.connections[0].session_id
    assert started["config"] == Parameters().config_echo()


async def test_audio_is_taken_before_the_session_has_started(simulator: Simulator) -> None:
    async with Scribe(simulator, fault="delay_start,delay_ms=300") as client:
        await client.say(1.0, commit=True)
        await simulator.wait_for(lambda: simulator.connections[0].samples == RATE)
        await client.until("committed_transcript")
        assert client.types[0] == "session_started"
        assert client.times[0] - simulator.connections[0].opened >= 0.3


async def test_a_late_start_holds_finals_back_but_loses_none(simulator: Simulator) -> None:
    async with Scribe(simulator, fault="delay_start,delay_ms=200") as client:
        for _ in range(3):
            await client.say(0.5, commit=True)
        for _ in range(3):
            await client.until("committed_transcript")
        assert client.types.count("session_started") == 1


async def test_any_key_will_do_unless_keys_are_given() -> None:
    async with Simulator() as simulator:
        assert await first_message(simulator, key="anything") == "session_started"
        assert await first_message(simulator, key=None) == "auth_error"


async def test_lists_are_repeated_parameters(simulator: Simulator) -> None:
    async with Scribe(simulator, keyterms=["Ada", "Grace"]) as client:
        assert (await client.next())["config"]["keyterms"] == ["Ada", "Grace"]
    async with Scribe(simulator, keyterms='["Ada","Grace"]') as client:
        assert (await client.next())["config"]["keyterms"] == ['["Ada","Grace"]']


async def test_unknown_parameters_are_ignored(simulator: Simulator) -> None:
    assert await first_message(simulator, sample_rate="16000", foo="bar") == "session_started"
    parameters = simulator.connections[0].parameters
    assert parameters is not None
    assert parameters.unknown == (("sample_rate", "16000"), ("foo", "bar"))


async def test_no_compression_is_agreed_on(simulator: Simulator) -> None:
    async with Scribe(simulator) as client:
        assert client.connection.protocol.extensions == []


# Tokens


async def test_a_token_opens_one_session_and_no_second(simulator: Simulator) -> None:
    status, answer = await mint(simulator)
    assert status == 200
    assert list(answer) == ["token"]
    assert await first_message(simulator, key=None, token=answer["token"]) == "session_started"
    assert simulator.connections[0].credential == "token"
    assert await first_message(simulator, key=None, token=answer["token"]) == "auth_error"


async def test_a_spent_token_fails_although_the_key_is_good(simulator: Simulator) -> None:
    token = await token_of(simulator)
    assert await first_message(simulator, token=token) == "session_started"
    assert await first_message(simulator, token=token) == "auth_error"


async def test_a_token_of_another_type_opens_nothing(simulator: Simulator) -> None:
    token = await token_of(simulator, "tts_websocket")
    assert await first_message(simulator, key=None, token=token) == "auth_error"


async def test_a_token_expires() -> None:
    async with behaving(token_lifetime=0.0) as simulator:
        token = await token_of(simulator)
        assert await first_message(simulator, key=None, token=token) == "auth_error"


async def test_a_request_that_is_refused_leaves_its_token(simulator: Simulator) -> None:
    token = await token_of(simulator)
    assert await first_message(simulator, token=token, model_id="scribe_v1") == "invalid_request"
    assert await first_message(simulator, token=token) == "session_started"


@pytest.mark.parametrize("key", [None, "wrong"])
async def test_a_token_needs_a_good_key(simulator: Simulator, key: str | None) -> None:
    assert (await mint(simulator, key=key))[0] == 401


async def test_a_token_needs_a_known_type(simulator: Simulator) -> None:
    assert (await mint(simulator, "everything"))[0] == 422


class SlowEngine(ScriptedEngine):
    """Opens a stream only after everything else has had its turn."""

    async def open(self, parameters: Parameters) -> Stream:
        await asyncio.sleep(0.05)
        return await super().open(parameters)


async def test_a_token_opens_one_of_two_sessions_that_come_at_once() -> None:
    async with Simulator(engine=SlowEngine(), api_keys=[KEY]) as simulator:
        token = await token_of(simulator)
        async with asyncio.TaskGroup() as tasks:
            both = [tasks.create_task(first_message(simulator, token=token)) for _ in range(2)]
    assert sorted(each.result() for each in both) == ["auth_error", "session_started"]


# Partials and finals


async def test_partials_come_after_two_seconds_and_then_every_second(simulator: Simulator) -> None:
    async with Scribe(simulator) as client:
        for _ in range(18):
            await client.say(0.25)
        await client.say(0.25, commit=True)
        await client.until("committed_transcript")
    partials = [m["text"] for m in client.messages if m["message_type"] == "partial_transcript"]
    assert partials == [HEARD.format(n * RATE, 0, n * RATE) for n in (2, 3, 4)]


async def test_partials_repeat_empty_in_silence(simulator: Simulator) -> None:
    async with Scribe(simulator) as client:
        await client.send(bytes(2 * 2 * RATE))
        await client.send(bytes(2 * RATE))
        texts = [(await client.until("partial_transcript"))["text"] for _ in range(2)]
    assert texts == ["", ""]


async def test_the_timed_final_comes_a_tenth_of_a_second_after_the_plain_one(
    simulator: Simulator,
) -> None:
    async with Scribe(simulator, include_timestamps="true") as client:
        await client.say(1.0, commit=True)
        timed = await client.until("committed_transcript_with_timestamps")
        apart = client.times[-1] - client.time_of("committed_transcript")
    assert 0.09 <= apart < 0.6
    assert timed["text"] == HEARD.format(RATE, 0, RATE)
    assert [word["text"] for word in timed["words"] if word["type"] == "word"] == timed[
        "text"
    ].split()
    assert timed["language_code"] is None


async def test_finals_come_reversed_on_request(simulator: Simulator) -> None:
    async with Scribe(simulator, fault="reverse_finals", include_timestamps="true") as client:
        await client.say(1.0, commit=True)
        await client.until("committed_transcript")
        apart = client.times[-1] - client.time_of("committed_transcript_with_timestamps")
    assert 0.09 <= apart < 0.6


async def test_a_partial_echoes_the_final(simulator: Simulator) -> None:
    async with Scribe(simulator) as client:
        await client.say(1.0, commit=True)
        final = await client.until("committed_transcript")
        echo = await client.until("partial_transcript")
    assert echo["text"] == final["text"]


async def test_the_echo_can_be_switched_off() -> None:
    async with behaving(echo_partials=False) as simulator, Scribe(simulator) as client:
        for _ in range(2):
            await client.say(0.5, commit=True)
            await client.until("committed_transcript")
    assert "partial_transcript" not in client.types


async def test_silence_is_committed_as_nothing(simulator: Simulator) -> None:
    async with Scribe(simulator) as client:
        await client.send(bytes(2 * RATE), commit=True)
        assert (await client.until("committed_transcript"))["text"] == ""


async def test_an_empty_message_may_commit(simulator: Simulator) -> None:
    async with Scribe(simulator) as client:
        await client.say(1.0)
        await client.say(commit=True)
        final = await client.until("committed_transcript")
    assert final["text"] == HEARD.format(RATE, 0, RATE)


async def test_every_commit_is_answered_once_and_in_order(simulator: Simulator) -> None:
    async with Scribe(simulator) as client:
        for _ in range(4):
            await client.say(0.5, commit=True)
        finals = [(await client.until("committed_transcript"))["text"] for _ in range(4)]
    assert finals == [HEARD.format(8000, at, at + 8000) for at in range(0, 32_000, 8000)]
    assert simulator.connections[0].finals == 4


async def test_36_seconds_commit_by_themselves(simulator: Simulator) -> None:
    async with Scribe(simulator) as client:
        for _ in range(38):
            await client.say(1.0)
        final = await client.until("committed_transcript")
    assert final["text"] == HEARD.format(36 * RATE, 0, 36 * RATE)
    (commit,) = simulator.connections[0].commits
    assert commit.cause is Cause.AUTO


async def test_a_pause_commits_where_voice_activity_may(simulator: Simulator) -> None:
    speech, rate = flite("The quick brown fox jumps over the lazy dog.", "rms")
    assert rate == RATE
    samples = np.concatenate([speech, np.zeros(2 * rate, np.int16)])
    query: dict[str, Any] = {"commit_strategy": "vad", "vad_silence_threshold_secs": "0.8"}
    async with Scribe(simulator, **query) as client:
        for begin in range(0, len(samples), 1600):
            await client.send(samples[begin : begin + 1600].tobytes())
        await client.until("committed_transcript")
    (commit,) = simulator.connections[0].commits
    assert commit.cause is Cause.VAD
    assert len(speech) < commit.end < len(speech) + 1.1 * rate


async def test_a_commit_is_answered_although_the_client_closes_at_once() -> None:
    async with (
        behaving(final_delay=0.1) as simulator,
        Scribe(simulator, include_timestamps="true") as client,
    ):
        await client.say(1.0, commit=True)
        await client.connection.close()
        await client.rest()
        record = await closed_record(simulator)
    assert set(client.types) == {
        "session_started",
        "committed_transcript",
        "committed_transcript_with_timestamps",
        "partial_transcript",
    }
    assert (record.closed_by_client, record.close_code, record.finals) == (True, 1000, 1)


async def test_closing_commits_nothing(simulator: Simulator) -> None:
    async with Scribe(simulator) as client:
        await client.say(1.0)
        await client.connection.close()
        assert set(await first_types(client)) <= {"session_started"}
    record = await closed_record(simulator)
    assert (record.samples, record.commits, record.finals) == (RATE, [], 0)


async def first_types(client: Scribe) -> list[str]:
    await client.rest()
    return client.types


async def test_a_close_without_a_code_is_taken_as_such(simulator: Simulator) -> None:
    async with Scribe(simulator) as client:
        await client.next()
        client.connection.protocol.send_frame(Frame(Opcode.CLOSE, b""))
        client.connection.send_data()
        record = await closed_record(simulator)
    assert (record.closed_by_client, record.close_code) == (True, 1005)


async def test_the_clients_code_is_remembered(simulator: Simulator) -> None:
    async with Scribe(simulator) as client:
        await client.connection.close(4321, "tired")
        assert (await closed_record(simulator)).close_code == 4321


async def test_a_line_that_breaks_is_a_close_without_a_frame(simulator: Simulator) -> None:
    async with Scribe(simulator) as client:
        await client.next()
        client.connection.transport.abort()
        record = await closed_record(simulator)
    assert (record.closed_by_client, record.close_code) == (True, 1006)


async def test_a_client_that_does_not_wait_for_the_close_gets_no_final() -> None:
    async with behaving(final_delay=0.1) as simulator, Scribe(simulator) as client:
        await client.say(1.0, commit=True)
        client.connection.protocol.send_frame(Frame(Opcode.CLOSE, b""))
        client.connection.send_data()
        client.connection.transport.close()
        record = await closed_record(simulator)
    assert (record.closed_by_client, record.close_code, record.finals) == (True, 1006, 0)


# What a client may not do


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0",
        "not json",
        '{"message_type":"input_audio_chunk","audio_base_64":"!"}',
        '{"message_type":"commit"}',
    ],
)
async def test_a_message_that_is_none_is_an_input_error_and_the_socket_stays_open(
    simulator: Simulator, data: str | bytes
) -> None:
    async with Scribe(simulator) as client:
        await client.connection.send(data)
        await client.until("input_error")
        await client.say(1.0, commit=True)
        await client.until("committed_transcript")
    assert simulator.connections[0].errors == ["input_error"]


async def test_previous_text_belongs_to_the_first_chunk(simulator: Simulator) -> None:
    async with Scribe(simulator) as client:
        await client.say(0.5, previous_text="as I said")
        await client.say(0.5, previous_text=None)
        await client.say(0.5, previous_text="again")
        await client.until("input_error")
    record = simulator.connections[0]
    assert (record.previous_text, record.samples) == ("as I said", RATE)


async def test_a_commit_of_too_little_audio_ends_the_session(simulator: Simulator) -> None:
    async with Scribe(simulator) as client:
        await client.say(0.29, commit=True)
        await client.rest()
        assert client.types == ["session_started", "commit_throttled"]
        assert client.close == (1000, "commit_throttled")


async def test_a_chunk_that_is_too_large_ends_the_session(simulator: Simulator) -> None:
    async with Scribe(simulator) as client:
        await client.send(bytes(Behaviour.max_chunk_bytes + 2))
        await client.rest()
        assert client.types[-1] == "chunk_size_exceeded"
        assert client.close == (1000, "chunk_size_exceeded")


async def test_a_client_that_says_nothing_is_closed_without_a_word() -> None:
    async with behaving(idle_timeout=0.2) as simulator, Scribe(simulator) as client:
        await client.rest()
        assert client.types == ["session_started"]
        assert client.close == (1000, "")
        record = await closed_record(simulator)
    assert not record.closed_by_client


async def test_pings_say_nothing() -> None:
    async with behaving(idle_timeout=0.3) as simulator, Scribe(simulator) as client:
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionClosed):
                while True:
                    await (await client.connection.ping())
        assert client.close == (1000, "")


async def test_a_session_ends_at_its_limit() -> None:
    async with behaving(session_limit=0.2) as simulator, Scribe(simulator) as client:
        await client.rest()
        assert client.types == ["session_started", "session_time_limit_exceeded"]
        assert client.close == (1000, "session_time_limit_exceeded")


async def test_sessions_beyond_the_limit_are_refused_until_another_ends() -> None:
    async with behaving(max_sessions=1) as simulator:
        async with Scribe(simulator) as first:
            await first.next()
            async with Scribe(simulator) as second:
                await second.rest()
                assert second.types == ["rate_limited"]
                assert second.close == (1000, "rate_limited")
        await closed_record(simulator)
        assert await first_message(simulator) == "session_started"


# What goes wrong on request


@pytest.mark.parametrize("error_type", ErrorType)
async def test_every_error_on_request(simulator: Simulator, error_type: ErrorType) -> None:
    async with Scribe(simulator, fault=f"error,error_type={error_type},after_samples=0") as client:
        error = await client.until(error_type)
        assert error["error"]
        if error_type is ErrorType.INPUT_ERROR:
            return
        await client.rest()
        assert client.types == ["session_started", error_type]
        code = 1008 if error_type is ErrorType.INVALID_REQUEST else 1000
        assert client.close == (code, "" if error_type is ErrorType.AUTH_ERROR else error_type)
    assert (await closed_record(simulator)).errors == [error_type]


async def test_an_error_in_place_of_the_session(simulator: Simulator) -> None:
    simulator.faults.add(Fault(FaultKind.ERROR, error_type=ErrorType.RESOURCE_EXHAUSTED))
    async with Scribe(simulator) as client:
        await client.rest()
        assert client.types == ["resource_exhausted"]
    assert await first_message(simulator) == "session_started"


async def test_a_close_with_any_code(simulator: Simulator) -> None:
    fault = "close,code=1012,reason=restart,after_commits=1,after_finals=1"
    async with Scribe(simulator, fault=fault) as client:
        await client.say(1.0, commit=True)
        await client.rest()
        assert client.types == ["session_started", "committed_transcript"]
        assert client.close == (1012, "restart")


async def test_a_drop_is_a_reset_of_the_line(simulator: Simulator) -> None:
    async with Scribe(simulator, fault=f"drop,after_samples={RATE}") as client:
        await client.say(0.5)
        await simulator.wait_for(lambda: simulator.connections[0].samples == RATE // 2)
        await client.say(0.5)
        await client.rest()
        assert client.close[0] == 1006
        with pytest.raises(ConnectionClosed) as closing:
            await client.connection.recv()
        assert isinstance(closing.value.__cause__, ConnectionResetError)
    record = await closed_record(simulator)
    assert (record.close_code, record.closed_by_client, record.samples) == (1006, False, RATE)


async def test_a_handshake_that_is_reset(simulator: Simulator) -> None:
    simulator.faults.add(Fault(FaultKind.RESET_HANDSHAKE))
    host, port = simulator.url.removeprefix("ws://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /v1/speech-to-text/realtime HTTP/1.1\r\nHost: localhost\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    assert simulator.connections == []


async def test_a_client_that_goes_before_it_is_answered_is_no_fault(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    host, port = simulator.url.removeprefix("ws://").split(":")
    client = socket.create_connection((host, int(port)))
    await asyncio.sleep(0.01)  # until it is accepted
    client.sendall(
        b"GET /v1/speech-to-text/realtime HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()  # a reset
    await asyncio.sleep(0.05)
    assert simulator.connections == []
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("status", [401, 429, 503])
async def test_a_handshake_that_is_refused(simulator: Simulator, status: int) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        await Scribe(simulator, fault=f"refuse_handshake,status={status}").__aenter__()
    assert refusal.value.response.status_code == status
    assert simulator.connections == []


async def test_a_stall_sends_nothing_for_a_while(simulator: Simulator) -> None:
    async with Scribe(simulator, fault=f"stall,after_samples={RATE},for_ms=300") as client:
        await client.say(1.0, commit=True)
        await client.until("committed_transcript")
        assert client.times[-1] - simulator.connections[0].opened >= 0.3


async def test_a_stall_reads_nothing_and_is_no_silence_of_the_client() -> None:
    async with (
        behaving(idle_timeout=0.3) as simulator,
        Scribe(simulator, fault="stall,after_samples=0,for_ms=500") as client,
    ):
        await client.say(1.0, commit=True)
        await client.until("committed_transcript")


async def test_a_client_that_says_nothing_in_a_stall_has_its_time_afterwards() -> None:
    async with (
        behaving(idle_timeout=0.2) as simulator,
        Scribe(simulator, fault="stall,after_samples=0,for_ms=300") as client,
    ):
        await client.rest()
        assert client.close == (1000, "")
        record = await closed_record(simulator)
    assert record.closed is not None
    assert record.closed - record.opened >= 0.5


async def test_a_stall_that_waits_for_nothing_comes_after_the_start(simulator: Simulator) -> None:
    async with Scribe(simulator, fault="stall,after_samples=0,for_ms=200") as client:
        await client.next()
        await client.say(1.0, commit=True)
        await client.until("committed_transcript")
        assert client.times[-1] - client.times[0] >= 0.15


async def test_a_stall_in_place_of_the_session_delays_it(simulator: Simulator) -> None:
    async with Scribe(simulator, fault="stall,for_ms=200") as client:
        await client.next()
        assert client.times[0] - simulator.connections[0].opened >= 0.2


async def test_a_stall_for_ever_lasts_until_the_client_leaves(simulator: Simulator) -> None:
    async with Scribe(simulator, fault="stall,after_samples=1") as client:
        await client.say(1.0, commit=True)
        await simulator.wait_for(lambda: bool(simulator.connections[0].commits))
        client.connection.transport.abort()
        record = await closed_record(simulator)
    assert (record.closed_by_client, record.finals) == (True, 0)


async def test_a_stall_ends_when_the_client_leaves_in_the_middle_of_it(
    simulator: Simulator,
) -> None:
    async with Scribe(simulator, fault="stall,after_samples=1") as client:
        await client.say(1.0)
        await simulator.wait_for(lambda: simulator.connections[0].samples == RATE)
        await client.say(1.0)
        client.connection.transport.close()
        record = await closed_record(simulator)
    assert (record.closed_by_client, record.close_code, record.samples) == (True, 1006, RATE)


async def test_late_finals(simulator: Simulator) -> None:
    async with Scribe(simulator, fault="delay_finals,delay_ms=250,commits=1") as client:
        await client.say(1.0, commit=True)
        await client.until("committed_transcript")
        assert client.times[-1] - simulator.connections[0].opened >= 0.25


async def test_audio_is_read_slowly_and_that_is_no_silence_of_the_client() -> None:
    async with (
        behaving(idle_timeout=0.2) as simulator,
        Scribe(simulator, fault="slow_reading,speed=10") as client,
    ):
        for _ in range(2):
            await client.say(4.0)
        await client.say(0.5, commit=True)
        await client.until("committed_transcript")
        assert client.times[-1] - simulator.connections[0].opened >= 0.8


async def test_a_fault_waits_for_the_connection_it_is_meant_for(simulator: Simulator) -> None:
    simulator.faults.add(Fault(FaultKind.REFUSE_HANDSHAKE, skip=1))
    assert await first_message(simulator) == "session_started"
    with pytest.raises(InvalidStatus):
        await Scribe(simulator).__aenter__()
    assert await first_message(simulator) == "session_started"


async def test_a_fault_that_makes_no_sense_is_refused_at_the_handshake(
    simulator: Simulator,
) -> None:
    simulator.faults.add(Fault(FaultKind.DROP))
    with pytest.raises(InvalidStatus) as refusal:
        await Scribe(simulator, fault="explode").__aenter__()
    assert refusal.value.response.status_code == 400
    assert b"explode" in refusal.value.response.body
    assert simulator.faults.waiting == (Fault(FaultKind.DROP),)


class BrokenEngine(Engine):
    """Breaks when it is asked for what it is told."""

    name = "broken"

    def __init__(self, where: str) -> None:
        self.where = where

    async def open(self, parameters: Parameters) -> Stream:
        if self.where == "open":
            raise EngineFailed("It broke.")
        if self.where == "full":
            raise EngineFull("It is full.")
        return BrokenStream(self.where)


class BrokenStream(Stream):
    def __init__(self, where: str) -> None:
        self._where = where

    async def feed(self, payload: bytes) -> None:
        if self._where == "feed":
            raise EngineFailed("It broke.")

    async def _answer(self, where: str) -> Any:
        raise EngineFailed(f"It broke over a {where}.")

    def partial(self) -> Awaitable[str]:
        return self._answer("partial")

    def commit(self) -> Awaitable[Transcript]:
        return self._answer("commit")

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("where", "error_type"),
    [
        ("open", "transcriber_error"),
        ("full", "resource_exhausted"),
        ("feed", "transcriber_error"),
        ("answer", "transcriber_error"),
    ],
)
async def test_an_engine_that_breaks(where: str, error_type: str) -> None:
    async with Simulator(engine=BrokenEngine(where)) as simulator, Scribe(simulator) as client:
        with suppress(ConnectionClosed):
            await client.say(2.0)
        await client.rest()
        assert client.types[-1] == error_type
        assert client.close == (1000, error_type)


async def test_a_client_that_does_not_read_is_read_no_further() -> None:
    talkative = ScriptedEngine(["x" * 30_000])
    behaviour = Behaviour(first_partial=0.4, partial_interval=0.01)
    async with Simulator(engine=talkative, behaviour=behaviour) as simulator:
        async with Scribe(simulator) as client:
            client.connection.transport.pause_reading()
            await client.say(0.4)
            for _ in range(1200):
                await client.say(0.01)
            record = simulator.connections[0]
            await simulator.wait_for(lambda: record.messages > MAX_UNSENT)
            with pytest.raises(TimeoutError):
                await simulator.wait_for(lambda: record.messages > 1200, 0.3)
            client.connection.transport.resume_reading()
            for _ in range(1201):
                await client.until("partial_transcript")
        assert (await closed_record(simulator)).messages == 1201


# TLS


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def secure(authority: trustme.CA) -> AsyncIterator[Simulator]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with Simulator(api_keys=[KEY], ssl_context=context) as running:
        yield running


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_a_session_over_tls(secure: Simulator, trusting: ssl.SSLContext) -> None:
    assert secure.url.startswith("wss://")
    async with Scribe(secure, tls=trusting) as client:
        await client.say(1.0, commit=True)
        assert (await client.until("committed_transcript"))["text"]
        await client.connection.close()
        assert client.close[0] == 1000


@pytest.mark.parametrize("fault", ["drop", f"drop,after_samples={RATE}"])
async def test_a_drop_over_tls(secure: Simulator, trusting: ssl.SSLContext, fault: str) -> None:
    async with Scribe(secure, tls=trusting, fault=fault) as client:
        with suppress(ConnectionClosed):
            await client.say(1.0)
        await client.rest()
        assert client.close[0] == 1006


async def test_a_reset_handshake_over_tls(secure: Simulator, trusting: ssl.SSLContext) -> None:
    with pytest.raises((InvalidMessage, ConnectionResetError)):
        await Scribe(secure, tls=trusting, fault="reset_handshake").__aenter__()


# What is kept of it


@pytest.mark.parametrize("audio_format", ["pcm_16000", "pcm_48000", "ulaw_8000"])
async def test_the_dump_is_what_was_sent_sample_by_sample(
    tmp_path: Path, audio_format: str
) -> None:
    wire_format = WireFormat(audio_format)
    samples = np.random.default_rng(1).integers(-32768, 32767, 40_000, dtype=np.int16)
    payload = wire_format.pack(samples)
    folder = tmp_path / "new" / "dump"
    async with Simulator(dump_folder=folder, record_audio=True) as simulator:
        async with Scribe(simulator, audio_format=audio_format) as client:
            for begin in range(0, len(payload), 9600):
                await client.send(payload[begin : begin + 9600])
            await client.connection.close()
        record = await closed_record(simulator)
    with wave.open(str(folder / f"{record.session_id}.wav")) as file:
        assert (file.getframerate(), file.getsampwidth()) == (wire_format.rate, 2)
        dumped = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.array_equal(dumped, wire_format.unpack(payload))
    assert np.array_equal(record.audio, dumped)


async def test_a_refused_connection_is_not_dumped(tmp_path: Path) -> None:
    async with Simulator(dump_folder=tmp_path, api_keys=[KEY]) as simulator:
        await first_message(simulator, key="wrong")
    assert files_in(tmp_path) == []


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_the_log_tells_what_came_and_no_secrets() -> None:
    with capture_logs() as lines:
        async with Simulator(api_keys=[KEY]) as simulator:
            token = await token_of(simulator)
            query: dict[str, Any] = {
                "keyterms": "Ada",
                "transcript_edit": "Shout!",
                "language_code": "en",
            }
            async with Scribe(simulator, token=token, **query) as client:
                await client.say(1.0, commit=True, previous_text="as I said")
                await client.until("committed_transcript")
                await client.connection.close()
            record = await closed_record(simulator)
            await first_message(simulator, key="wrong-key")
    events = [line["event"] for line in lines]
    assert events[:4] == [
        "simulator started",
        "session opened",
        "segment ended",
        "connection closed",
    ]
    opened, ended, closed = lines[1:4]
    assert opened["session_id"] == ended["session_id"] == closed["session_id"]
    assert opened["credential"] == "token"
    assert "audio_format=pcm_16000" in opened["parameters"]
    assert "language_code=en" in opened["parameters"]
    assert (ended["start"], ended["end"], ended["cause"]) == (0, RATE, "client")
    assert (closed["samples"], closed["commits"], closed["finals"]) == (RATE, 1, 1)
    assert (closed["close_code"], closed["closed_by_client"]) == (1000, True)
    for secret in (KEY, "wrong-key", token, "Ada", "Shout!", "as I said", "heard 16000"):
        assert secret not in repr(lines)
    assert token not in repr(record)


async def test_a_refused_handshake_is_logged(simulator: Simulator) -> None:
    with capture_logs() as lines, pytest.raises(InvalidStatus):
        await Scribe(simulator, fault="refuse_handshake").__aenter__()
    assert [(line["event"], line["fault"]) for line in lines] == [
        ("handshake refused", "refuse_handshake")
    ]


async def test_the_oldest_closed_connections_are_forgotten(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "KEPT_RECORDS", 2)
    for _ in range(3):
        await first_message(simulator)
        await simulator.wait_for(lambda: not simulator.connections[-1].is_open)
    assert len(simulator.connections) == 2


async def test_connections_that_are_open_are_remembered(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "KEPT_RECORDS", 1)
    async with Scribe(simulator) as client:
        await client.next()
        await first_message(simulator)
        assert len(simulator.connections) == 2


# Starting and stopping


async def test_a_simulator_that_stops_says_so_to_its_clients() -> None:
    async with Simulator() as simulator:
        client = await Scribe(simulator).__aenter__()
        await client.next()
    await client.rest()
    assert client.close == (1001, "")
    assert (simulator.connections[0].close_code, simulator.connections[0].closed_by_client) == (
        1001,
        False,
    )


async def test_a_stalled_connection_does_not_keep_it_from_stopping() -> None:
    async with Simulator() as simulator:
        client = await Scribe(simulator, fault="stall,after_samples=0").__aenter__()
        await client.next()
    await client.rest()
    assert client.close == (1001, "")


def test_there_is_no_address_before_it_has_a_port() -> None:
    with pytest.raises(RuntimeError, match="enter its context first"):
        _ = Simulator().url


async def test_it_comes_back_at_the_same_address() -> None:
    simulator = Simulator()
    urls = set()
    for _ in range(2):
        async with simulator:
            urls.add(simulator.url)
            assert await first_message(simulator) == "session_started"
    assert len(urls) == 1


async def test_an_address_of_version_6_stands_in_brackets() -> None:
    async with Simulator(host="::1") as simulator:
        assert simulator.url.startswith("ws://[::1]:")
        assert await first_message(simulator) == "session_started"


async def test_a_port_that_is_taken_stops_the_engine_as_well(simulator: Simulator) -> None:
    engine = StoppableEngine()
    port = int(simulator.url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        await Simulator(port=port, engine=engine).__aenter__()
    assert engine.is_stopped


class StoppableEngine(ScriptedEngine):
    is_stopped = False

    async def aclose(self) -> None:
        self.is_stopped = True
