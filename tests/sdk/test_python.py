"""Python's `elevenlabs`."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from elevenlabs import AudioFormat, CommitStrategy, ElevenLabs, RealtimeConnection, RealtimeEvents
from websockets.exceptions import ConnectionClosed

from relay.audio.pcm import Int16
from relay.simulator.faults import Fault, FaultKind
from tests.sdk.heard import Event, Heard, check_audio, check_heard, check_words
from tests.sdk.said import (
    IN_MID_SENTENCE,
    SENTENCE,
    sentence,
    sentence_and_pause,
    write_sentence_and_pause,
)
from tests.sdk.targets import Target
from tests.support.audio_files import RATE

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # The SDK leaves the pipe from ffmpeg to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]

CHUNKS = {
    "model_id": "scribe_v2_realtime",
    "audio_format": AudioFormat.PCM_16000,
    "sample_rate": RATE,
}


class Listener:
    """A handler of every event that the SDK knows."""

    def __init__(self, connection: RealtimeConnection) -> None:
        self.heard = Heard()
        self.messages: dict[str, list[dict[str, Any]]] = {kind.value: [] for kind in RealtimeEvents}
        self._came = {kind.value: asyncio.Event() for kind in RealtimeEvents}
        for kind in RealtimeEvents:
            connection.on(kind, partial(self._note, kind.value))

    def _note(self, kind: str, message: dict[str, Any] | None = None) -> None:
        self.messages[kind].append(message or {})
        self.heard.append(Event(kind, self.messages[kind][-1].get("text", "")))
        self._came[kind].set()

    async def hear(self, kind: RealtimeEvents, number: int = 1) -> dict[str, Any]:
        """Wait until so many messages of a kind have come; the last one."""
        async with asyncio.timeout(60):
            while len(self.messages[kind.value]) < number:
                self._came[kind.value].clear()
                await self._came[kind.value].wait()
        return self.messages[kind.value][number - 1]


@asynccontextmanager
async def connected(target: Target, **options: Any) -> AsyncIterator[RealtimeConnection]:
    """Open a connection, and close it."""
    relay_url, relay_key = target.url, target.key
    client = ElevenLabs(
        api_key=relay_key,
        base_url=relay_url,
    )
    connection = await client.speech_to_text.realtime.connect(options)  # type: ignore[call-overload]
    try:
        yield connection
    finally:
        await connection.close()


async def send(connection: RealtimeConnection, samples: Int16) -> None:
    """Send all of it in messages of a tenth of a second."""
    for start in range(0, samples.size, RATE // 10):
        chunk = samples[start : start + RATE // 10].tobytes()
        await connection.send({"audio_base_64": base64.b64encode(chunk).decode()})


async def dictate_twice(target: Target) -> None:
    """Say the sentence twice, commit each, and check all that comes of it."""
    async with connected(target, **CHUNKS, include_timestamps=True) as connection:
        listener = Listener(connection)
        times: list[float] = []
        for number in (1, 2):
            await send(connection, sentence())
            await connection.commit()
            timed = await listener.hear(RealtimeEvents.COMMITTED_TRANSCRIPT_WITH_TIMESTAMPS, number)
            words = [word for word in timed["words"] if word["type"] == "word"]
            check_words(" ".join(word["text"] for word in words))
            times += [time for word in words for time in (word["start"], word["end"])]
    check_heard(listener.heard, f"{SENTENCE} {SENTENCE}")
    check_audio(target, np.tile(sentence(), 2))
    seconds = sentence().size / RATE
    assert times == sorted(times)
    assert 0 <= times[0] < seconds < times[-1] <= 2 * seconds + 0.05


async def test_chunks_that_the_client_commits(target: Target) -> None:
    await dictate_twice(target)


async def test_a_file_that_a_pause_commits(target: Target, tmp_path: Path) -> None:
    options = {
        "model_id": "scribe_v2_realtime",
        "url": str(write_sentence_and_pause(tmp_path)),
        "commit_strategy": CommitStrategy.VAD,
        "vad_silence_threshold_secs": 0.5,
        "token": await target.token(),
    }
    async with connected(target, **options) as connection:
        listener = Listener(connection)
        await listener.hear(RealtimeEvents.COMMITTED_TRANSCRIPT)
    check_heard(listener.heard)
    committed = target.committed
    assert sentence().size < committed.size <= sentence_and_pause().size
    check_audio(target, sentence())


async def test_a_key_that_nobody_knows(target: Target) -> None:
    async with connected(replace(target, key="nobody's"), **CHUNKS) as connection:
        listener = Listener(connection)
        await listener.hear(RealtimeEvents.CLOSE)
    assert [event.kind for event in listener.heard] == ["auth_error", "error", "close"]


async def test_it_does_not_notice_that_the_provider_breaks(relayed: Target) -> None:
    in_second_sentence = Fault(FaultKind.DROP, after_samples=sentence().size + RATE)
    relayed.simulator.faults.add(in_second_sentence)
    await dictate_twice(relayed)
    assert [len(session.commits) for session in relayed.sessions] == [1, 1]


async def test_it_would_notice_without_the_relay(alone: Target) -> None:
    alone.simulator.faults.add(IN_MID_SENTENCE)
    async with connected(alone, **CHUNKS) as connection:
        listener = Listener(connection)
        with contextlib.suppress(ConnectionClosed):
            await send(connection, sentence())
        await listener.hear(RealtimeEvents.CLOSE)
    with pytest.raises(AssertionError, match="error"):
        check_heard(listener.heard)
