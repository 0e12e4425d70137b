"""Real speech, recognised in real processes."""

import asyncio
import gc
import importlib.util
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed

from relay.audio.pcm import Int16, WireFormat, to_pcm16
from relay.audio.resample import StreamResampler
from relay.errors import ConfigError
from relay.scribe.parameters import Parameters
from relay.simulator.engines import EngineFailed, EngineFull, sphinx
from relay.simulator.engines.sphinx import SphinxEngine
from relay.simulator.server import Simulator
from tests.simulator.scribe import Scribe
from tests.support.speech import flite
from tests.support.words import word_error_rate

pytest.importorskip("pocketsphinx", reason="there is no wheel for this Python")

RATE = 16_000
SENTENCE = "we will meet again next week to talk about the new house"

module_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[SphinxEngine]:
    """An engine of one process with room for two streams."""
    running = SphinxEngine(processes=1, streams_per_process=2)
    await running.start()
    yield running
    await running.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def simulator(engine: SphinxEngine) -> AsyncIterator[Simulator]:
    async with Simulator(engine=engine) as running:
        yield running


def spoken() -> Int16:
    samples, rate = flite(SENTENCE, "rms")
    assert rate == RATE
    return samples


async def transcribe(client: Scribe, samples: Int16) -> str:
    """Say something and commit; what was understood."""
    for begin in range(0, len(samples), 4000):
        await client.send(samples[begin : begin + 4000].tobytes())
    await client.send(b"", commit=True)
    return str((await client.until("committed_transcript"))["text"])


async def left(simulator: Simulator) -> None:
    """Wait until nobody is connected, so that all room is free."""
    await simulator.wait_for(lambda: not any(record.is_open for record in simulator.connections))


@module_loop
async def test_what_was_said_is_what_is_read(simulator: Simulator) -> None:
    async with Scribe(simulator, include_timestamps="true") as client:
        text = await transcribe(client, spoken())
        timed = await client.until("committed_transcript_with_timestamps")
    assert word_error_rate(SENTENCE, text) < 0.35
    partials = client.messages[: client.types.index("committed_transcript")]
    assert any(message.get("text") for message in partials)
    words = [word for word in timed["words"] if word["type"] == "word"]
    assert " ".join(word["text"] for word in words) == timed["text"] == text
    edges = [word[edge] for word in words for edge in ("start", "end")]
    assert edges == sorted(edges)
    assert edges[0] >= 0
    assert edges[-1] <= len(spoken()) / RATE + 0.05
    assert all(item["logprob"] <= 0 for item in timed["words"])
    await left(simulator)


@module_loop
@pytest.mark.parametrize("audio_format", ["pcm_8000", "pcm_48000", "ulaw_8000"])
async def test_other_formats_are_understood_as_well(
    simulator: Simulator, audio_format: str
) -> None:
    # Few words: the model knows what a studio hears, and little of what a telephone leaves of it.
    greeting, rate = flite("good morning", "rms")
    wire_format = WireFormat(audio_format)
    resampler = StreamResampler(rate, wire_format.rate)
    samples = to_pcm16(resampler.push((greeting / 32_768).astype(np.float32), last=True))
    async with Scribe(simulator, audio_format=audio_format) as client:
        await client.send(wire_format.pack(samples), commit=True)
        assert (await client.until("committed_transcript"))["text"] == "good morning"
    await left(simulator)


@module_loop
async def test_silence_is_understood_as_nothing(simulator: Simulator) -> None:
    async with Scribe(simulator) as client:
        await client.send(bytes(2 * RATE), commit=True)
        assert (await client.until("committed_transcript"))["text"] == ""
    await left(simulator)


@module_loop
async def test_a_full_engine_refuses_until_somebody_leaves(simulator: Simulator) -> None:
    async with Scribe(simulator) as first, Scribe(simulator) as second:
        await first.next()
        await second.next()
        async with Scribe(simulator) as third:
            await third.rest()
            assert third.types == ["resource_exhausted"]
            assert third.close == (1000, "resource_exhausted")
    await left(simulator)
    async with Scribe(simulator) as fourth:
        assert (await fourth.next())["message_type"] == "session_started"
    await left(simulator)


@module_loop
async def test_a_process_that_is_killed_fails_its_sessions_and_is_replaced(
    simulator: Simulator, engine: SphinxEngine
) -> None:
    (killed,) = engine._workers
    async with Scribe(simulator) as client:
        await client.say(1.0)
        await simulator.wait_for(lambda: simulator.connections[-1].samples == RATE)
        os.kill(killed.pid, signal.SIGKILL)
        with suppress(ConnectionClosed):
            while True:
                await client.say(0.5, commit=True)
                await asyncio.sleep(0)
        await client.rest()
        assert client.types[-1] == "transcriber_error"
        assert client.close == (1000, "transcriber_error")
    await left(simulator)
    async with Scribe(simulator) as client:
        assert word_error_rate(SENTENCE, await transcribe(client, spoken())) < 0.35
    assert engine._workers != [killed]
    await left(simulator)


@module_loop
async def test_streams_are_independent_of_each_other(engine: SphinxEngine) -> None:
    broken, whole = [await engine.open(Parameters()) for _ in range(2)]
    await broken.feed(b"\1")
    with pytest.raises(EngineFailed):
        await broken.partial()
    await whole.feed(spoken().tobytes())
    assert word_error_rate(SENTENCE, (await whole.commit()).text) < 0.35
    broken.close()
    whole.close()


@module_loop
async def test_after_a_failure_everything_fails_and_nobody_has_to_look(
    engine: SphinxEngine, caplog: pytest.LogCaptureFixture
) -> None:
    stream = await engine.open(Parameters())
    await stream.feed(b"\1")
    with pytest.raises(EngineFailed):
        await stream.commit()
    with pytest.raises(EngineFailed):
        await stream.feed(b"\1\0")
    stream.partial()
    stream.commit()
    stream.close()
    gc.collect()
    assert caplog.records == []


@module_loop
async def test_audio_waits_for_an_engine_that_is_behind(engine: SphinxEngine) -> None:
    stream = await engine.open(Parameters())
    seconds = 5
    payload = np.tile(spoken(), 2)[: seconds * RATE].tobytes()
    async with asyncio.timeout(20):
        await stream.feed(payload)
    # It was all understood but two seconds' worth, at most; here it is one piece.
    assert await asyncio.wait_for(stream.partial(), 0.5)
    stream.close()


@module_loop
async def test_a_question_that_is_given_up_leaves_the_others_in_order(
    engine: SphinxEngine,
) -> None:
    stream = await engine.open(Parameters())
    await stream.feed(spoken().tobytes())
    given_up = asyncio.wait_for(stream.partial(), 0)
    final = stream.commit()
    with pytest.raises(TimeoutError):
        await given_up
    assert word_error_rate(SENTENCE, (await final).text) < 0.35
    stream.close()


@module_loop
async def test_who_closes_gets_no_more_answers(engine: SphinxEngine) -> None:
    stream = await engine.open(Parameters())
    await stream.feed(spoken().tobytes())
    final = stream.commit()
    stream.close()
    with pytest.raises(asyncio.CancelledError):
        await final


async def test_streams_go_where_the_fewest_are() -> None:
    engine = SphinxEngine(processes=2, streams_per_process=2)
    await engine.start()
    try:
        streams = [await engine.open(Parameters()) for _ in range(4)]
        assert [len(worker.streams) for worker in engine._workers] == [2, 2]
        with pytest.raises(EngineFull, match="4 streams are open"):
            await engine.open(Parameters())
        streams[0].close()
        await engine.open(Parameters())
    finally:
        await engine.aclose()


async def test_closing_ends_the_processes_and_may_happen_twice() -> None:
    engine = SphinxEngine(processes=1)
    await engine.start()
    (worker,) = engine._workers
    for _ in range(2):
        await engine.aclose()
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)


async def test_a_recogniser_that_is_not_installed_is_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install 'scribe-relay"):
        await Simulator(engine="pocketsphinx").__aenter__()


async def test_a_process_that_ends_while_it_starts_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sphinx, "_PROGRAM", "")
    with pytest.raises(EngineFailed, match="ended while it started"):
        await SphinxEngine(processes=1).start()


async def test_a_process_that_takes_too_long_to_start_is_a_failure_and_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    program = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid()))"
    monkeypatch.setattr(sphinx, "_PROGRAM", f"{program}; time.sleep(60)")
    monkeypatch.setattr(sphinx, "START_TIMEOUT", 1.0)
    engine: Any = SphinxEngine(processes=1)
    with pytest.raises(EngineFailed, match="too long"):
        await engine.start()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
