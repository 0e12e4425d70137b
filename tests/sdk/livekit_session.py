"""One session of LiveKit's plugin, in an environment of its own: `livekit_session.py URL KEY FILE`.

Sends the samples of a raw file and commits them. Each event, and each warning that is logged, is
written as a line of JSON.
"""

import asyncio
import json
import logging
import sys
from pathlib import Path

import aiohttp
from livekit import rtc
from livekit.agents.stt import SpeechEvent, SpeechEventType
from livekit.plugins import elevenlabs

RATE = 16_000
CHUNK = RATE // 10


class Telling(logging.Handler):
    """Tells warnings as events."""

    def emit(self, record: logging.LogRecord) -> None:
        tell("warning", record.getMessage())


def tell(kind: str, text: str) -> None:
    sys.stdout.write(json.dumps([kind, text]) + "\n")


def tell_event(event: SpeechEvent) -> None:
    tell(event.type.value, event.alternatives[0].text if event.alternatives else "")


async def run(relay_url: str, relay_key: str, samples: bytes) -> None:
    """Say it, and wait for the final."""
    async with aiohttp.ClientSession() as http:
        stt = elevenlabs.STT(
            model="scribe_v2_realtime",
            api_key=relay_key,
            base_url=f"{relay_url}/v1",
            http_session=http,
        )
        async with stt.stream() as stream:
            for start in range(0, len(samples), 2 * CHUNK):
                chunk = samples[start : start + 2 * CHUNK]
                stream.push_frame(rtc.AudioFrame(chunk, RATE, 1, len(chunk) // 2))
            stream.flush()
            async for event in stream:
                tell_event(event)
                if event.type == SpeechEventType.FINAL_TRANSCRIPT:
                    return


if __name__ == "__main__":
    logging.getLogger().addHandler(Telling(logging.WARNING))
    asyncio.run(run(sys.argv[1], sys.argv[2], Path(sys.argv[3]).read_bytes()))
