"""The relay, and the Python client, in the recorded conversations: README.md here."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from relay.client import SessionFailed, StreamClient, StreamClosed, Transcript
from relay.client.events import Failure, SessionEnded
from tests.contract.conversation import Conversation, conversations
from tests.contract.player import Player
from tests.contract.record import relay_for
from tests.contract.samples import audio_bytes
from tests.support.contract import check_server_message
from tests.support.relay import Relay

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def usual() -> AsyncIterator[Relay]:
    """A relay with the default settings."""
    async with relay_for({}) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def relay(usual: Relay, path: Path) -> AsyncIterator[Relay]:
    """The relay that a conversation was recorded with."""
    settings = Conversation.read(path).settings
    if not settings:
        yield usual
        return
    async with relay_for(settings) as running:
        yield running


@pytest.mark.parametrize("path", conversations(), ids=lambda path: path.stem)
async def test_the_relay_says_what_was_recorded(relay: Relay, path: Path) -> None:
    async with Player(relay) as player:
        for line in Conversation.read(path).lines:
            match line:
                case {"open": query}:
                    await player.connect(query)
                case {"client": said} | {"again": said}:
                    await player.say(said)
                case {"relay": expected}:
                    check_server_message(expected)
                    assert await player.hear_line(expected) == expected
                case {"close": code}:
                    assert await player.closed() == code
                case {"cut": True}:
                    player.cut()


def is_sayable(conversation: Conversation) -> bool:
    """Whether the Python client says such things; it doesn't mute, change rates or come back."""
    types = {said.get("message_type") for said in conversation.of("client")}
    return types <= {None, "commit", "stop"} and conversation.sessions == 1


@pytest.mark.parametrize(
    "path",
    [path for path in conversations() if is_sayable(Conversation.read(path))],
    ids=lambda path: path.stem,
)
async def test_the_python_client_tells_the_same_transcript(relay: Relay, path: Path) -> None:
    conversation = Conversation.read(path)
    (query,) = conversation.of("open")
    options = [pair for pair in query.items() if pair[0] != "sample_rate"]
    rate = int(query["sample_rate"])
    transcript = Transcript(rate)
    warnings: list[str] = []
    summary: dict[str, Any] | None = None
    problems: list[dict[str, Any]] = []
    async with StreamClient(
        relay.url, sample_rate=rate, options=options, key=relay.key, reconnect_seconds=0
    ) as stream:
        await say(stream, conversation)
        try:
            async for event in stream:
                transcript.receive(event)
                match event:
                    case Failure("input_error", text):
                        warnings.append(text)
                    case SessionEnded():
                        summary = summary_of(event)
        except SessionFailed as failed:
            problems = [{"errorType": failed.error_type, "detail": failed.text}]
    assert told_by(transcript) == told_in(conversation)
    assert warnings == [
        one["text"] for one in conversation.told["warnings"] if one["code"] == "input_error"
    ]
    assert problems == [
        {name: one[name] for name in ("errorType", "detail")}
        for one in conversation.told["problems"]
    ]
    assert summary == conversation.told["summary"]


async def say(stream: StreamClient, conversation: Conversation) -> None:
    """Say all of the client's lines; a relay that has refused the session needn't hear them."""
    try:
        for said in conversation.of("client"):
            match said:
                case {"audio_frames": _}:
                    await stream.send_audio(audio_bytes(said))
                case {"message_type": "commit"}:
                    await stream.commit()
                case {"message_type": "stop"}:
                    await stream.stop()
    except StreamClosed:
        pass


def summary_of(ended: SessionEnded) -> dict[str, Any]:
    return {
        "reason": ended.reason,
        "audioMs": ended.audio_ms,
        "segments": ended.segments,
        "words": ended.words,
    }


def told_by(transcript: Transcript) -> list[dict[str, Any]]:
    """What both libraries tell; the Python one's segments begin where the last one ended."""
    return [
        {
            "text": segment.text,
            "start": pytest.approx(segment.start, abs=0.001),
            "end": pytest.approx(segment.end, abs=0.001),
            "words": [[word.text, word.start, word.end] for word in segment.words or ()],
        }
        for segment in transcript.segments
    ]


def told_in(conversation: Conversation) -> list[dict[str, Any]]:
    return [
        {
            "text": segment["text"],
            "start": segment["startSeconds"],
            "end": segment["endSeconds"],
            "words": segment["words"],
        }
        for segment in conversation.told["transcript"]
    ]
