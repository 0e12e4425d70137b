"""A client is warned of what is wrong with its sound, and so are those who look on."""

import numpy as np

from relay.audio.pcm import Float32
from tests.support.people import ask, operator
from tests.support.relay import Client, Relay

RATE = 16_000


def tone(seconds: float, level: float, offset: float = 0.0) -> Float32:
    time = np.arange(round(seconds * RATE)) / RATE
    wave = level * np.sin(2 * np.pi * 220 * time) + offset
    return np.clip(wave, -1, 1).astype(np.float32)


def codes(client: Client) -> list[str]:
    return [event["code"] for event in client.of("warning")]


async def test_a_silent_microphone_is_told_and_the_session_goes_on(relay: Relay) -> None:
    async with Client(relay, sample_rate=RATE, commit_strategy="manual") as client:
        await client.send(np.zeros(11 * RATE, np.float32))
        warning = await client.event("warning")
        assert warning["code"] == "silent_microphone"
        assert "10 s" in warning["text"]
        await client.send(tone(1, 0.3))
        await client.say("commit")
        await client.event("committed_transcript")
        await client.stop()
    assert codes(client) == ["silent_microphone"]


async def test_sound_that_is_too_loud_and_off_centre_is_told_once_each(relay: Relay) -> None:
    async with Client(relay, sample_rate=RATE, commit_strategy="manual") as client:
        await client.send(tone(6, 0.3, offset=0.2))
        await client.count("warning", 1)
        await client.send(tone(11, 3.0))
        await client.count("warning", 2)
        await client.stop()
    assert codes(client) == ["dc_offset", "clipping"]


async def test_operators_see_what_is_wrong(relay: Relay) -> None:
    olga = await operator(relay)
    async with Client(relay, sample_rate=RATE, commit_strategy="manual") as client:
        await client.send(np.zeros(11 * RATE, np.float32))
        await client.event("warning")
        await relay.services.sessions.renew()
        answer = await ask(relay, "GET", "/api/sessions", olga.headers)
        (session,) = answer.body["sessions"]
        assert session["warnings"] == ["silent_microphone"]
        page = await ask(relay, "GET", "/ops", olga.headers)
        assert "silent microphone" in page.text
        await client.stop()


async def test_good_sound_is_not_warned_of(relay: Relay) -> None:
    async with Client(relay, sample_rate=RATE, commit_strategy="manual") as client:
        await client.send(tone(12, 0.5))
        await client.stop()
    assert not codes(client)
