"""A recording outlives whoever writes it: killed hosts, and sessions that go on elsewhere."""

import asyncio
from pathlib import Path
from random import Random

import aiohttp
import numpy as np
import pytest
import soundfile

from relay.audio.pcm import Int16
from relay.recording.flac import read_blocks
from tests.chaos.chaos_client import ChaosClient, Speech
from tests.chaos.judge import offline
from tests.chaos.rig import Rig, running_rig
from tests.support.signals import identifiable_noise
from tests.support.waiting import until

pytestmark = pytest.mark.slow

RATE = 44_100

RATE_OUT = 16_000
"""Hz, of recordings."""

LOST_AT_MOST = 2.5
"""Seconds that a killed worker hadn't written: what is handed on every second, what is on its way
then, and a block or two in the encoder."""


def recordings(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.flac") if path.parent.name != "open"]


def read(path: Path) -> Int16:
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == RATE_OUT
    result: Int16 = samples
    return result


async def recorded(folder: Path, seconds: float) -> Int16:
    """Wait for the one recording."""

    async def is_there() -> bool:
        return len(recordings(folder)) == 1

    await until(is_there, "the recording", seconds=seconds)
    return read(recordings(folder)[0])


def speech(seconds: float) -> Speech:
    commits = [round(second * RATE) for second in np.arange(1.0, seconds - 0.5, 1.7)]
    return Speech(identifiable_noise(seconds, RATE, seed=7), RATE, commits)


async def speak(rig: Rig, seconds: float, *, until_killed: float) -> None:
    """Speak to the first host until it is killed, and then to the other."""
    client = ChaosClient(rig.urls([0, 1]), rig.key, speech(seconds), Random(3))
    async with asyncio.timeout(90), asyncio.TaskGroup() as group:
        speaking = group.create_task(client.run())
        await client.started.wait()
        await asyncio.sleep(until_killed)
        rig.kill(0)
        await speaking
    assert client.has_ended, client.log.lost


async def test_of_a_killed_host_and_the_next_one_there_is_one_recording(tmp_path: Path) -> None:
    async with running_rig(audio_days="forever", audio_dir=tmp_path) as rig:
        await rig.prepare()
        await speak(rig, 12, until_killed=6)
        heard = await recorded(tmp_path, 20)
        assert not list((tmp_path / "open").iterdir())
        spoken, _ = offline(speech(12).samples, RATE)
        assert heard.size == spoken.size
        # Another process resamples anew from the seam on, to a step of PCM16. What the killed one
        # hadn't written yet is silent if a final covers it: the client has let go of it then.
        missing = np.abs(heard.astype(int) - spoken) > 1
        assert not heard[missing].any()
        assert np.count_nonzero(missing) <= LOST_AT_MOST * RATE_OUT
        async with (
            aiohttp.ClientSession(headers={"xi-api-key": rig.key}) as http,
            http.get(f"{rig.hosts[1].url}/api/transcripts") as answer,
        ):
            (transcript,) = (await answer.json())["transcripts"]
        assert transcript["audio"]["duration"] == pytest.approx(12, abs=0.001)


async def test_what_a_killed_host_wrote_can_be_read(
    tmp_path: Path,
) -> None:
    async with running_rig(hosts=1, audio_days=1, audio_dir=tmp_path) as rig:
        await rig.prepare()
        client = ChaosClient(rig.urls([0]), rig.key, speech(30), Random(3))
        client.patience = 0.0
        async with asyncio.timeout(90), asyncio.TaskGroup() as group:
            speaking = group.create_task(client.run())
            await client.started.wait()
            await asyncio.sleep(7)
            rig.kill(0)
            await speaking
        (part,) = (tmp_path / "open").iterdir()
        spoken, _ = offline(speech(30).samples, RATE)
        heard = np.concatenate(list(read_blocks(part)))
        assert heard.size >= (7 - LOST_AT_MOST) * RATE_OUT
        assert (heard == spoken[: heard.size]).all()
