"""Scribe's protocol as its clients rely on it: what holds at the provider holds at the relay.

Each test runs against the simulator alone and against a relay in front of it.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect

from relay.audio.pcm import Int16, WireFormat
from relay.scribe.parameters import AudioFormat
from relay.simulator.records import ConnectionRecord
from relay.simulator.server import REALTIME_PATH, Simulator
from tests.simulator.scribe import Scribe
from tests.support.relay import relay_to
from tests.support.settings import KEY

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEARD = "heard {} samples from {} to {}"
"""What the scripted engine says of a segment."""


@dataclass(frozen=True)
class Target:
    """Whoever speaks Scribe's protocol, and the provider at the end of the line."""

    url: str
    key: str
    simulator: Simulator

    def client(self, **query: str | list[str]) -> Scribe:
        return Scribe(self.url, key=self.key, **query)  # type: ignore[arg-type]  # lists are sequences

    @property
    def record(self) -> ConnectionRecord:
        """What reached the provider, on its only socket."""
        (record,) = [each for each in self.simulator.connections if each.payload is not None]
        return record

    async def token(self, token_type: str = "realtime_scribe") -> str:  # a kind of token
        url = f"{self.url.replace('ws', 'http', 1)}/v1/single-use-token/{token_type}"
        async with (
            aiohttp.ClientSession() as http,
            http.post(url, headers={"xi-api-key": self.key}) as answer,
        ):
            assert answer.status == 200
            body = await answer.json()
        assert list(body) == ["token"]
        return str(body["token"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider() -> AsyncIterator[Simulator]:
    async with Simulator(api_keys=(KEY,), record_audio=True) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def relay(provider: Simulator) -> AsyncIterator[Target]:
    async with relay_to(provider.url, allowed_surcharges="keyterms") as running:
        yield Target(running.url.replace("http", "ws", 1), running.key, provider)


@pytest.fixture(params=["simulator", "relay"])
def target(request: pytest.FixtureRequest, provider: Simulator, relay: Target) -> Target:
    """Each of the two in turn, with nothing from the tests before."""
    provider.connections.clear()
    return relay if request.param == "relay" else Target(provider.url, KEY, provider)


def chunk(audio: bytes, **fields: object) -> str:
    encoded = base64.b64encode(audio).decode()
    return json.dumps({"message_type": "input_audio_chunk", "audio_base_64": encoded, **fields})


def noise(frames: int) -> Int16:
    return np.random.default_rng(3).integers(-(2**15), 2**15, frames).astype(np.int16)


# Credentials.


async def test_a_key_is_shown_in_the_header(target: Target) -> None:
    async with target.client() as client:
        started = await client.next()
    assert started["message_type"] == "session_started"
    assert len(bytes.fromhex(started["session_id"])) == 16


async def test_a_token_is_shown_in_the_query_and_works_once(target: Target) -> None:
    token = await target.token()
    async with Scribe(target.url, key=None, token=token) as client:
        assert (await client.next())["message_type"] == "session_started"
    async with Scribe(target.url, key=None, token=token) as client:
        assert [message["message_type"] for message in await client.rest()] == ["auth_error"]


async def test_a_bad_token_is_not_made_good_by_a_key(target: Target) -> None:
    async with target.client(token="spent") as client:
        assert [message["message_type"] for message in await client.rest()] == ["auth_error"]
    assert client.close == (1000, "")


@pytest.mark.parametrize("key", [None, "xi-wrong"])
async def test_a_bad_credential_is_told_on_the_socket_and_closed_with_1000(
    target: Target, key: str | None
) -> None:
    async with Scribe(target.url, key=key) as client:
        (error,) = await client.rest()
    assert set(error) == {"message_type", "error"}
    assert error["message_type"] == "auth_error"
    assert error["error"].startswith("You must be authenticated") or key is not None
    assert client.close == (1000, "")


@pytest.mark.parametrize(("token_type", "status"), [("realtime_scribe", 401), ("other", 422)])
async def test_tokens_are_refused_as_the_vendor_does(
    target: Target, token_type: str, status: int
) -> None:
    url = f"{target.url.replace('ws', 'http', 1)}/v1/single-use-token/{token_type}"
    headers = {"xi-api-key": "xi-wrong" if status == 401 else target.key}
    async with aiohttp.ClientSession() as http, http.post(url, headers=headers) as answer:
        assert answer.status == status


# Parameters.


async def test_nothing_need_be_said_in_the_query(target: Target) -> None:
    async with target.client() as client:
        config = (await client.next())["config"]
    assert config["audio_format"] == "pcm_16000"
    assert config["sample_rate"] == 16_000
    assert config["model_id"] == "scribe_v2_realtime"
    assert config["commit_strategy"] == "manual"
    assert config["vad_commit_strategy"] is False


async def test_the_config_echoes_what_was_asked_for(target: Target) -> None:
    query: dict[str, str | list[str]] = {
        "audio_format": "pcm_24000",
        "commit_strategy": "vad",
        "vad_silence_threshold_secs": "0.7",
        "secondary_languages": ["uk", "en"],
        "keyterms": ["Kyiv", "a,b"],
        "include_timestamps": "true",
        "keepalive_interval_ms": "500",
    }
    async with target.client(**query) as client:
        config = (await client.next())["config"]
    assert (config["audio_format"], config["sample_rate"]) == ("pcm_24000", 24_000)
    assert config["vad_commit_strategy"] is True
    assert config["vad_silence_threshold_secs"] == 0.7
    assert config["secondary_languages"] == ["uk", "en"]
    assert config["keyterms"] == ["Kyiv", "a,b"]
    assert config["include_timestamps"] is True
    assert config["keepalive_interval_ms"] == 500


@pytest.mark.parametrize("space", ["+", "%20"])
async def test_spaces_may_be_plus_signs_or_escaped(target: Target, space: str) -> None:
    url = f"{target.url}{REALTIME_PATH}?keyterms=New{space}York"
    headers = {"xi-api-key": target.key}
    async with connect(url, additional_headers=headers) as connection:
        assert json.loads(await connection.recv())["config"]["keyterms"] == ["New York"]


BAD = {
    "model_id": "scribe_v2",
    "audio_format": "mp3_44100",
    "language_code": "en-US",
    "commit_strategy": "never",
    "vad_silence_threshold_secs": "0.29",
    "vad_threshold": "0.91",
    "min_speech_duration_ms": "49",
    "min_silence_duration_ms": "2001",
    "include_timestamps": "yes",
    "keyterms": "a keyterm of more than 20",
    "keepalive_interval_ms": "499",
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_parameter_is_told_and_closed_with_1008(target: Target, name: str) -> None:
    async with target.client(**{name: BAD[name]}) as client:
        (error,) = await client.rest()
    assert set(error) == {"message_type", "error"}
    assert error["message_type"] == "invalid_request"
    assert name in error["error"]
    assert client.close == (1008, "invalid_request")


async def test_background_filter_and_timestamps_exclude_each_other(target: Target) -> None:
    query = {"filter_background_audio": "true", "include_timestamps": "true"}
    async with target.client(**query) as client:
        (error,) = await client.rest()
    assert error["message_type"] == "invalid_request"


async def test_unknown_parameters_are_tolerated(target: Target) -> None:
    async with target.client(sample_rate="16000", x="1") as client:
        await client.say(1.0)
        await client.say(commit=True)
        final = await client.until("committed_transcript")
    assert final["text"] == HEARD.format(16_000, 0, 16_000)
    assert "error" not in {key for message in client.messages for key in message}


# What clients send.


@pytest.mark.parametrize("chunk", [320, 800, 1600, 4096, 16_000])
async def test_every_sample_arrives_unchanged(target: Target, chunk: int) -> None:
    said = noise(3 * 16_000)
    async with target.client() as client:
        for start in range(0, len(said), chunk):
            await client.send(said[start : start + chunk].astype("<i2").tobytes())
        await client.send(b"", commit=True)
        await client.until("committed_transcript")
    assert np.array_equal(target.record.audio, said)


@pytest.mark.parametrize("name", AudioFormat)
async def test_each_format_arrives_as_it_was_sent(target: Target, name: AudioFormat) -> None:
    wire_format = WireFormat(name)
    said = wire_format.unpack(wire_format.pack(noise(wire_format.rate)))
    async with target.client(audio_format=name) as client:
        for part in np.array_split(said, 10):
            await client.send(wire_format.pack(part))
        await client.send(b"", commit=True)
        final = await client.until("committed_transcript")
    assert np.array_equal(target.record.audio, said)
    assert final["text"] == HEARD.format(len(said), 0, len(said))


@pytest.mark.parametrize("name", ["pcm_8000", "pcm_48000"])
async def test_word_times_are_of_the_clients_audio(target: Target, name: str) -> None:
    second = WireFormat(name).pack(noise(WireFormat(name).rate))
    async with target.client(audio_format=name, include_timestamps="true") as client:
        for _ in range(2):
            await client.send(second, commit=True)
            timed = await client.until("committed_transcript_with_timestamps")
    times = [word["start"] for word in timed["words"]]
    assert times == sorted(times)
    assert 1.0 <= times[0] < times[-1] <= 2.0


async def test_audio_may_come_before_the_start(target: Target) -> None:
    async with target.client() as client:
        await client.say(1.0, commit=True)
        assert (await client.next())["message_type"] == "session_started"
        assert (await client.until("committed_transcript"))["text"] == HEARD.format(
            16_000, 0, 16_000
        )


async def test_null_as_previous_text_is_fine_on_every_chunk(target: Target) -> None:
    async with target.client() as client:
        for _ in range(4):
            await client.say(0.256, previous_text=None, commit=False, sample_rate=16_000)
        await client.send(b"", commit=True, sample_rate=16_000, previous_text=None)
        await client.until("committed_transcript")
    assert "input_error" not in client.types


@pytest.mark.parametrize("seconds", [0.0, 1.0])
async def test_previous_text_on_the_first_chunk_reaches_the_provider(
    target: Target, seconds: float
) -> None:
    async with target.client() as client:
        await client.say(seconds, previous_text="so far, so good")
        await client.say(1.0, commit=True)
        await client.until("committed_transcript")
    assert target.record.previous_text == "so far, so good"


async def test_previous_text_on_a_later_chunk_is_an_error(target: Target) -> None:
    async with target.client() as client:
        await client.say(0.5)
        await client.say(0.5, previous_text="too late")
        assert "previous_text" in (await client.until("input_error"))["error"]
        await client.say(0.5, commit=True)
        assert (await client.until("committed_transcript"))["text"] == HEARD.format(
            16_000, 0, 16_000
        )


@pytest.mark.parametrize("is_empty", [True, False])
async def test_a_commit_may_be_empty_or_carry_audio(target: Target, is_empty: bool) -> None:
    async with target.client() as client:
        if is_empty:
            await client.say(1.0)
            await client.say(commit=True)
        else:
            await client.say(1.0, commit=True)
        assert (await client.until("committed_transcript"))["text"] == HEARD.format(
            16_000, 0, 16_000
        )
    (commit,) = target.record.commits
    assert (commit.start, commit.end) == (0, 16_000)


async def test_each_commit_has_one_final_in_order(target: Target) -> None:
    async with target.client() as client:
        for _ in range(3):
            await client.say(0.5, commit=True)
        finals = [await client.until("committed_transcript") for _ in range(3)]
    assert [final["text"] for final in finals] == [
        HEARD.format(8000, start, start + 8000) for start in (0, 8000, 16_000)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        '{"message_type":"commit"}',
        '{"type":"input_audio_chunk","audio_base_64":""}',
        '{"message_type":"input_audio_chunk","audio":""}',
        '{"message_type":"input_audio_chunk","audio_base_64":"%%%"}',
        '{"message_type":"input_audio_chunk","audio_base_64":"AA=="}',
    ],
)
async def test_a_bad_message_is_told_of_and_the_session_goes_on(target: Target, text: str) -> None:
    async with target.client() as client:
        await client.connection.send(text)
        assert set(await client.until("input_error")) == {"message_type", "error"}
        await client.say(1.0, commit=True)
        await client.until("committed_transcript")


async def test_binary_is_no_message(target: Target) -> None:
    async with target.client() as client:
        await client.connection.send(bytes(3200))
        error = await client.until("input_error")
        await client.say(1.0, commit=True)
        await client.until("committed_transcript")
    assert error["error"] == "Message must be a valid protocol message"
    assert target.record.samples == 16_000


# What clients hear.


async def test_partials_replace_each_other_and_finals_are_plain(target: Target) -> None:
    async with target.client() as client:
        for _ in range(5):
            await client.say(1.0)
        await client.say(commit=True)
        final = await client.until("committed_transcript")
    assert set(final) == {"message_type", "text"}
    partials = [each for each in client.messages if each["message_type"] == "partial_transcript"]
    assert partials
    assert all(set(partial) == {"message_type", "text"} for partial in partials)


@pytest.mark.parametrize(
    ("name", "words", "language"),
    [("include_timestamps", True, False), ("include_language_detection", False, True)],
)
async def test_either_option_adds_the_timed_message(
    target: Target, name: str, words: bool, language: bool
) -> None:
    async with target.client(**{name: "true"}) as client:
        await client.say(1.0, commit=True)
        plain = await client.until("committed_transcript")
        timed = await client.until("committed_transcript_with_timestamps")
    assert timed["text"] == plain["text"]
    assert set(timed) == {"message_type", "text", "language_code", "words"}
    assert (timed["words"] is not None) is words
    assert (timed["language_code"] is not None) is language
    if words:
        assert set(timed["words"][0]) == {
            "text",
            "start",
            "end",
            "type",
            "speaker_id",
            "logprob",
            "characters",
            "channel_index",
        }


async def test_neither_option_adds_none(target: Target) -> None:
    async with target.client(language_code="en") as client:
        await client.say(1.0, commit=True)
        await client.connection.close()
        await client.rest()
    assert "committed_transcript_with_timestamps" not in client.types


# How it ends.


@pytest.mark.parametrize("code_and_reason", [(1000, "User ended session"), ()])
async def test_a_commit_is_answered_before_the_close_that_follows_it(
    target: Target, code_and_reason: tuple[Any, ...]
) -> None:
    async with target.client() as client:
        await client.say(1.0)
        await client.say(commit=True)
        # In Node, unlike in Python, no code is given.
        client.connection.protocol.send_close(*code_and_reason)
        client.connection.send_data()
        messages = await client.rest()
    assert HEARD.format(16_000, 0, 16_000) in [message.get("text") for message in messages]
    assert client.close == (1000, "")


async def test_url_mode_is_taken_at_25_times_real_time(target: Target) -> None:
    message = chunk(noise(4096).astype("<i2").tobytes(), commit=False)
    async with target.client(commit_strategy="manual") as client:
        for _ in range(60):
            await client.connection.send(message)
            await asyncio.sleep(0.01)
        await client.send(b"", commit=True)
        await client.until("committed_transcript")
    assert target.record.samples == 60 * 4096
    assert not {key for each in client.messages for key in each} & {"error"}
