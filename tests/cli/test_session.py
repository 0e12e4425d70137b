"""One file through one session of a scripted relay."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from relay.cli.session import Route, transcribe_audio
from relay.cli.sources import open_audio
from relay.client import RelayUnreachable, SessionFailed, Transcript
from relay.client.events import Event
from relay.errors import InputError
from relay.protocol.messages import SUBPROTOCOL
from tests.support.audio_files import write_tone
from tests.support.ports import free_port

Script = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[str]:
    """Serve a script; the relay's base URL."""
    protocols = [Subprotocol(SUBPROTOCOL)]
    async with serve(script, "127.0.0.1", 0, subprotocols=protocols) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}"


class Journey:
    """A file of one second on its way, and what came of it."""

    def __init__(self, folder: Path) -> None:
        self.file = write_tone(folder / "tone.wav")
        self.transcript = Transcript(16_000)
        self.events: list[Event] = []
        self.positions: list[float] = []

    async def travel(self, url: str, *, key: str | None = None) -> None:
        with open_audio(self.file) as audio:
            await transcribe_audio(
                audio,
                Route(url, key, [("language_code", "en")], speed=100.0, reconnect_seconds=0.0),
                self.transcript,
                on_event=self.events.append,
                on_sent=self.positions.append,
            )


@pytest.fixture
def journey(tmp_path: Path) -> Journey:
    return Journey(tmp_path)


async def say(peer: ServerConnection, message_type: str, **fields: object) -> None:
    await peer.send(json.dumps({"message_type": message_type, **fields}))


async def commit(peer: ServerConnection) -> None:
    await say(peer, "committed_transcript", text="Hi.", segment=0, end_sample=8000)


async def test_whole_file_goes_and_words_come_back(journey: Journey) -> None:
    received = bytearray()

    async def script(peer: ServerConnection) -> None:
        assert peer.request is not None
        assert "language_code=en" in peer.request.path
        assert peer.request.headers["xi-api-key"] == "k1"
        async for message in peer:
            if isinstance(message, bytes):
                received.extend(message)
                continue
            assert json.loads(message) == {"message_type": "stop"}
            await commit(peer)
            await say(peer, "session_ended", reason="stopped", audio_ms=1, segments=1, words=1)
            await peer.close()

    async with scripted(script) as url:
        await journey.travel(url, key="k1")
    assert len(received) == 4 * 16_000
    assert journey.transcript.text == "Hi."
    assert [type(event).__name__ for event in journey.events] == [
        "CommittedTranscript",
        "SessionEnded",
    ]
    assert journey.positions == pytest.approx([0.1 * number for number in range(1, 11)])


async def test_what_came_before_the_end_is_kept(journey: Journey) -> None:
    async def script(peer: ServerConnection) -> None:
        await commit(peer)
        await say(peer, "upstream_unavailable", error="Gone.", retryable=True)
        await peer.close(4503)

    async with scripted(script) as url:
        with pytest.raises(SessionFailed, match=r"^Gone\. \(upstream_unavailable, close code 4503"):
            await journey.travel(url)
    assert journey.transcript.text == "Hi."


async def test_line_that_breaks_while_sending_is_one_error(journey: Journey) -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.recv()
        peer.transport.abort()

    async with scripted(script) as url:
        with pytest.raises(SessionFailed, match="line broke"):
            await journey.travel(url)


async def test_relay_that_talks_nonsense_is_one_error(journey: Journey) -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.send("hello")
        await peer.wait_closed()

    async with scripted(script) as url:
        with pytest.raises(InputError, match="not JSON"):
            await journey.travel(url)


async def test_relay_that_is_not_there_is_one_error(journey: Journey) -> None:
    with pytest.raises(RelayUnreachable):
        await journey.travel(f"http://127.0.0.1:{free_port()}")


async def test_fault_of_ours_is_not_hidden_in_a_group(journey: Journey) -> None:
    def stumble(position: float) -> None:
        raise ZeroDivisionError

    async def script(peer: ServerConnection) -> None:
        await peer.wait_closed()

    async with scripted(script) as url:
        with pytest.raises(ZeroDivisionError), open_audio(journey.file) as audio:
            await transcribe_audio(
                audio,
                Route(url, None, (), speed=100.0),
                journey.transcript,
                on_event=journey.events.append,
                on_sent=stumble,
            )
