"""Real speech through real sockets to a real recogniser."""

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from relay.simulator.server import Simulator
from tests.support.relay import Client, Relay, relay_to
from tests.support.settings import KEY
from tests.support.speech import alsa_recording, flite
from tests.support.words import word_error_rate

pytest.importorskip("pocketsphinx", reason="there is no wheel for this Python")

SENTENCES = [
    "the train to the city leaves at nine in the morning",
    "please open the window because it is very warm in here",
    "we will meet again next week to talk about the new house",
]
"""Words that the recogniser's dictionary knows."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def speech_relay() -> AsyncIterator[Relay]:
    async with (
        Simulator(engine="pocketsphinx", api_keys=(KEY,)) as simulator,
        relay_to(simulator.url, commit_timeout=30, stop_timeout=60) as relay,
    ):
        yield relay


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("voice", ["rms", "awb", "slt"])
async def test_what_was_said_is_what_is_read(speech_relay: Relay, voice: str) -> None:
    wrong = 0.0
    for sentence in SENTENCES:
        samples, rate = flite(sentence, voice)
        query: dict[str, Any] = {
            "sample_rate": rate,
            "encoding": "pcm_s16le",
            "include_timestamps": "true",
        }
        async with Client(speech_relay, **query) as client:
            for start in range(0, len(samples), rate // 10):
                await client.connection.send(samples[start : start + rate // 10].tobytes())
            await client.say("stop")
            assert await client.closed(seconds=90) == 1000
        heard = " ".join(client.finals)
        wrong += word_error_rate(sentence, heard)
        check_word_times(client, len(samples) / rate)
        assert client.of("partial_transcript")
    assert wrong / len(SENTENCES) < 0.35


def check_word_times(client: Client, duration: float) -> None:
    """Word times rise within the audio, and say the same words as the text."""
    (timed,) = client.of("committed_transcript_with_timestamps")
    words = [word for word in timed["words"] if word["type"] == "word"]
    assert " ".join(word["text"] for word in words) == timed["text"]
    starts = [word["start"] for word in words]
    assert starts == sorted(starts)
    assert starts[0] >= 0
    assert words[-1]["end"] <= duration + 0.05
    assert all(word["logprob"] <= 0 for word in words)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "recording", ["Front_Center", "Front_Left", "Front_Right", "Rear_Center", "Rear_Left"]
)
async def test_a_human_voice_at_the_rate_of_a_sound_card(
    speech_relay: Relay, recording: str
) -> None:
    samples, rate = alsa_recording(recording)
    assert rate == 48_000
    async with Client(speech_relay, sample_rate=rate) as client:
        await client.send((samples / 32_768).astype(np.float32))
        await client.say("stop")
        assert await client.closed(seconds=60) == 1000
    # Each says two words; alone and short, the first one is beyond this recogniser at times.
    heard = " ".join(client.finals).split()
    assert heard[-1] == recording.lower().split("_")[1]


@pytest.mark.asyncio(loop_scope="module")
async def test_sentences_are_told_apart_by_the_pause_between_them(
    speech_relay: Relay,
) -> None:
    spoken = [flite(sentence, "rms")[0] for sentence in SENTENCES[:2]]
    pause = np.zeros(2 * 16_000, np.int16)
    samples = np.concatenate([spoken[0], pause, spoken[1], pause])
    query: dict[str, Any] = {
        "sample_rate": 16_000,
        "commit_strategy": "vad",
        "vad_silence_threshold_secs": 1.0,
    }
    async with Client(speech_relay, **query) as client:
        await client.send((samples / 32_768).astype(np.float32))
        await client.say("stop")
        assert await client.closed(seconds=90) == 1000
    said = [event["text"] for event in client.of("committed_transcript") if event["text"]]
    assert len(said) == 2
    for sentence, heard in zip(SENTENCES, said, strict=False):
        assert word_error_rate(sentence, heard) < 0.5
