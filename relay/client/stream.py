"""A session that outlives its WebSockets."""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias

from websockets.asyncio.client import ClientConnection

from relay.client.connection import Connection
from relay.client.conversation import RING_SECONDS, Conversation
from relay.client.dialing import Dialer, stream_url
from relay.client.errors import RelayUnreachable, StreamClosed
from relay.client.events import Event, SessionEnded, SessionResumed, SessionStarted, decode_seq
from relay.client.pulse import Pulse
from relay.client.reconnect import Loss
from relay.client.recovery import Again, Over, Recovery
from relay.protocol.close_codes import CloseCode

RECONNECT_SECONDS: Final = 60.0
"""How long a connection that broke is tried to be made again, by default."""

MAX_UNREAD: Final = 1024
"""Events that wait for a reader; then the relay is read no further."""

Encoding: TypeAlias = Literal["pcm_f32le", "pcm_s16le"]

_SAMPLE_BYTES: Final[dict[Encoding, int]] = {"pcm_f32le": 4, "pcm_s16le": 2}

_TIMED: Final = ("include_timestamps", "include_language_detection")
"""Options by which a timed final follows each plain one."""


class StreamClient:
    """Sends audio, receives words, and makes its connection again where that breaks.

    What was said is kept until its final has come, and sent again where a connection broke before.
    A session that the relay still has is resumed; otherwise a new one goes on, with segments,
    positions and times on one line. `Reconnecting` events tell of it.

    Send and iterate at the same time, in two tasks: events that nobody reads fill the relay's
    buffer for this client, and it then closes the connection.
    """

    def __init__(
        self,
        url: str,
        *,
        sample_rate: int,
        channels: int = 1,
        encoding: Encoding = "pcm_f32le",
        options: Iterable[tuple[str, str]] = (),
        key: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        open_timeout: float = 10.0,
        reconnect_seconds: float = RECONNECT_SECONDS,
        ring_seconds: float = RING_SECONDS,
        on_message: Callable[[str], None] | None = None,
    ) -> None:
        """Prepare a session; entering the context opens it.

        Args:
            url: The relay's base URL, such as `https://relay.example.org`.
            sample_rate: Hz, 8000 to 192000, of the audio that will be sent.
            channels: 1, or 2 interleaved ones, which the relay mixes down.
            encoding: How each sample is written; full scale of a float is ±1.0.
            options: Scribe's options, such as `("language_code", "en")`; a list is an option given
                several times.
            key: A relay key, sent as the header `xi-api-key`.
            ssl_context: For `https` relays with a certificate of a private authority.
            open_timeout: Seconds that opening the connection may take, and beginning the session.
            reconnect_seconds: For how long a connection that broke is made again, until something
                more is final; 0 to give up at once.
            ring_seconds: Audio kept for that; beyond it the oldest is lost, as `AudioGap` tells.
            on_message: Called with every text message as it came, before anything of it is dropped
                or moved.

        Raises:
            RelayUnreachable: If the URL can't be one of a relay.
        """
        options = list(options)
        query = [
            ("sample_rate", str(sample_rate)),
            ("channels", str(channels)),
            ("encoding", encoding),
            *options,
        ]
        self._dialer = Dialer(stream_url(url), query, key, ssl_context, open_timeout)
        self._conversation = Conversation(
            sample_rate,
            channels * _SAMPLE_BYTES[encoding],
            ring_seconds=ring_seconds,
            expects_timed=any(name in _TIMED and value == "true" for name, value in options),
        )
        self._recovery = Recovery(self._conversation, reconnect_seconds)
        self._on_message = on_message
        self._pulse = Pulse()
        self._unread: asyncio.Queue[Event | None] = asyncio.Queue(MAX_UNREAD)
        self._error: Exception | None = None
        self._is_over = False
        self._connection: Connection
        self._group: asyncio.TaskGroup
        self._running: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        """Connect. Audio may be sent at once; `SessionStarted` comes when the relay is ready.

        Raises:
            RelayUnreachable: If there is no relay at the URL.
        """
        self._use(await self._dial())
        self._group = await asyncio.TaskGroup().__aenter__()
        self._running = self._group.create_task(self._run(), name="keep the connection")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection, which ends the session if `stop` has not."""
        self._running.cancel()
        # The group holds one task, which tells its errors to the reader; the body's are the body's.
        await self._group.__aexit__(None, None, None)
        await self._connection.close(CloseCode.ENDED)

    async def send_audio(self, audio: bytes) -> None:
        """Send whole frames in the session's encoding, and wait until they have gone out.

        For audio that can wait, such as a file's: nothing more than it has to be kept, and it waits
        while the relay takes no more or the connection is made again. Cancelling is safe: what was
        given is sent all the same.

        Raises:
            StreamClosed: If the session has ended, or was stopped.
            ValueError: If `audio` ends within a frame.
        """
        self.send_audio_nowait(audio)
        end = self._conversation.end
        while self._conversation.position < end:
            if self._is_over:
                raise StreamClosed(_OVER)
            await self._pulse.wait()

    def send_audio_nowait(self, audio: bytes) -> None:
        """Send whole frames without waiting, for audio that comes live.

        What can't go out yet is kept, up to `ring_seconds`; beyond that the oldest is lost.

        Raises:
            StreamClosed: If the session has ended, or was stopped.
            ValueError: If `audio` ends within a frame.
        """
        self._check_open()
        self._conversation.hear(audio)
        self._pulse.beat()

    async def commit(self) -> None:
        """End the segment behind the audio so far.

        Raises:
            StreamClosed: If the session has ended, or was stopped.
        """
        self._check_open()
        self._conversation.mark("commit")
        self._pulse.beat()

    async def stop(self) -> None:
        """Say that no more audio comes; the last words and `SessionEnded` follow.

        Raises:
            StreamClosed: If the session has ended, or was stopped.
        """
        self._check_open()
        self._conversation.mark("stop")
        self._pulse.beat()

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Receive events until the session has ended.

        Errors come as `Failure` events; whether one was fatal shows when the session ends.

        Raises:
            SessionFailed: If the session ends before it was asked to and can't be had back, with
                the last error and what is missing.
            InputError: If the relay sends what is no message of the protocol.
        """
        while (event := await self._unread.get()) is not None:
            yield event
        self._unread.put_nowait(None)  # for whoever iterates once more
        if self._error is not None:
            raise self._error

    async def _run(self) -> None:
        try:
            await self._keep_connected()
        except Exception as error:  # the reader raises it
            self._error = error
        self._is_over = True
        self._pulse.beat()
        await self._unread.put(None)

    async def _keep_connected(self) -> None:
        loss = await self._connection.run(self._receive)
        while True:
            if loss is None:
                await self._connection.close(CloseCode.ENDED)
                return
            decision = self._decide(loss)
            if isinstance(decision, Over):
                await self._tell()
                self._error = decision.error
                return
            loss = await self._connect_again(decision, loss)

    def _decide(self, loss: Loss) -> Again | Over:
        # Jitter, not a secret.
        return self._recovery.lost(loss, self._now(), random.random())  # noqa: S311

    async def _connect_again(self, decision: Again, loss: Loss) -> Loss | None:
        await self._unread.put(self._recovery.note(decision, loss))
        if decision.needs_audio and not await self._has_more_to_say():
            return None
        await asyncio.sleep(decision.delay)
        try:
            self._use(await self._dial())
        except RelayUnreachable as error:
            return Loss(CloseCode.BROKEN, str(error))
        return await self._connection.run(self._receive)

    async def _has_more_to_say(self) -> bool:
        """Wait for audio, or for the word that none comes."""
        conversation = self._conversation
        while conversation.missing is None and not conversation.is_stopping:
            await self._pulse.wait()
        if conversation.missing is None:
            conversation.settle()
            await self._tell()
        return conversation.missing is not None

    async def _dial(self) -> ClientConnection:
        plan = self._conversation.plan()
        self._recovery.dialed(is_resuming=plan is not None)
        return await self._dialer.dial(plan)

    def _use(self, socket: ClientConnection) -> None:
        timeout = self._dialer.open_timeout
        self._connection = Connection(
            socket, self._conversation, self._pulse, admission_timeout=timeout
        )

    async def _receive(self, text: str, event: Event) -> bool:
        if self._on_message is not None:
            self._on_message(text)
        if isinstance(event, SessionStarted | SessionResumed):
            self._recovery.admitted(self._now())
        self._conversation.receive(event, decode_seq(text))
        is_last = isinstance(event, SessionEnded) and self._recovery.ended(event)
        await self._tell()
        return is_last

    async def _tell(self) -> None:
        for event in self._conversation.take_events():
            await self._unread.put(event)

    def _check_open(self) -> None:
        if self._is_over or self._conversation.is_stopping:
            raise StreamClosed(_OVER)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


_OVER: Final = "The session has ended, or was asked to."
