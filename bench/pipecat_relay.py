"""Such a relay made with pipecat, in an environment of its own: `pipecat_relay.py HOST CA_FILE`.

What pipecat offers for it and nothing beside: its transport for FastAPI, its stream resampler (in
the quality of the relay's), its service for ElevenLabs' realtime recognition. Turns, metrics, and
logs below warnings are off; uvicorn has uvloop and httptools.
"""

import asyncio
import socket
import ssl
import sys

import numpy as np
import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.audio.utils import create_stream_resampler
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    OutputTransportMessageUrgentFrame,
    TranscriptionFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.services.elevenlabs.stt import CommitStrategy, ElevenLabsRealtimeSTTService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

RATE_IN = 48_000
RATE_OUT = 16_000


class Float32Serializer(FrameSerializer):  # type: ignore[misc]  # not in this environment
    """Binary messages are audio; what was recognised goes back as text."""

    def __init__(self) -> None:
        super().__init__()
        self._resampler = create_stream_resampler(quality="HQ", clear_after_secs=None)

    async def serialize(self, frame: Frame) -> str | bytes | None:
        if isinstance(frame, OutputTransportMessageUrgentFrame):
            return str(frame.message["text"])
        return None

    async def deserialize(self, data: str | bytes) -> Frame | None:
        if isinstance(data, str):
            return None
        samples = (np.frombuffer(data, np.float32) * 32767).astype(np.int16)
        audio = await self._resampler.resample(samples.tobytes(), RATE_IN, RATE_OUT)
        return InputAudioRawFrame(audio, RATE_OUT, 1) if audio else None


class Captions(FrameProcessor):  # type: ignore[misc]  # likewise
    """Makes messages for the client of what was recognised."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TranscriptionFrame | InterimTranscriptionFrame):
            frame = OutputTransportMessageUrgentFrame(message={"text": frame.text})
        await self.push_frame(frame, direction)


def application(upstream: str) -> FastAPI:
    """What a client connects to."""
    app = FastAPI()

    @app.websocket("/")  # type: ignore[untyped-decorator]
    async def stream(websocket: WebSocket) -> None:
        await websocket.accept()
        transport = FastAPIWebsocketTransport(
            websocket,
            FastAPIWebsocketParams(
                audio_in_enabled=True,
                audio_in_sample_rate=RATE_OUT,
                audio_in_passthrough=True,
                serializer=Float32Serializer(),
            ),
        )
        # Its own voice activity would have to run for it to commit by itself.
        service = ElevenLabsRealtimeSTTService(
            api_key="bench",
            base_url=upstream,
            commit_strategy=CommitStrategy.VAD,
            sample_rate=RATE_OUT,
            audio_passthrough=False,
        )
        worker = PipelineWorker(
            Pipeline([transport.input(), service, Captions(), transport.output()]),
            params=PipelineParams(audio_in_sample_rate=RATE_OUT),
            enable_turn_tracking=False,
            enable_rtvi=False,
            idle_timeout_secs=None,
        )

        @transport.event_handler("on_client_disconnected")  # type: ignore[untyped-decorator]
        async def left(_: FastAPIWebsocketTransport, __: WebSocket) -> None:
            await worker.cancel()

        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        await runner.run()

    return app


def main(upstream: str, ca_file: str) -> None:
    """Serve on a free port, and print it."""
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    # pipecat can't be given a context; it takes the default one.
    trusted = ssl.create_default_context(cafile=ca_file)
    ssl.create_default_context = lambda *_, **__: trusted
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(application(upstream), log_level="warning", ws_ping_interval=None)
    asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


if __name__ == "__main__":
    main(*sys.argv[1:])
