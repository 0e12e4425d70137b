"""An engine that recognises English speech, offline, with pocketsphinx in worker processes."""

import asyncio
import importlib.util
import os
import sys
from collections import deque
from collections.abc import Awaitable
from itertools import count
from pathlib import Path
from typing import Any, Final, cast

import structlog

import relay
from relay.errors import ConfigError
from relay.scribe.parameters import Parameters
from relay.simulator.engines import Engine, EngineFailed, EngineFull, Stream, Transcript, wire

STREAMS_PER_PROCESS: Final = 4
"""Streams that one process takes: each needs 97 MB, and 0.15 s of a core per second of speech."""

MAX_PROCESSES: Final = 4

MAX_BEHIND: Final = 2.0
"""Seconds of audio that a stream may be behind before more is accepted."""

START_TIMEOUT: Final = 30.0
"""Seconds for a process to load its model, which takes less than one on an idle machine."""

_PROGRAM: Final = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from relay.simulator.engines.worker import main; main()"
)

_log = structlog.get_logger("relay.simulator")


class SphinxEngine(Engine):
    """Recognise speech in a fixed number of processes; one that dies is replaced."""

    name = "pocketsphinx"

    def __init__(
        self,
        *,
        processes: int | None = None,
        streams_per_process: int = STREAMS_PER_PROCESS,
        max_behind: float = MAX_BEHIND,
    ) -> None:
        """Describe the processes; `start` makes them.

        Args:
            processes: One per core, at most 4, if not given.
            streams_per_process: Each takes about 97 MB.
            max_behind: Seconds of audio that a stream may be behind before `feed` waits.
        """
        self._size = processes or min(MAX_PROCESSES, os.cpu_count() or 1)
        self._streams_per_process = streams_per_process
        self._max_behind = max_behind
        self._workers: list[_Worker] = []
        self._numbers = count()
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        if importlib.util.find_spec("pocketsphinx") is None:
            text = (
                "pocketsphinx is not installed: pip install 'scribe-relay[demo]' with a Python "
                "that it has a wheel for, or use the scripted engine."
            )
            raise ConfigError((text,))
        await self._fill()

    async def aclose(self) -> None:
        for worker in self._workers:
            await worker.aclose()
        self._workers.clear()

    async def open(self, parameters: Parameters) -> Stream:
        await self._fill()
        worker = min(self._workers, key=lambda each: len(each.streams))
        if len(worker.streams) >= self._streams_per_process:
            raise EngineFull(f"{self._size * self._streams_per_process} streams are open")
        return _SphinxStream(worker, next(self._numbers), parameters, self._max_behind)

    async def _fill(self) -> None:
        """Start the processes that are missing."""
        async with self._starting:
            self._workers = [worker for worker in self._workers if worker.is_alive]
            while len(self._workers) < self._size:
                self._workers.append(await _start_worker())


async def _start_worker() -> "_Worker":
    # The folder that holds this package, for the case that it isn't installed.
    root = str(Path(relay.__file__).parent.parent)
    _, worker = await asyncio.get_running_loop().subprocess_exec(
        _Worker, sys.executable, "-P", "-c", _PROGRAM, root, stderr=None
    )
    try:
        async with asyncio.timeout(START_TIMEOUT):
            await worker.ready
    except TimeoutError as error:
        raise EngineFailed("A recognising process took too long to start.") from error
    finally:
        if not worker.is_ready:
            await worker.aclose()
    return worker


class _Worker(asyncio.SubprocessProtocol):
    """One process; passes its answers on to the streams they belong to."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.streams: dict[int, _SphinxStream] = {}
        self.ready = loop.create_future()
        self.is_alive = True
        self._exited = loop.create_future()
        self._answers: wire.Unpacker[wire.Answer] = wire.Unpacker(wire.Answer)  # type: ignore[arg-type]  # a union is no type to mypy
        self._transport: asyncio.SubprocessTransport
        self._input: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Casts, because uvloop's transports don't inherit from asyncio's.
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self._input = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        assert isinstance(data, bytes)
        for answer in self._answers.push(data):
            if isinstance(answer, wire.Ready):
                self.ready.set_result(None)
            elif stream := self.streams.get(answer.stream):
                stream.receive(answer)

    def process_exited(self) -> None:
        self.is_alive = False
        if not self.ready.done():
            self.ready.set_exception(EngineFailed("A recognising process ended while it started."))
        if not self._exited.done():
            self._exited.set_result(None)
        for stream in self.streams.values():
            stream.fail("The recognising process ended.")
        self._transport.close()
        _log.info("recogniser ended", returncode=self._transport.get_returncode())

    @property
    def is_ready(self) -> bool:
        return self.ready.done() and not self.ready.cancelled() and not self.ready.exception()

    @property
    def pid(self) -> int:
        return self._transport.get_pid()

    def send(self, command: wire.Command) -> None:
        if self.is_alive:
            self._input.write(wire.pack(command))

    async def aclose(self) -> None:
        """End the process, which has nothing to lose."""
        if self.is_alive:
            self._transport.kill()
        await self._exited


class _SphinxStream(Stream):
    def __init__(
        self, worker: _Worker, number: int, parameters: Parameters, max_behind: float
    ) -> None:
        audio_format = parameters.audio_format
        self._worker = worker
        self._number = number
        self._asked: deque[asyncio.Future[Any]] = deque()
        self._behind_bytes = 0
        self._max_behind_bytes = max_behind * audio_format.rate * audio_format.bytes_per_sample
        self._progress = asyncio.Event()
        self._failure: str | None = None
        worker.streams[number] = self
        worker.send(wire.Open(number, audio_format))

    async def feed(self, payload: bytes) -> None:
        self._behind_bytes += len(payload)
        self._worker.send(wire.Hear(self._number, payload))
        while self._failure is None and self._behind_bytes > self._max_behind_bytes:
            self._progress.clear()
            await self._progress.wait()
        if self._failure is not None:
            raise EngineFailed(self._failure)

    def partial(self) -> Awaitable[str]:
        return self._ask(wire.AskPartial(self._number))

    def commit(self) -> Awaitable[Transcript]:
        return self._ask(wire.AskFinal(self._number))

    def close(self) -> None:
        self._worker.streams.pop(self._number, None)
        self._worker.send(wire.Forget(self._number))
        for question in self._asked:
            question.cancel()
        self._asked.clear()

    def receive(self, answer: wire.Answer) -> None:
        """Take an answer; those to questions come in the order they were asked."""
        match answer:
            case wire.Heard(size_bytes=size_bytes):
                self._behind_bytes -= size_bytes
                self._progress.set()
            case wire.PartialText(text=text):
                self._settle(text)
            case wire.FinalText(text=text, words=words):
                self._settle(Transcript(text, words))
            case wire.Failed(text=text):
                self.fail(text)

    def fail(self, text: str) -> None:
        """Let everything asked for fail, now and later."""
        self._failure = text
        self._progress.set()
        while self._asked:
            self._refuse(self._asked.popleft())

    def _ask(self, command: wire.Command) -> asyncio.Future[Any]:
        question: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._failure is None:
            self._asked.append(question)
            self._worker.send(command)
        else:
            self._refuse(question)
        return question

    def _settle(self, value: object) -> None:
        question = self._asked.popleft()
        if not question.cancelled():
            question.set_result(value)

    def _refuse(self, question: asyncio.Future[Any]) -> None:
        if not question.cancelled():
            question.set_exception(EngineFailed(self._failure))
            # Nobody need ask for it; without this the loop would complain that nobody did.
            question.exception()
