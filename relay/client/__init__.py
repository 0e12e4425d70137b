"""A client of `/v1/stream` in Python.

events      what the relay says, as types; unknown messages pass as `Other`
transcript  events → segments and words; pure
stream      `StreamClient`: one session over one WebSocket

async with (
    StreamClient("http://127.0.0.1:8000", sample_rate=16_000, encoding="pcm_s16le") as stream,
    asyncio.TaskGroup() as group,
):
    group.create_task(send_microphone(stream))  # send_audio(…) again and again, then stop()
    async for event in stream:
        print(event)
"""

from relay.client.errors import RelayUnreachable, SessionFailed, StreamClosed
from relay.client.stream import StreamClient
from relay.client.transcript import Segment, Transcript, Word

__all__ = [
    "RelayUnreachable",
    "Segment",
    "SessionFailed",
    "StreamClient",
    "StreamClosed",
    "Transcript",
    "Word",
]
