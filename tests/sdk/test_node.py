"""In Node: `@elevenlabs/elevenlabs-js`."""

import json
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from tests.sdk.heard import Heard, check_audio, check_broken, check_heard
from tests.sdk.said import sentence, write_samples, write_sentence
from tests.sdk.targets import Target
from tests.support.node import NODE, install, output

# Thousands of files are to be installed.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

PACKAGE: Final = Path(__file__).parent / "node"


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def _installed() -> None:
    await install(PACKAGE)


async def session(way: str, target: Target, file: Path) -> Heard:
    """Run the program; what it was told."""
    said = await output(NODE, PACKAGE / "session.mjs", way, target.url, target.key, file)
    # The SDK writes a line or two of its own.
    return Heard.of(json.loads(line) for line in said.splitlines() if line.startswith("["))


async def test_chunks_that_the_client_commits(target: Target, tmp_path: Path) -> None:
    check_heard(await session("chunks", target, write_samples(tmp_path)))
    check_audio(target, sentence())


async def test_a_file_that_ends_with_commit_and_close_at_once(
    target: Target, tmp_path: Path
) -> None:
    heard = await session("url", target, write_sentence(tmp_path))
    check_heard(heard)
    check_audio(target, sentence())


@pytest.mark.parametrize("way", ["chunks", "url"])
async def test_it_does_not_notice_that_the_provider_breaks(
    way: str, breaking: Target, tmp_path: Path
) -> None:
    write = write_samples if way == "chunks" else write_sentence
    check_heard(await session(way, breaking, write(tmp_path)))
    check_audio(breaking, sentence())
    check_broken(breaking)
