"""The client against a small relay whose lines break, on real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from relay.client import SessionFailed, StreamClient
from relay.client.events import (
    CommittedTranscript,
    Event,
    Reconnecting,
    SessionEnded,
    SessionResumed,
    SessionStarted,
)
from relay.protocol.messages import SUBPROTOCOL

STOP = '{"message_type":"stop"}'
SECOND = 8000

Script = Callable[["Line"], Awaitable[None]]


class Line:
    """The relay's side of one connection; 16 bit, 8 kHz."""

    def __init__(self, peer: ServerConnection) -> None:
        assert peer.request is not None
        self.peer = peer
        query = parse_qs(urlsplit(peer.request.path).query)
        self.query = {name: values[0] for name, values in query.items()}
        self.offered = peer.request.headers["Sec-WebSocket-Protocol"].split(", ")
        self.frames = 0

    async def say(self, message_type: str, **fields: Any) -> None:
        await self.peer.send(json.dumps({"message_type": message_type, **fields}))

    async def begin(self) -> None:
        await self.say("session_started", session_id="s", config={}, resume_token="t0", seq=1)

    async def commit(self, segment: int, end: int, seq: int) -> None:
        await self.say(
            "committed_transcript", text=f"s{segment}", segment=segment, end_sample=end, seq=seq
        )

    async def hear(self, frames: int) -> None:
        while self.frames < frames:
            message = await self.peer.recv()
            assert isinstance(message, bytes)
            self.frames += len(message) // 2

    async def finish(self) -> None:
        assert await self.peer.recv() == STOP
        await self.say("session_ended", reason="stopped", audio_ms=2000, segments=2, words=2)
        await self.peer.close(1000)


@asynccontextmanager
async def relay_of(*scripts: Script) -> AsyncIterator[tuple[str, list[Line]]]:
    """Serve one script after the other, a connection each; the base URL and the lines."""
    lines: list[Line] = []

    async def answer(peer: ServerConnection) -> None:
        lines.append(Line(peer))
        await scripts[len(lines) - 1](lines[-1])

    protocols = [Subprotocol(SUBPROTOCOL)]
    async with serve(answer, "127.0.0.1", 0, subprotocols=protocols) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}", lines


async def talk(url: str, seconds: int = 2, **options: Any) -> list[Event]:
    """Say so many seconds, stop, and collect what is told."""
    async with (
        StreamClient(url, sample_rate=SECOND, encoding="pcm_s16le", **options) as stream,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(say(stream, seconds))
        return [event async for event in stream]


async def say(stream: StreamClient, seconds: int) -> None:
    for _ in range(seconds):
        await stream.send_audio(bytes(2 * SECOND))
    await stream.stop()


async def abort(line: Line) -> None:
    line.peer.transport.abort()


@pytest.mark.parametrize("code", [1001, 1006, 1011, 1012])
async def test_session_is_resumed_where_it_was(code: int) -> None:
    async def break_off(line: Line) -> None:
        await line.begin()
        await line.hear(2 * SECOND)
        await line.commit(0, SECOND, 2)
        await (abort(line) if code == 1006 else line.peer.close(code))

    async def go_on(line: Line) -> None:
        await line.say("session_resumed", next_sample=SECOND + 100, last_seq=3, seq=4)
        await line.commit(0, SECOND, 2)
        await line.hear(SECOND - 100)
        await line.commit(1, 2 * SECOND, 5)
        await line.finish()

    async with relay_of(break_off, go_on) as (url, lines):
        events = await talk(url)
    assert lines[1].offered == [SUBPROTOCOL, "resume.t0"]
    assert lines[1].frames == SECOND - 100
    query = lines[1].query
    assert (query["last_seq"], query["last_segment"], query["from_sample"]) == ("2", "0", "0")
    assert query["covered_sample"] == str(SECOND)
    kinds = [SessionStarted, CommittedTranscript, Reconnecting, SessionResumed]
    assert [type(event) for event in events] == [*kinds, CommittedTranscript, SessionEnded]
    assert [event.text for event in events if isinstance(event, CommittedTranscript)] == [
        "s0",
        "s1",
    ]


async def test_session_that_is_gone_is_followed_by_a_new_one() -> None:
    async def break_off(line: Line) -> None:
        await line.begin()
        await line.hear(2 * SECOND)
        await line.commit(0, SECOND, 2)
        await abort(line)

    async def refuse(line: Line) -> None:
        await line.say("unauthorized", error="It has ended.", retryable=False)
        await line.peer.close(4401)

    async def begin_anew(line: Line) -> None:
        await line.begin()
        await line.hear(SECOND)
        await line.commit(0, SECOND, 2)
        await line.finish()

    async with relay_of(break_off, refuse, begin_anew) as (url, lines):
        events = await talk(url)
    assert lines[2].offered == [SUBPROTOCOL]
    finals = [event for event in events if isinstance(event, CommittedTranscript)]
    assert [(final.segment, final.end_sample) for final in finals] == [
        (0, SECOND),
        (1, 2 * SECOND),
    ]


async def test_moving_session_is_taken_elsewhere_without_ending_it() -> None:
    codes: list[int | None] = []

    async def move(line: Line) -> None:
        await line.begin()
        await line.say("moving", after_ms=20)
        await line.peer.wait_closed()
        codes.append(line.peer.close_code)

    async def go_on(line: Line) -> None:
        await line.say("session_resumed", next_sample=0, last_seq=1, seq=2)
        await line.hear(2 * SECOND)
        await line.finish()

    async with relay_of(move, go_on) as (url, _):
        events = await talk(url)
    assert codes == [4000]
    assert isinstance(events[-1], SessionEnded)


async def test_line_that_stays_away_is_given_up() -> None:
    async def break_off(line: Line) -> None:
        await line.begin()
        await line.hear(2 * SECOND)
        await line.commit(0, SECOND, 2)
        await abort(line)

    async with relay_of(break_off, *[abort] * 20) as (url, _):
        with pytest.raises(ExceptionGroup) as failed:
            await talk(url, reconnect_seconds=0.3)
    (error,) = failed.value.exceptions
    assert isinstance(error, SessionFailed)
    assert error.missing == (1.0, 2.0)


async def test_session_that_does_not_begin_in_time_is_tried_again() -> None:
    async def keep_quiet(line: Line) -> None:
        await line.peer.wait_closed()

    async def begin(line: Line) -> None:
        await line.begin()
        await line.hear(2 * SECOND)
        await line.finish()

    async with relay_of(keep_quiet, begin) as (url, lines):
        await talk(url, open_timeout=0.2)
    assert len(lines) == 2


async def test_live_audio_is_never_waited_for_and_everything_is_heard_raw() -> None:
    async def listen(line: Line) -> None:
        await line.begin()
        await line.hear(3 * SECOND)
        await line.finish()

    raw: list[str] = []
    async with (
        relay_of(listen) as (url, _),
        StreamClient(
            url, sample_rate=SECOND, encoding="pcm_s16le", on_message=raw.append
        ) as stream,
    ):
        for _ in range(3):
            stream.send_audio_nowait(bytes(2 * SECOND))
        await stream.stop()
        events = [event async for event in stream]
    assert [json.loads(text)["message_type"] for text in raw] == [
        "session_started",
        "session_ended",
    ]
    assert len(events) == 2
