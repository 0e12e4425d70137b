"""One socket: do what its session wants."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

import structlog
from aiohttp import WSMsgType, web

from relay.scribe.codec import encode_message
from relay.simulator.actions import (
    Action,
    AskFinal,
    AskPartial,
    Close,
    Commit,
    Drop,
    Feed,
    Send,
    Stall,
)
from relay.simulator.engines import EngineFailed, Stream, Transcript
from relay.simulator.outbox import Outbox
from relay.simulator.records import ABNORMAL_CLOSURE, ConnectionRecord, WavDump
from relay.simulator.session import Session
from relay.simulator.sockets import close_socket, reset_transport

MAX_UNSENT: Final = 256
"""Messages that may wait for a slow client before its audio is no longer read."""

STALL_POLL: Final = 0.1
"""Seconds between looks at whether the client of a stalled socket has gone."""

GOING_AWAY: Final = 1001
"""*Source*: RFC 6455, section 7.4.1."""

NO_CODE: Final = 1005
"""What stands for a close frame without a code. *Source*: RFC 6455, section 7.1.5."""

_Answer: TypeAlias = Callable[[], Awaitable[Sequence[Action]]]

_log = structlog.get_logger("relay.simulator")


class _Ended(Exception):
    """Raised by the pump that finds the end, to stop the others."""

    def __init__(self, ending: Close | Drop | None) -> None:
        super().__init__(ending)
        self.ending = ending
        """What is left to do; nothing if the line is gone."""


class Connection:
    """Drive one session with one socket and one engine's stream.

    Four tasks: one reads, one waits for the engine's answers in the order they were asked for, one
    sends what is due, one watches the session's deadline.
    """

    def __init__(
        self,
        websocket: web.WebSocketResponse[bool],
        request: web.Request,
        session: Session,
        stream: Stream,
        record: ConnectionRecord,
        *,
        speed: float | None,
        dump: WavDump | None,
        notify: Callable[[], None],
    ) -> None:
        """Bind the parts together.

        Args:
            websocket: Prepared, with `autoclose` off.
            request: That it answers.
            session: Not opened yet.
            stream: Just opened; closed here.
            record: Kept up to date.
            speed: How fast audio is read, in multiples of real time; `None` for as it comes.
            dump: Where audio is written, if anywhere; closed here.
            notify: Called whenever the record has changed.
        """
        self._websocket = websocket
        self._request = request
        self._session = session
        self._stream = stream
        self._record = record
        self._speed = speed
        self._dump = dump
        self._notify = notify
        self._clock = asyncio.get_running_loop().time
        self._outbox = Outbox()
        self._answers: asyncio.Queue[_Answer] = asyncio.Queue()
        self._running = asyncio.Event()
        self._running.set()
        self._is_busy = False
        self._opened = self._clock()
        record.commits = session.commits

    async def run(self) -> None:
        """Serve the socket until it is closed or dropped."""
        ending: Close | Drop | None = None
        try:
            await self._perform(self._session.open())
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump_answers(), name="pump answers")
                pumps.create_task(self._pump_outbox(), name="pump outbox")
                pumps.create_task(self._watch_deadline(), name="watch deadline")
                await self._pump_messages()
        except* _Ended as group:
            ended = group.exceptions[0]
            assert isinstance(ended, _Ended)  # pumps raise it directly, never nested
            ending = ended.ending
        finally:
            self._stream.close()
            if self._dump is not None:
                self._dump.close()
            self._note_end(ending)
        if isinstance(ending, Drop):
            reset_transport(self._request)
        elif isinstance(ending, Close):
            await close_socket(self._websocket, ending)

    def leave(self) -> None:
        """Close the socket because the simulator stops."""
        self._outbox.put(Close(GOING_AWAY), self._clock())
        self._running.set()

    async def _pump_messages(self) -> None:
        while True:
            try:
                message = await self._websocket.receive()
            except ConnectionError as error:
                # It answers pings by itself, also one of a client that has just been killed.
                self._record.closed_by_client = True
                raise _Ended(None) from error
            self._is_busy = True
            match message.type:
                case WSMsgType.TEXT:
                    await self._until_running()
                    await self._perform(self._session.receive_text(message.data, self._clock()))
                case WSMsgType.BINARY:
                    await self._until_running()
                    await self._perform(self._session.receive_binary(self._clock()))
                case WSMsgType.CLOSE:
                    await self._until_running()
                    self._record.closed_by_client = True
                    # Official SDKs close right after the last commit, and want its final.
                    await self._answers.join()
                    await self._outbox.join()
                    raise _Ended(Close(1000))
                case _:
                    self._record.closed_by_client = True
                    raise _Ended(None)
            self._note_received()
            await self._until_ready()
            self._is_busy = False

    async def _pump_answers(self) -> None:
        while True:
            answer = await self._answers.get()
            try:
                actions = await answer()
            except EngineFailed:
                actions = self._session.receive_failure()
            await self._perform(actions)
            self._answers.task_done()

    async def _pump_outbox(self) -> None:
        while True:
            action = await self._outbox.take()
            await self._until_running()
            match action:
                case Send(fields=fields):
                    try:
                        await self._websocket.send_str(encode_message(fields))
                    except ConnectionError as error:
                        raise _Ended(None) from error
                    self._note_sent(fields)
                case Stall():
                    self._stall(action.duration)
                case Close() | Drop():
                    raise _Ended(action)
            self._outbox.task_done()

    async def _watch_deadline(self) -> None:
        while (deadline := self._session.deadline) is not None:
            if (wait := deadline - self._clock()) > 0:
                await asyncio.sleep(wait)
            await self._until_running()
            now = self._clock()
            if self._is_busy:
                self._session.excuse_silence(now)
            await self._perform(self._session.receive_deadline(now))

    async def _perform(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case Feed(payload):
                    await self._hear(payload)
                case AskPartial():
                    self._answers.put_nowait(partial(self._partial, self._stream.partial()))
                case AskFinal(commit):
                    _log.info(
                        "segment ended",
                        session_id=self._session.session_id,
                        index=commit.index,
                        start=commit.start,
                        end=commit.end,
                        cause=commit.cause,
                    )
                    self._answers.put_nowait(partial(self._final, commit, self._stream.commit()))
                case Stall(duration=duration, follows=False):
                    self._stall(duration)
                case _:
                    self._outbox.put(action, self._clock())

    async def _hear(self, payload: bytes) -> None:
        if self._record.payload is not None:
            self._record.payload += payload
        if self._dump is not None:
            self._dump.write(payload)
        try:
            await self._stream.feed(payload)
        except EngineFailed:
            await self._perform(self._session.receive_failure())

    async def _partial(self, text: Awaitable[str]) -> Sequence[Action]:
        return self._session.receive_partial(await text)

    async def _final(self, commit: Commit, transcript: Awaitable[Transcript]) -> Sequence[Action]:
        return self._session.receive_final(commit, await transcript, self._clock())

    def _stall(self, duration: float | None) -> None:
        self._running.clear()
        if duration is not None:
            asyncio.get_running_loop().call_later(duration, self._resume)

    def _resume(self) -> None:
        self._session.excuse_silence(self._clock())
        self._running.set()

    async def _until_running(self) -> None:
        """Wait while stalled."""
        while not self._running.is_set():
            # Nothing is read meanwhile, so that only the transport can tell.
            if self._request.transport is None or self._request.transport.is_closing():
                self._record.closed_by_client = True
                raise _Ended(None)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STALL_POLL):
                    await self._running.wait()

    async def _until_ready(self) -> None:
        """Wait before the next message, where the client is slow or we are to be."""
        if self._speed is not None:
            rate = self._session.parameters.audio_format.rate * self._speed
            await asyncio.sleep(self._opened + self._session.samples / rate - self._clock())
        if len(self._outbox) > MAX_UNSENT:
            await self._outbox.join()

    def _note_received(self) -> None:
        self._record.samples = self._session.samples
        self._record.messages = self._session.messages
        self._record.previous_text = self._session.previous_text
        self._notify()

    def _note_sent(self, fields: Mapping[str, Any]) -> None:
        message_type = fields["message_type"]
        if message_type == "committed_transcript":
            self._record.finals += 1
        elif "error" in fields:
            self._record.errors.append(message_type)
        self._notify()

    def _note_end(self, ending: Close | Drop | None) -> None:
        record = self._record
        if isinstance(ending, Close) and ending.error is not None:
            record.errors.append(ending.error["message_type"])
        if not isinstance(ending, Close):
            record.close_code = ABNORMAL_CLOSURE
        elif record.closed_by_client:
            record.close_code = self._websocket.close_code or NO_CODE
        else:
            record.close_code = ending.code
        self._note_received()
