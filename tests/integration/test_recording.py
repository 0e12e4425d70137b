"""What clients say, recorded and played: sample by sample what the provider heard."""

import asyncio
import io
import subprocess
import wave
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
import soundfile

from relay.audio.pcm import Float32, Int16, from_ulaw
from relay.recording.shelf import OPEN
from relay.retention import parse_rules
from relay.simulator.server import Simulator
from tests.chaos.judge import offline
from tests.http.test_openapi import check
from tests.integration.test_resume import back, cut, session_id
from tests.simulator.scribe import Scribe
from tests.support.people import Person, ask, operator, person
from tests.support.relay import Client, Relay, relay_to
from tests.support.signals import identifiable_noise
from tests.support.waiting import until

RATE = 48_000


def resampled(spoken: Float32) -> Int16:
    """What the provider hears of it."""
    return offline(spoken, RATE)[0]


@pytest.fixture
async def relay(simulator: Simulator, tmp_path: Path) -> AsyncIterator[Relay]:
    async with relay_to(simulator.url, audio_days="forever", audio_dir=tmp_path) as running:
        yield running


def client_of(relay: Relay, person: Person, **query: Any) -> Client:
    return Client(relay, headers=person.headers, sample_rate=RATE, **query)


async def said(relay: Relay, who: Person, spoken: Float32) -> str:
    """Speak, end, and wait for the transcript with its audio; its id."""
    async with client_of(relay, who) as client:
        await client.send(spoken)
        await client.stop()
    await recorded(relay, who, session_id(client))
    return session_id(client)


async def described(relay: Relay, who: Person, transcript_id: str) -> Mapping[str, Any] | None:
    path = f"/api/transcripts/{transcript_id}"
    answer = await ask(relay, "GET", path, who.headers)
    check("GET", path, answer)
    return answer.body if answer.status == 200 else None


async def recorded(relay: Relay, who: Person, transcript_id: str) -> Mapping[str, Any]:
    found: list[Mapping[str, Any]] = []

    async def is_there() -> bool:
        body = await described(relay, who, transcript_id)
        found.append((body or {}).get("audio") or {})
        return bool(found[-1])

    await until(is_there, "the recording")
    return found[-1]


async def fetch(
    relay: Relay, who: Person, path: str, **headers: str
) -> tuple[int, Mapping[str, str], bytes]:
    async with (
        aiohttp.ClientSession() as http,
        http.get(relay.url + path, headers={**who.headers, **headers}) as answer,
    ):
        return answer.status, answer.headers, await answer.read()


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def read_by_ffmpeg(file: Path) -> bytes:
    command = ["ffmpeg", "-v", "error", "-i", str(file), "-f", "s16le", "-"]
    read = subprocess.run(command, capture_output=True, check=True)
    assert read.stderr == b""
    return read.stdout


def decoded(file: bytes) -> Int16:
    samples, rate = soundfile.read(io.BytesIO(file), dtype="int16")
    assert rate == 16_000
    result: Int16 = samples
    return result


async def test_a_recording_is_what_the_provider_heard(simulator: Simulator, relay: Relay) -> None:
    anna, spoken = await person(relay), identifiable_noise(2.35, RATE, seed=1)
    async with client_of(relay, anna) as client:
        started = await client.event("session_started")
        assert started["recorded"] is True
        await client.send(spoken)
        assert (await described(relay, anna, session_id(client)) or {}).get("audio") is None
        await client.stop()
    audio = await recorded(relay, anna, session_id(client))
    assert audio == {
        "url": f"/api/transcripts/{session_id(client)}/audio",
        "duration": pytest.approx(2.35, abs=0.001),
    }
    status, headers, file = await fetch(relay, anna, audio["url"])
    assert (status, headers["content-type"]) == (200, "audio/flac")
    assert headers["content-disposition"].startswith("inline; filename=")
    assert (decoded(file) == resampled(spoken)).all()
    assert (decoded(file) == simulator.connections[0].audio).all()
    listed = await ask(relay, "GET", "/api/transcripts", anna.headers)
    check("GET", "/api/transcripts", listed)
    assert [each["audio"] for each in listed.body["transcripts"]] == [audio]


async def test_players_ask_for_ranges_and_others_for_wav(relay: Relay) -> None:
    anna, spoken = await person(relay), identifiable_noise(1.5, RATE, seed=2)
    url = f"/api/transcripts/{await said(relay, anna, spoken)}/audio"
    _, headers, whole = await fetch(relay, anna, url)
    assert headers["accept-ranges"] == "bytes"
    status, part, piece = await fetch(relay, anna, url, range="bytes=100-199")
    assert (status, piece) == (206, whole[100:200])
    assert part["content-range"] == f"bytes 100-199/{len(whole)}"
    assert (await fetch(relay, anna, url, range="bytes=-50"))[2] == whole[-50:]
    assert (await fetch(relay, anna, url, range=f"bytes={len(whole)}-"))[0] == 416
    status, headers, file = await fetch(relay, anna, f"{url}?format=wav")
    assert (status, headers["content-type"]) == (200, "audio/wav")
    assert int(headers["content-length"]) == len(file)
    with wave.open(io.BytesIO(file)) as read:
        assert read.getparams()[:3] == (1, 2, 16_000)
        assert read.readframes(10**6) == resampled(spoken).tobytes()
    assert (await fetch(relay, anna, f"{url}?format=mp3"))[0] == 422


async def test_ffmpeg_reads_what_is_exported(relay: Relay, tmp_path: Path) -> None:
    anna, spoken = await person(relay), identifiable_noise(1.0, RATE, seed=3)
    transcript_id = await said(relay, anna, spoken)
    for name in ("flac", "wav"):
        path = f"/api/transcripts/{transcript_id}/export?format={name}"
        status, headers, file = await fetch(relay, anna, path)
        assert (status, headers["content-type"]) == (200, f"audio/{name}")
        (tmp_path / name).write_bytes(file)
        assert read_by_ffmpeg(tmp_path / name) == resampled(spoken).tobytes()
        status, _, archive = await fetch(relay, anna, f"/api/transcripts/export?format={name}")
        assert status == 200
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            (member,) = files.namelist()
            assert files.read(member) == file


async def test_nobody_else_hears_it(relay: Relay) -> None:
    anna, boris = await person(relay), await person(relay, "boris")
    url = f"/api/transcripts/{await said(relay, anna, identifiable_noise(0.5, RATE, seed=4))}"
    for path in (f"{url}/audio", f"{url}/audio?format=wav", f"{url}/export?format=flac"):
        assert (await fetch(relay, boris, path))[0] == 404
        assert (await fetch(relay, await operator(relay, f"olga {len(path)}"), path))[0] == 200
    assert (await ask(relay, "GET", f"{url}/audio")).status == 401
    _, _, archive = await fetch(relay, boris, "/api/transcripts/export?format=flac")
    assert zipfile.ZipFile(io.BytesIO(archive)).namelist() == []


async def test_what_is_deleted_is_gone_from_the_disk(relay: Relay, tmp_path: Path) -> None:
    anna = await person(relay)
    url = f"/api/transcripts/{await said(relay, anna, identifiable_noise(0.5, RATE, seed=5))}"
    assert files_in(tmp_path)
    assert (await ask(relay, "DELETE", url, anna.headers)).status == 204
    assert not files_in(tmp_path)
    assert (await fetch(relay, anna, f"{url}/audio"))[0] == 404


async def test_what_is_deleted_while_it_is_said_is_recorded_no_more(
    relay: Relay, tmp_path: Path
) -> None:
    anna = await person(relay)
    async with client_of(relay, anna, commit_strategy="manual") as client:
        await client.send(identifiable_noise(0.5, RATE, seed=6))
        await client.say("commit")
        await client.event("committed_transcript")
        url = f"/api/transcripts/{session_id(client)}"

        async def is_there() -> bool:
            return (await ask(relay, "GET", url, anna.headers)).status == 200

        async def is_written() -> bool:
            return bool(files_in(tmp_path))

        await until(is_there, "the transcript")
        await until(is_written, "the audio")
        assert (await ask(relay, "DELETE", url, anna.headers)).status == 204
        await client.send(identifiable_noise(0.5, RATE, seed=7))
        await client.stop()
    assert relay.services.recorder is not None
    assert relay.services.recorder.finish(20)
    assert not files_in(tmp_path)


async def test_a_gap_is_silence_of_its_length(simulator: Simulator, relay: Relay) -> None:
    spoken = identifiable_noise(1.0, RATE, seed=8)
    async with Client(relay, sample_rate=RATE) as client:
        await client.send(spoken)
        await client.count("audio_acknowledged", 1)
        await cut(client)
    async with back(relay, client, from_sample=5 * RATE) as again:
        await again.event("session_resumed")
        await again.send(spoken)
        await again.stop()
    assert relay.services.recorder is not None
    assert relay.services.recorder.finish(20)
    (file,) = relay.services.shelf.folder.rglob("*.flac")
    heard = resampled(spoken)
    expected = np.concatenate([heard, np.zeros(4 * 16_000, np.int16), heard])
    assert (decoded(file.read_bytes()) == expected).all()


async def test_scribes_clients_are_told_and_recorded_at_their_own_rate(
    simulator: Simulator, relay: Relay
) -> None:
    said = np.random.default_rng(1).integers(0, 256, 8_000, np.uint8)
    url = relay.url.replace("http", "ws", 1)
    async with Scribe(url, key=relay.key, audio_format="ulaw_8000") as client:
        await client.until("session_started")
        warning = await client.until("warning")
        assert warning["warning"] == "The audio of this session is recorded."
        await client.send(said.tobytes(), commit=True)
        await client.until("committed_transcript")

    async def is_there() -> bool:
        files = files_in(relay.services.shelf.folder)
        return any(path.parent.name != OPEN for path in files)

    await until(is_there, "the recording")
    (file,) = files_in(relay.services.shelf.folder)
    samples, rate = await asyncio.to_thread(soundfile.read, file, dtype="int16")
    assert rate == 8_000
    assert (samples == from_ulaw(said)).all()


@pytest.mark.parametrize(
    ("settings", "query"),
    [
        ({"audio_days": 7, "retention_days": 0}, {}),
        ({"audio_days": 7}, {"enable_logging": "false"}),
        ({"audio_rules": parse_rules("user=0,key=7")}, {}),
        ({}, {}),
    ],
    ids=["zero retention", "as the client asks", "by rule", "by default"],
)
async def test_who_is_not_to_be_recorded_is_not(
    simulator: Simulator, tmp_path: Path, settings: Any, query: Any
) -> None:
    async with AsyncExitStack() as stack:
        relay = await stack.enter_async_context(
            relay_to(simulator.url, audio_dir=tmp_path, **settings)
        )
        async with client_of(relay, await person(relay), **query) as client:
            assert "recorded" not in await client.event("session_started")
            await client.send(identifiable_noise(0.5, RATE, seed=9))
            await client.stop()
    assert not files_in(tmp_path)
