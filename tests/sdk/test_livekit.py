"""LiveKit's plugin for agents: `livekit-plugins-elevenlabs`."""

import json
import sys
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from tests.sdk.heard import Heard, check_audio, check_broken, check_words
from tests.sdk.said import sentence, write_samples
from tests.sdk.targets import Target
from tests.support.node import ROOT, output

# What it needs is a third of a gigabyte.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

LOCK: Final = ROOT / "requirements/livekit.lock"

ENVIRONMENT: Final = ROOT / ".venv/livekit"
"""Apart, since its packages may disagree with ours."""

SESSION: Final = Path(__file__).parent / "livekit_session.py"

ORDINARY: Final = {
    "start_of_speech",
    "interim_transcript",
    "final_transcript",
    "recognition_usage",
}
"""What it tells of a session in which nothing goes wrong."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def _installed() -> None:
    installed = ENVIRONMENT / "installed"
    if installed.exists() and installed.stat().st_mtime >= LOCK.stat().st_mtime:
        return
    uv = Path(sys.executable).parent / "uv"
    await output(uv, "venv", "--quiet", "--clear", "--python", sys.executable, ENVIRONMENT)
    into = ("--python", ENVIRONMENT / "bin/python")
    await output(uv, "pip", "install", "--quiet", *into, "--require-hashes", "-r", LOCK)
    installed.touch()


async def session(target: Target, file: Path) -> Heard:
    """Run the program; what it was told."""
    python = ENVIRONMENT / "bin/python"
    said = await output(python, SESSION, target.url, target.key, file)
    return Heard.of(json.loads(line) for line in said.splitlines())


def check_told(heard: Heard) -> None:
    """As `check_heard`, in LiveKit's own terms."""
    assert {event.kind for event in heard} <= ORDINARY, heard
    assert heard.texts("interim_transcript"), heard
    check_words(" ".join(heard.texts("final_transcript")))


async def test_a_stream_that_is_flushed(target: Target, tmp_path: Path) -> None:
    check_told(await session(target, write_samples(tmp_path)))
    check_audio(target, sentence())


async def test_it_does_not_notice_that_the_provider_breaks(
    breaking: Target, tmp_path: Path
) -> None:
    check_told(await session(breaking, write_samples(tmp_path)))
    check_audio(breaking, sentence())
    check_broken(breaking)
