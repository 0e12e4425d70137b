"""One WebSocket: sends what there is, hands over what comes, and notices when it is dead."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from relay.client.conversation import Conversation
from relay.client.events import Event, Failure, Moving, SessionResumed, SessionStarted, decode_event
from relay.client.pulse import Pulse
from relay.client.reconnect import MOVED, Loss
from relay.errors import InputError
from relay.protocol.close_codes import ADVICE, CloseCode

ABANDONED: Final = 4000
"""Of an application's own range: with 1000 the relay would take it that the session is over."""

SILENCE_TIMEOUT: Final = 15.0
"""Seconds without a word after audio: the relay acknowledges it about once a second."""

BLOCKED_TIMEOUT: Final = 60.0
"""Seconds without a word where nothing goes out any more, or the last words are awaited.

It may be the relay's doing, which reads no further while the provider is slow; but then it says
something now and then, and a dead line doesn't.
"""

WATCH_INTERVAL: Final = 1.0
"""Seconds between two looks at the line: TCP may take minutes to notice a dead one."""

Listener: TypeAlias = Callable[[str, Event], Awaitable[bool]]
"""Takes a message, as it came and as what it says; whether it was the last that is wanted."""


class Connection:
    """One connection of a conversation, from the open socket to its end."""

    def __init__(
        self,
        socket: ClientConnection,
        conversation: Conversation,
        pulse: Pulse,
        *,
        admission_timeout: float,
    ) -> None:
        """Take over an open socket.

        Args:
            socket: Just opened.
            conversation: Says what to send.
            pulse: Beats when there may be something to send; beaten when something was sent.
            admission_timeout: Seconds in which the relay has to begin the session.
        """
        self._socket = socket
        self._conversation = conversation
        self._pulse = pulse
        self._admission_timeout = admission_timeout
        self._clock = asyncio.get_running_loop().time
        self._is_admitted = False
        self._is_blocked = False
        self._opened_at = self._clock()
        self._awaiting_since: float | None = None
        self._failure: Failure | None = None
        self._is_handing_over = False
        self._is_moving = False

    async def run(self, listener: Listener) -> Loss | None:
        """Send and receive until the end: how it was lost, or None where the listener was done.

        Raises:
            InputError: If the relay sends what is no message of the protocol.
        """
        outcome: Loss | InputError | None = None
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(self._send(), name="send messages"),
                group.create_task(self._watch(), name="watch the line"),
            ]
            try:
                outcome = await self._receive(listener, group, helpers)
            except InputError as error:
                outcome = error
            finally:
                for helper in helpers:
                    helper.cancel()
        if isinstance(outcome, InputError):
            raise outcome
        return outcome

    async def close(self, code: int = ABANDONED) -> None:
        """Close the socket."""
        await self._socket.close(code)

    async def _receive(
        self, listener: Listener, group: asyncio.TaskGroup, helpers: list[asyncio.Task[None]]
    ) -> Loss | None:
        try:
            while True:
                text = await self._socket.recv(decode=True)
                self._awaiting_since = None
                match event := decode_event(text):
                    case SessionStarted() | SessionResumed():
                        self._is_admitted = True
                    case Failure():
                        self._note(event)
                    case Moving(after_ms):
                        helpers.append(group.create_task(self._move(after_ms / 1000), name="move"))
                self._is_handing_over = True
                if await listener(text, event):
                    return None
                self._is_handing_over = False
                self._pulse.beat()
        except ConnectionClosed as closed:
            return self._loss(closed)

    async def _send(self) -> None:
        try:
            while True:
                message = self._conversation.next_message()
                if message is None:
                    await self._pulse.wait()
                    continue
                self._is_blocked = True
                await self._socket.send(message)
                self._is_blocked = False
                if self._awaiting_since is None and (
                    isinstance(message, bytes) or self._conversation.is_stopping
                ):
                    self._awaiting_since = self._clock()
                self._pulse.beat()
        except ConnectionClosed:
            return  # whoever receives learns why

    async def _watch(self) -> None:
        interval = min(WATCH_INTERVAL, self._admission_timeout)
        while True:
            await asyncio.sleep(interval)
            if self._is_dead():
                self._socket.transport.abort()
                return

    def _is_dead(self) -> bool:
        now = self._clock()
        if self._is_handing_over:
            # Nobody reads the events, so nothing is received: that says nothing of the line.
            self._awaiting_since = None
            return False
        if not self._is_admitted and now - self._opened_at >= self._admission_timeout:
            return True
        is_patient = self._is_blocked or self._conversation.is_stopping
        if is_patient and self._awaiting_since is None:
            self._awaiting_since = now
        timeout = BLOCKED_TIMEOUT if is_patient else SILENCE_TIMEOUT
        return self._awaiting_since is not None and now - self._awaiting_since >= timeout

    async def _move(self, delay: float) -> None:
        await asyncio.sleep(delay)
        self._is_moving = True
        await self._socket.close(ABANDONED)

    def _note(self, failure: Failure) -> None:
        """Keep the error that a close follows; one message that was no good ends nothing."""
        if failure.error_type != "input_error" or self._failure is None:
            self._failure = failure

    def _loss(self, closed: ConnectionClosed) -> Loss:
        if self._is_moving:
            return MOVED
        code = CloseCode.BROKEN if closed.rcvd is None else closed.rcvd.code
        failure = self._failure
        is_of_one_message = failure is not None and failure.error_type == "input_error"
        if failure is None or (is_of_one_message and code in _SAY_MORE):
            is_known = code in CloseCode.__members__.values()
            return Loss(code, ADVICE[CloseCode(code)] if is_known else _CLOSED)
        return Loss(
            code,
            failure.error,
            failure.error_type,
            (failure.retry_after_ms or 0) / 1000,
            failure.retryable,
        )


_CLOSED = "The relay closed the connection."

_SAY_MORE = frozenset(
    {
        CloseCode.LEAVING,
        CloseCode.BROKEN,
        CloseCode.FAULT,
        CloseCode.RESTARTING,
        CloseCode.IDLE,
    }
)
"""Codes that say more than an error about one message, some time ago."""
