import asyncio
import json
import wave
from itertools import count
from pathlib import Path

import msgspec
import numpy as np
import pytest

from relay.audio.pcm import WireFormat
from relay.scribe.parameters import AudioFormat, Parameters
from relay.simulator.actions import Cause, Commit
from relay.simulator.credentials import Credential
from relay.simulator.records import Changes, ConnectionRecord, WavDump


def record() -> ConnectionRecord:
    return ConnectionRecord("abc", 0.0, query=(("model_id", "scribe_v2_realtime"),))


def test_a_connection_is_open_until_it_is_closed() -> None:
    known = record()
    assert known.is_open
    known.closed = 1.0
    assert not known.is_open


@pytest.mark.parametrize("audio_format", [AudioFormat.PCM_16000, AudioFormat.ULAW_8000])
def test_audio_is_told_in_samples_of_its_format(audio_format: AudioFormat) -> None:
    wire_format = WireFormat(audio_format)
    known = record()
    known.parameters = Parameters(audio_format=audio_format)
    known.payload = bytearray(wire_format.pack(np.array([0, 1000, -1000], np.int16)))
    assert np.array_equal(known.audio, wire_format.unpack(bytes(known.payload)))
    assert len(known.audio) == 3


def test_audio_that_was_not_recorded_is_told_of_as_such() -> None:
    known = record()
    known.parameters = Parameters()
    with pytest.raises(RuntimeError, match="record_audio=True"):
        _ = known.audio


def test_a_refused_connection_has_no_audio() -> None:
    known = record()
    known.payload = bytearray()
    with pytest.raises(RuntimeError):
        _ = known.audio


def test_all_but_the_audio_can_be_written_as_json() -> None:
    known = record()
    known.credential = Credential.TOKEN
    known.commits = [Commit(0, 0, 8000, Cause.CLIENT)]
    known.errors = ["input_error"]
    known.payload = bytearray(b"\1\0")
    fields = json.loads(msgspec.json.encode(known.as_fields()))
    assert fields == {
        "session_id": "abc",
        "is_open": True,
        "credential": "token",
        "query": [["model_id", "scribe_v2_realtime"]],
        "samples": 0,
        "messages": 0,
        "commits": [{"index": 0, "start": 0, "end": 8000, "cause": "client"}],
        "finals": 0,
        "errors": ["input_error"],
        "close_code": None,
        "closed_by_client": False,
    }


@pytest.mark.parametrize("wire_format", WireFormat)
def test_a_dump_is_a_wav_file_with_every_sample(tmp_path: Path, wire_format: WireFormat) -> None:
    samples = np.arange(-3000, 3000, dtype=np.int16)
    payload = wire_format.pack(samples)
    half = len(payload) // 2
    dump = WavDump(tmp_path / "a.wav", wire_format)
    dump.write(payload[:half])
    dump.write(payload[half:])
    dump.close()
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        assert file.getframerate() == wire_format.rate
        read = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.array_equal(read, wire_format.unpack(payload))


def test_a_dump_without_audio_is_a_wav_file_too(tmp_path: Path) -> None:
    WavDump(tmp_path / "a.wav", WireFormat.PCM_16000).close()
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getnframes() == 0


async def test_who_waits_for_what_is_already_so_need_not_wait() -> None:
    await Changes().wait_for(lambda: True, 0.0)


async def test_conditions_are_looked_at_when_something_changes() -> None:
    changes, seen = Changes(), []

    async def happen() -> None:
        for number in range(3):
            seen.append(number)
            changes.notify()
            changes.notify()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(changes.wait_for(lambda: 0 in seen, 5.0))
        tasks.create_task(changes.wait_for(lambda: 2 in seen, 5.0))
        tasks.create_task(happen())


async def test_what_never_becomes_so_times_out_and_is_looked_at_no_more() -> None:
    changes, looks = Changes(), count()
    with pytest.raises(TimeoutError):
        await changes.wait_for(lambda: next(looks) < 0, 0.01)
    seen = next(looks)
    changes.notify()
    assert next(looks) == seen + 1
