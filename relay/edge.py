"""uvicorn's protocols with the bounds that it leaves out.

A request's head is bounded in bytes and in time, so that nobody fills the memory or holds a
connection open with half a request; a WebSocket that doesn't take its pongs is dropped; and a
session can drop its connection at once, have its last words before a close is answered, and take
audio where it arrives.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any, Final

import websockets.http11
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

try:
    from websockets.speedups import apply_mask
except ImportError:  # as websockets does where it was built without
    from websockets.utils import apply_mask

from relay.downstream.connection import ABORT, HOLD_CLOSE, LISTEN, SEND, SHORTEN_QUEUE, SHUTDOWN
from relay.downstream.frames import (
    MASKED,
    MAX_HEAD_BYTES,
    MEDIUM_HEAD_BYTES,
    WHOLE_BINARY,
    FrameSplitter,
    is_one_message,
    text_frame,
)
from relay.downstream.scribe_session import CLOSING
from relay.downstream.scribe_wording import NORMAL

MAX_REQUEST_HEAD_BYTES: Final = 64 * 1024
"""Of a request's line and headers, beside what arrives in one piece with their end. Two thousand
characters of instructions, which Scribe takes in the query, need 12 KiB when they are Cyrillic."""

HEAD_TIMEOUT: Final = 10.0
"""Seconds in which a request's head has to come."""

MAX_UNSENT_BYTES: Final = 64 * 1024
"""Unsent bytes of a WebSocket at which a ping that wants an answer drops it."""

FRAMES_AT_ONCE: Final = 64
"""Messages of audio that came in one piece and are taken before others get a turn."""

HOLD_TIMEOUT: Final = 30.0
"""Seconds for which a client's close frame may wait for its answer. Source: the clients in use wait
for 10 s (websockets, Python) and 30 s (ws, Node)."""

# uvicorn hands the request's head to websockets, which would stop at 8 KiB without an answer. The
# library offers this as an environment variable, read when it is imported.
websockets.http11.MAX_LINE_LENGTH = MAX_REQUEST_HEAD_BYTES


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1 with bounded heads."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._is_in_head = True
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEAD_TIMEOUT, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_REQUEST_HEAD_BYTES:
                self._disarm()
                self.transport.write(_TOO_LARGE)
                self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_TIMEOUT, self.transport.abort)

    def on_headers_complete(self) -> None:
        self._disarm()
        self._is_in_head = False
        self._head_bytes = 0
        super().on_headers_complete()

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class HoldingProtocol(ServerProtocol):
    """The WebSocket protocol, in which a close frame needn't be answered at once.

    websockets answers it before anybody hears of it.
    """

    holds_close = False
    is_held = False

    def recv_frame(self, frame: Frame) -> None:
        if self.is_held:
            return  # nothing counts after a close frame
        if not (self.holds_close and frame.opcode is Opcode.CLOSE and self.state is OPEN):
            super().recv_frame(frame)
            return
        Close.parse(frame.data)  # raises what the parser takes for an error of the protocol
        self.is_held = True
        self.events.append(frame)


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """WebSockets that can be dropped, that never owe much, and that sessions close themselves."""

    conn: HoldingProtocol
    _leave: Callable[[], None] | None = None
    _hold_timer: asyncio.TimerHandle | None = None
    _take: Callable[[bytes], bool] | None = None
    _is_unsplit = False
    """Whether a frame has begun that is too long to be waited for."""
    _is_direct = False
    """Whether a message of audio that comes next may be given to who listens, whole as it is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = HoldingProtocol(max_size=self.config.ws_max_size, logger=self.logger)
        self._splitter = FrameSplitter()

    def data_received(self, data: bytes) -> None:
        if self._is_direct and is_one_message(data):
            payload = memoryview(data)[MEDIUM_HEAD_BYTES:]
            mask = data[MEDIUM_HEAD_BYTES - 4 : MEDIUM_HEAD_BYTES]
            if self._take is not None and self._take(apply_mask(payload, mask)):
                return
        self._is_direct = False
        if not self.handshake_initiated or self._is_unsplit:
            self._parse(data)
            return
        self._split(data)
        self._is_direct = self._may_hand_over() and not self._splitter.wanted

    def _split(self, data: bytes) -> None:
        """Take in bytes frame by frame."""
        data, spans = self._splitter.push(data)
        for index, span in enumerate(spans):
            if index >= FRAMES_AT_ONCE or not self._hand_over(data, *span):
                self._parse(data[span[0] : span[2]])
            if self.transport.is_closing():
                return
        if self._splitter.wanted > self.config.ws_max_size + MAX_HEAD_BYTES:
            self._is_unsplit = True
            self._parse(self._splitter.give_back())  # which finds that it is too long

    def _hand_over(self, data: bytes, start: int, payload: int, end: int) -> bool:
        """Give a message of audio to who listens, past the queue; whether it was taken.

        Most of what a relay does is to receive audio, and a queue, its events, and a task that is
        woken by them cost as much as what is done with it.
        """
        if (
            self._take is None
            or data[start] != WHOLE_BINARY
            or data[start + 1] < MASKED
            or end - payload > self.config.ws_max_size
            or not self._may_hand_over()
        ):
            return False
        return self._take(apply_mask(memoryview(data)[payload:end], data[payload - 4 : payload]))

    def _may_hand_over(self) -> bool:
        """Whether nothing that came before a frame is still to be taken, and it counts at all."""
        conn = self.conn
        return (
            conn.state is OPEN
            and conn.current_size is None  # else it interrupts a message: an error
            and not conn.is_held
            and self.queue.empty()
        )

    def _parse(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            # websockets gives no answer to a request that it can't read.
            self.transport.write(_BAD_REQUEST)
            self.transport.close()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[ABORT] = {"call": self.transport.abort}
            extensions[SHUTDOWN] = {"call": self._on_shutdown}
            extensions[HOLD_CLOSE] = {"call": self._hold_close}
            extensions[SHORTEN_QUEUE] = {"call": self._shorten_queue}
            extensions[LISTEN] = {"call": self._listen}
            extensions[SEND] = {"call": self._send_now}

    def _listen(self, take: Callable[[bytes], bool]) -> None:
        self._take = take

    def _send_now(self, text: str) -> bool:
        is_open = self.conn.state is OPEN and self.handshake_complete and not self.close_sent
        if not is_open or not self.writable.is_set() or self.transport.is_closing():
            return False
        self.transport.write(text_frame(text))
        return True

    def _hold_close(self) -> None:
        self.conn.holds_close = True

    def _shorten_queue(self, size_bytes: int) -> None:
        if self.transport.is_closing():
            return  # its descriptor may be another one's by now
        # uvloop's own object can't set options; they belong to the socket, not to the descriptor.
        descriptor = self.transport.get_extra_info("socket").fileno()
        with socket.socket(fileno=os.dup(descriptor)) as duplicate:
            duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size_bytes)

    def handle_close(self, event: Frame) -> None:
        if not self.conn.is_held:
            super().handle_close(event)
            return
        self._hold_timer = self.loop.call_later(HOLD_TIMEOUT, self._answer_close)
        self.queue.put_nowait({"type": "websocket.receive", "text": CLOSING})

    def _answer_close(self) -> None:
        """Answer a close frame that was held for too long."""
        if self.conn.state is not OPEN:
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": NORMAL, "reason": ""})
        self._is_direct = False
        self.conn.send_close(NORMAL)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()

    async def send(self, message: Any) -> None:
        await super().send(message)
        self._is_direct = self._is_direct and self.conn.state is OPEN
        if message["type"] == "websocket.close" and self.conn.is_held:
            # Both close frames are there now; uvicorn would wait for the client's.
            self._forget_timers()
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_timers()
        super().connection_lost(exc)

    def _forget_timers(self) -> None:
        for timer in (self._hold_timer, self.close_timer):
            if timer is not None:
                timer.cancel()

    def _on_shutdown(self, leave: Callable[[], None]) -> None:
        self._leave = leave

    def shutdown(self) -> None:
        """Called when the server stops: sessions say their last words first."""
        self._is_direct = False
        if self._leave is None:
            super().shutdown()
        else:
            self._leave()

    def handle_ping(self) -> None:
        if self.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.transport.abort()
            return
        super().handle_ping()


def _answer(status: str, text: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\n"
        f"content-length: {len(text)}\r\nconnection: close\r\n\r\n{text}"
    ).encode()


_TOO_LARGE: Final = _answer("431 Request Header Fields Too Large", "Send less than 64 KiB.\n")
_BAD_REQUEST: Final = _answer("400 Bad Request", "Not a WebSocket handshake.\n")
