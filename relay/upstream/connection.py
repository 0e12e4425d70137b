"""One socket to the provider: picows below, decoded messages above. The only I/O of this package.

picows because it costs a third less CPU per session than an awaiting client does, see
`docs/decisions/0002-hot-path.md`. It calls back synchronously; whoever listens must not block.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Mapping
from typing import Final, Protocol

import picows

from relay.errors import UpstreamRejected, UpstreamUnavailable
from relay.scribe.codec import MalformedMessage, decode_server_message
from relay.scribe.messages import ServerMessage

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""The longest message we take from the provider: far more than the words of 36 s need."""

READ_BUFFER_BYTES = 4096
"""Of a socket at first; it grows with what comes. Most of Scribe's messages have some hundred
bytes, and every session has this buffer."""

PING_INTERVAL = 10.0
"""Seconds without any data after which the provider is pinged…"""

PONG_TIMEOUT = 10.0
"""…and seconds after which a missing pong counts as a broken line."""

RETRY_AFTER = 2.0
"""Seconds a client is told to wait when the provider has no place."""

CLOSE_TIMEOUT = 2.0
"""Seconds that the provider has to answer our close frame."""


_TEXT: Final = picows.WSMsgType.TEXT


class UpstreamListener(Protocol):
    """Who is told what happens on the socket, within the event loop's callback."""

    def upstream_message(self, message: ServerMessage) -> None: ...
    def upstream_malformed(self, error: MalformedMessage) -> None: ...
    def upstream_lost(self, code: int, reason: str) -> None: ...
    def upstream_writable(self) -> None: ...


class UpstreamConnection(picows.WSListener):
    """An open WebSocket to the provider."""

    def __init__(self, listener: UpstreamListener) -> None:
        super().__init__()
        self.is_writable = True
        self._listener = listener
        self._transport: picows.WSTransport | None = None
        self._fragments = bytearray()
        self._is_text = True
        """Of the message that is arriving."""
        self._is_reported = False
        self._is_abandoned = False

    @property
    def is_lost(self) -> bool:
        """Whether there is no socket, or none any more."""
        return self._transport is None or self._transport.is_disconnected

    def send(self, message: bytes) -> None:
        """Hand a text message to the socket; ask `is_writable` before."""
        assert self._transport is not None
        self._transport.send(_TEXT, message)

    async def aclose(self) -> None:
        """Close with 1000 and wait until the socket is gone; may be called again."""
        transport = self._transport
        if transport is None:
            return
        if not transport.is_disconnected:
            transport.send_close(picows.WSCloseCode.OK)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await transport.wait_disconnected()
        except TimeoutError:
            transport.disconnect(graceful=False)
        except asyncio.CancelledError:
            transport.disconnect(graceful=False)
            raise
        except (picows.WSError, OSError):
            return  # the listener was told how the socket ended

    def abandon(self) -> None:
        """Drop the socket, or the one that is about to open: nobody waits for it any more."""
        self._is_abandoned = True
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._transport = transport
        if self._is_abandoned:
            self.abandon()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if self._is_reported:
            return  # it came in one piece with what ended the line
        kind = frame.msg_type
        if kind is _TEXT:
            self._is_text = True
            self._receive_part(transport, frame)
        elif kind is picows.WSMsgType.CLOSE:
            payload = frame.get_payload_as_bytes()
            code = int.from_bytes(payload[:2]) if payload else 1005
            transport.send_close(picows.WSCloseCode.OK)
            transport.disconnect()
            # Now, and not when the socket is gone: it may take its time to flush.
            self._lose(code, payload[2:].decode(errors="replace"))
        elif kind is picows.WSMsgType.BINARY:
            self._is_text = False  # Scribe sends none; what continues it is no text either
        elif kind is picows.WSMsgType.CONTINUATION and self._is_text:
            self._receive_part(transport, frame)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self._lose(1006, "")

    def pause_writing(self) -> None:
        self.is_writable = False

    def resume_writing(self) -> None:
        self.is_writable = True
        self._listener.upstream_writable()

    def _lose(self, code: int, reason: str) -> None:
        if not self._is_reported:
            self._is_reported = True
            self._listener.upstream_lost(code, reason)

    def _receive_part(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        payload = frame.get_payload_as_memoryview()
        # picows has a limit of its own for one frame, but passes on what came in the meantime.
        if len(self._fragments) + len(payload) > MAX_MESSAGE_BYTES:
            transport.disconnect(graceful=False)
            self._lose(1006, "")
        elif not frame.fin:
            self._fragments += payload
        elif self._fragments:
            message, self._fragments = bytes(self._fragments + payload), bytearray()
            self._receive(message)
        else:
            self._receive(bytes(payload))

    def _receive(self, data: bytes) -> None:
        try:
            message = decode_server_message(data)
        except MalformedMessage as error:
            self._listener.upstream_malformed(error)
        else:
            self._listener.upstream_message(message)


async def connect(
    listener: UpstreamListener,
    url: str,
    *,
    headers: Mapping[str, str],
    ssl_context: ssl.SSLContext | None,
    connect_timeout: float,
    write_bytes: int,
) -> UpstreamConnection:
    """Open a socket to the provider.

    Args:
        listener: Is told of everything that happens on it.
        url: `ws://` or `wss://`, with the query.
        headers: Sent with the handshake; they hold the key.
        ssl_context: For `wss://`; None for the system's trust store.
        connect_timeout: Seconds for TCP, TLS and the handshake together.
        write_bytes: Unsent bytes at which the connection stops being writable.

    Raises:
        UpstreamUnavailable: If it can't be reached, or refuses for now.
        UpstreamRejected: If it refuses the key at the handshake.
    """
    connection = UpstreamConnection(listener)
    try:
        async with asyncio.timeout(connect_timeout):
            transport, _ = await picows.ws_connect(
                lambda: connection,
                url,
                ssl_context=ssl_context,
                extra_headers=headers,
                websocket_handshake_timeout=connect_timeout,
                max_frame_size=MAX_MESSAGE_BYTES,
                read_buffer_init_size=READ_BUFFER_BYTES,
                # A redirect would carry the key to wherever it points.
                max_redirects=0,
                enable_auto_ping=True,
                auto_ping_idle_timeout=PING_INTERVAL,
                auto_ping_reply_timeout=PONG_TIMEOUT,
            )
    except asyncio.CancelledError:
        connection.abandon()
        raise
    except picows.WSHandshakeError as error:
        status = None if error.response is None else int(error.response.status)
        raise _refused(status) from error
    # UnicodeError: a name that DNS can't hold, such as one with two dots in a row.
    except (TimeoutError, OSError, UnicodeError, picows.WSError) as error:
        # picows leaves a socket that is about to open alone, and with it, later, a session that
        # the provider counts.
        connection.abandon()
        reason = "no answer in time" if isinstance(error, TimeoutError) else _name(error)
        raise UpstreamUnavailable(
            "upstream_unavailable", f"The speech service can't be reached: {reason}."
        ) from error
    if connection.is_lost:
        # picows returns normally when the line breaks before the handshake is answered.
        raise UpstreamUnavailable(
            "upstream_unavailable",
            "The speech service broke off while it was being connected to.",
        )
    transport.underlying_transport.set_write_buffer_limits(high=write_bytes)
    return connection


def _refused(status: int | None) -> UpstreamUnavailable | UpstreamRejected:
    match status:
        case 401 | 403:
            return UpstreamRejected(
                "auth_error", "The speech service refused the relay's key (ELEVENLABS_API_KEY)."
            )
        case 429:
            return UpstreamUnavailable(
                "rate_limited",
                "The speech service has no free session for this account.",
                RETRY_AFTER,
            )
        case int() if 400 <= status < 500 and status not in (408, 425):
            return UpstreamRejected(
                "invalid_request",
                f"The speech service refused the connection: HTTP {status}. An operator should "
                "look at RELAY_UPSTREAM_URL.",
            )
        case _:
            answer = "no valid answer" if status is None else f"HTTP {status}"
            return UpstreamUnavailable(
                "upstream_unavailable",
                f"The speech service refused the connection: {answer}.",
            )


def _name(error: Exception) -> str:
    """An error's kind and, for the system's own, its text; neither holds what we sent or where."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, socket.gaierror):
        return error.strerror or "no such name"
    # asyncio puts the address into `strerror`.
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return type(error).__name__
