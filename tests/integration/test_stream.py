"""One session from end to end: what the client sends is what the provider hears."""

import asyncio
from typing import Any

import numpy as np
import pytest

from relay.audio.chain import AudioChain
from relay.audio.pcm import Encoding, Float32, Int16, WireFormat
from relay.scribe.errors import ErrorType
from relay.simulator.behaviour import Behaviour
from relay.simulator.faults import Fault, FaultKind
from relay.simulator.server import Simulator
from tests.support.relay import Client, Relay, relay_to
from tests.support.settings import KEY
from tests.support.speech import flite

HEARD = "heard {} samples from {} to {}"
"""What the scripted engine says of a segment."""


def noise(seconds: float, rate: int) -> Float32:
    """White noise at −20 dBFS, the same in every run."""
    frames = round(seconds * rate)
    return (0.1 * np.random.default_rng(7).standard_normal(frames)).astype(np.float32)


def resampled(samples: Float32, rate: int) -> Int16:
    """What the provider should get of a whole session, computed in one go."""
    chain = AudioChain(rate, encoding=Encoding.PCM_F32LE, channels=1)
    return np.concatenate([chain.push(samples.tobytes()), chain.flush()])


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000, 192_000])
async def test_the_provider_hears_every_sample(
    simulator: Simulator, relay: Relay, rate: int
) -> None:
    spoken = noise(2.5, rate)
    async with Client(relay, sample_rate=rate) as client:
        await client.send(spoken, frames_per_message=rate // 20)
        ended = await client.stop()
    expected = resampled(spoken, rate)
    assert np.array_equal(simulator.connections[0].audio, expected)
    assert client.finals == [HEARD.format(len(expected), 0, len(expected))]
    assert client.of("committed_transcript")[0]["end_sample"] == len(spoken)
    assert ended == {
        "message_type": "session_ended",
        "seq": ended["seq"],
        "reason": "stopped",
        "audio_ms": 2500,
        "segments": 1,
        "words": 7,
    }


async def test_stereo_of_16_bits(simulator: Simulator, relay: Relay) -> None:
    left, right = np.arange(-8000, 8000, dtype=np.int16), np.arange(16_000, dtype=np.int16)
    both = np.stack([left, right], axis=1)
    query: dict[str, Any] = {"sample_rate": 16_000, "encoding": "pcm_s16le", "channels": 2}
    async with Client(relay, **query) as client:
        await client.connection.send(both.astype("<i2").tobytes())
        await client.stop()
    mean = (left.astype(np.int32) + right) / 2
    heard = simulator.connections[0].audio
    assert np.abs(heard - mean).max() <= 1


@pytest.mark.parametrize("wire_format", ["pcm_8000", "pcm_22050", "pcm_48000", "ulaw_8000"])
async def test_other_formats_of_scribe_by_setting(simulator: Simulator, wire_format: str) -> None:
    async with (
        relay_to(simulator.url, upstream_audio_format=wire_format) as relay,
        Client(relay) as client,
    ):
        await client.send(noise(1.0, 48_000))
        await client.stop()
    (connection,) = simulator.connections
    assert connection.parameters is not None
    assert connection.parameters.audio_format == wire_format
    assert connection.samples == WireFormat(wire_format).rate
    assert client.of("committed_transcript")[0]["end_sample"] == 48_000


async def test_audio_sent_before_the_provider_is_ready_is_heard(simulator: Simulator) -> None:
    simulator.faults.add(Fault(FaultKind.DELAY_START, delay_ms=700))
    spoken = noise(2.0, 48_000)
    async with relay_to(simulator.url) as relay, Client(relay) as client:
        await client.send(spoken)
        await client.say("commit")
        assert simulator.connections == [] or simulator.connections[0].samples == 0
        await client.event("committed_transcript")
        await client.stop()
    assert np.array_equal(simulator.connections[0].audio[:32_000], resampled(spoken, 48_000))


async def test_each_commit_is_one_final_that_says_what_it_covers(
    simulator: Simulator, relay: Relay
) -> None:
    async with Client(relay, sample_rate=16_000) as client:
        for _ in range(3):
            await client.send(noise(1.0, 16_000))
            await client.say("commit")
        await client.wait_for(lambda: len(client.finals) == 3)
        await client.stop()
    finals = client.of("committed_transcript")
    assert [final["segment"] for final in finals] == [0, 1, 2]
    assert [final["end_sample"] for final in finals] == [16_000, 32_000, 48_000]
    assert {final["cause"] for final in finals} == {"client"}
    assert client.finals[2] == HEARD.format(16_000, 32_000, 48_000)


async def test_commits_without_audio_are_answered_and_never_throttled(
    simulator: Simulator, relay: Relay
) -> None:
    async with Client(relay, sample_rate=16_000) as client:
        await client.send(noise(0.05, 16_000))
        for _ in range(3):
            await client.say("commit")
        await client.wait_for(lambda: len(client.finals) == 3)
        await client.stop()
    assert [final["end_sample"] for final in client.of("committed_transcript")] == [800] * 3
    assert simulator.connections[0].close_code == 1000


async def test_partials_come_while_one_speaks(relay: Relay) -> None:
    async with Client(relay, sample_rate=16_000) as client:
        await client.send(noise(4.0, 16_000))
        partial = await client.event("partial_transcript")
        await client.stop()
    assert partial["text"]
    assert [event["seq"] for event in client.events] == sorted(
        event["seq"] for event in client.events
    )


async def test_what_arrived_is_acknowledged(relay: Relay) -> None:
    async with Client(relay) as client:
        await client.send(noise(0.5, 48_000))
        acknowledged = await client.event("audio_acknowledged")
        await client.stop()
    assert acknowledged["samples_received"] == 24_000


async def test_the_tail_is_heard_even_if_nothing_more_comes(
    simulator: Simulator, relay: Relay
) -> None:
    async with Client(relay, sample_rate=16_000) as client:
        await client.send(noise(0.25, 16_000), frames_per_message=4000)
        await simulator.wait_for(
            lambda: bool(simulator.connections) and simulator.connections[0].samples == 4000
        )


async def test_a_change_of_device_keeps_the_clock(simulator: Simulator, relay: Relay) -> None:
    before, after = noise(1.0, 48_000), noise(1.0, 44_100)
    async with Client(relay, include_timestamps="true") as client:
        await client.send(before)
        await client.say("format", sample_rate=44_100)
        await client.send(after)
        ended = await client.stop()
    heard = simulator.connections[0].audio
    assert np.array_equal(heard[:16_000], resampled(before, 48_000))
    assert np.array_equal(heard[16_000:], resampled(after, 44_100))
    assert client.of("committed_transcript")[0]["end_sample"] == 48_000 + 44_100
    assert ended["audio_ms"] == 2000
    words = client.of("committed_transcript_with_timestamps")[0]["words"]
    assert words[-1]["end"] == pytest.approx(2.0, abs=0.01)


async def test_word_times_do_not_drift_over_padding(simulator: Simulator, relay: Relay) -> None:
    async with Client(relay, sample_rate=16_000, include_timestamps="true") as client:
        for _ in range(5):
            await client.send(noise(0.1, 16_000))
            await client.say("commit")
        await client.send(noise(1.0, 16_000))
        await client.stop()
    timed = client.of("committed_transcript_with_timestamps")
    assert [event["segment"] for event in timed] == list(range(6))
    assert simulator.connections[0].samples == 5 * 4800 + 16_000
    assert timed[-1]["words"][0]["start"] == pytest.approx(0.5, abs=0.001)
    assert timed[-1]["words"][-1]["end"] == pytest.approx(1.5, abs=0.001)


@pytest.mark.parametrize("kind", [FaultKind.REVERSE_FINALS, FaultKind.OMIT_TIMED])
async def test_the_timed_final_comes_second_and_always(
    simulator: Simulator, relay: Relay, kind: FaultKind
) -> None:
    simulator.faults.add(Fault(kind))
    async with Client(relay, sample_rate=16_000, include_timestamps="true") as client:
        await client.send(noise(1.0, 16_000))
        await client.stop()
    kinds = [e["message_type"] for e in client.events if e["message_type"].startswith("committed")]
    assert kinds == ["committed_transcript", "committed_transcript_with_timestamps"]
    words = client.of("committed_transcript_with_timestamps")[0]["words"]
    assert (words is None) == (kind is FaultKind.OMIT_TIMED)


async def test_who_did_not_ask_for_times_gets_none(relay: Relay) -> None:
    async with Client(relay, sample_rate=16_000) as client:
        await client.send(noise(1.0, 16_000))
        await client.stop()
    assert client.of("committed_transcript_with_timestamps") == []


async def test_the_provider_is_asked_what_was_granted_and_never_to_commit(
    simulator: Simulator,
) -> None:
    async with relay_to(simulator.url, pinned_options=(("language_code", "en"),)) as relay:
        query: dict[str, Any] = {
            "commit_strategy": "vad",
            "vad_silence_threshold_secs": 0.5,
            "language_code": "de",
        }
        async with Client(relay, **query) as client:
            started = await client.event("session_started")
            warning = await client.event("warning")
            await client.send(noise(0.5, 48_000))
            await client.stop()
    parameters = simulator.connections[0].parameters
    assert parameters is not None
    assert (parameters.commit_strategy, parameters.language_code) == ("manual", "en")
    assert started["config"]["commit_strategy"] == "vad"
    assert started["config"]["language_code"] == "en"
    assert warning["code"] == "option_changed"
    assert "language_code" in warning["text"]


async def test_mute_ends_the_segment(relay: Relay) -> None:
    async with Client(relay, sample_rate=16_000) as client:
        await client.send(noise(0.5, 16_000))
        await client.say("mute")
        final = await client.event("committed_transcript")
        await client.say("mute")
        await client.say("unmute")
        await client.send(noise(0.5, 16_000))
        await client.stop()
    assert final["end_sample"] == 8000
    assert len(client.finals) == 2


async def test_nobody_speaking_ends_in_order_as_well(relay: Relay) -> None:
    async with Client(relay) as client:
        ended = await client.stop()
    assert (ended["audio_ms"], ended["segments"]) == (0, 0)


async def test_a_quiet_session_outlives_the_providers_patience(simulator: Simulator) -> None:
    behaviour = Behaviour(idle_timeout=11.5)
    async with (
        Simulator(api_keys=(KEY,), behaviour=behaviour) as impatient,
        relay_to(impatient.url) as relay,
        Client(relay, sample_rate=16_000) as client,
    ):
        await client.send(noise(1.0, 16_000))
        await asyncio.sleep(12.5)
        await client.send(noise(1.0, 16_000))
        ended = await client.stop()
        assert impatient.connections[0].samples == 32_000 + 1600
    assert ended["audio_ms"] == 2000
    assert client.of("committed_transcript")[0]["end_sample"] == 32_000


async def test_the_wait_for_a_pause_ends_segments_by_voice_activity(
    simulator: Simulator, relay: Relay
) -> None:
    speech, rate = flite("The quick brown fox jumps over the lazy dog.", "rms")
    assert rate == 16_000
    room = noise(2.0, rate) * np.float32(0.01)
    spoken = np.concatenate([room[:8000], (speech / 32_768).astype(np.float32), room])
    query: dict[str, Any] = {
        "sample_rate": 16_000,
        "commit_strategy": "vad",
        "vad_silence_threshold_secs": 0.8,
    }
    async with Client(relay, **query) as client:
        await client.send(spoken)
        final = await client.event("committed_transcript")
        await client.stop()
    assert final["cause"] == "vad"
    end_of_speech = len(spoken) - 2 * 16_000
    assert end_of_speech < final["end_sample"] < end_of_speech + 1.3 * 16_000


async def test_silence_that_was_answered_by_nothing_is_no_gap(
    simulator: Simulator, relay: Relay
) -> None:
    refused = Fault(FaultKind.ERROR, error_type=ErrorType.QUOTA_EXCEEDED, after_finals=1)
    simulator.faults.add(refused)
    async with Client(relay, sample_rate=16_000) as client:
        await client.send(np.zeros(31 * 16_000, np.float32), frames_per_message=16_000)
        assert await client.closed(seconds=40) == 4502
    assert client.of("committed_transcript") == []
    (gap,) = client.of("audio_gap")
    assert gap["from_sample"] >= 25 * 16_000


async def test_what_is_settled_is_acknowledged_even_if_nothing_was_said(
    relay: Relay,
) -> None:
    async with Client(relay, sample_rate=16_000) as client:
        await client.send(np.zeros(31 * 16_000, np.float32), frames_per_message=16_000)
        await client.wait_for(
            lambda: any(
                event["samples_covered"] >= 25 * 16_000 for event in client.of("audio_acknowledged")
            ),
            seconds=30,
        )
        await client.stop()


async def test_the_end_waits_for_the_extras_that_were_asked_for(simulator: Simulator) -> None:
    query: dict[str, Any] = {"entity_detection": "all", "entity_redaction": "all"}
    allowed = frozenset(query)
    async with (
        relay_to(simulator.url, allowed_surcharges=allowed) as relay,
        Client(relay, sample_rate=16_000, **query) as client,
    ):
        await client.send(noise(1.0, 16_000))
        await client.stop()
    assert len(client.of("committed_transcript_entities")) == 1
    assert len(client.of("redacted_transcript")) == 1


async def test_a_late_timed_final_does_not_shift_the_next_ones(simulator: Simulator) -> None:
    behaviour = Behaviour(timed_delay=2.2)
    async with (
        Simulator(api_keys=(KEY,), behaviour=behaviour) as late,
        relay_to(late.url) as relay,
        Client(relay, sample_rate=16_000, include_timestamps="true") as client,
    ):
        for number in range(1, 4):
            await client.send(noise(1.0, 16_000))
            await client.say("commit")
            await client.count("committed_transcript_with_timestamps", number)
        await client.stop()
    for plain, timed in zip(
        client.of("committed_transcript"),
        client.of("committed_transcript_with_timestamps"),
        strict=True,
    ):
        assert (plain["segment"], plain["text"]) == (timed["segment"], timed["text"])
