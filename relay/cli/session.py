"""One audio file through one session."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from relay.cli.exits import leaves
from relay.cli.sources import AudioFile, Pace
from relay.client import StreamClient, StreamClosed, Transcript
from relay.client.events import Event
from relay.client.stream import RECONNECT_SECONDS

OnEvent: TypeAlias = Callable[[Event], None]
OnSent: TypeAlias = Callable[[float], None]
"""Called with the seconds of audio sent so far."""


@dataclass(frozen=True)
class Route:
    """Where the audio goes, and how."""

    url: str
    key: str | None
    options: Sequence[tuple[str, str]]
    speed: float
    """Times real time, at most."""
    reconnect_seconds: float = RECONNECT_SECONDS
    """For how long a connection that broke is made again."""


async def transcribe_audio(
    audio: AudioFile,
    route: Route,
    transcript: Transcript,
    *,
    on_event: OnEvent,
    on_sent: OnSent,
) -> None:
    """Send a file and collect what comes back into `transcript`, also if it fails half-way.

    Raises:
        RelayUnreachable: If there is no relay.
        SessionFailed: If the session ends before all words have come, and can't be had back.
        CommandFailed: If the file is damaged.
    """
    failure: BaseException | None = None
    try:
        async with (
            StreamClient(
                route.url,
                sample_rate=audio.rate,
                channels=audio.channels,
                options=route.options,
                key=route.key,
                reconnect_seconds=route.reconnect_seconds,
            ) as stream,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(_send(stream, audio, route.speed, on_sent), name="send audio")
            async for event in stream:
                transcript.receive(event)
                on_event(event)
    except* Exception as errors:
        failure = next(leaves(errors))
    if failure is not None:
        raise failure


async def _send(stream: StreamClient, audio: AudioFile, speed: float, on_sent: OnSent) -> None:
    clock = asyncio.get_running_loop().time
    pace = Pace(speed, clock())
    position = 0.0
    # When the connection has ended, whoever reads the events learns why.
    with contextlib.suppress(StreamClosed):
        for chunk in audio.chunks():
            await asyncio.sleep(pace.delay(position, clock()))
            await stream.send_audio(chunk)
            position += audio.seconds(chunk)
            on_sent(position)
        await stream.stop()
