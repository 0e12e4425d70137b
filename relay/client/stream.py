"""One session over one WebSocket."""

import ssl
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Literal, Self, TypeAlias
from urllib.parse import urlencode, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from relay.client.direct import Direct
from relay.client.errors import RelayUnreachable, SessionFailed, StreamClosed
from relay.client.events import Event, decode_event
from relay.protocol.close_codes import ADVICE, CloseCode
from relay.protocol.messages import SUBPROTOCOL, Failure, SessionEnded

STREAM_PATH = "/v1/stream"

CLOSE_TIMEOUT = 2.0
"""Seconds to wait for the relay's half of the closing handshake."""

Encoding: TypeAlias = Literal["pcm_f32le", "pcm_s16le"]


class StreamClient:
    """Sends audio, receives words.

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
            open_timeout: Seconds that opening the connection may take.
        """
        query = [
            ("sample_rate", str(sample_rate)),
            ("channels", str(channels)),
            ("encoding", encoding),
            *options,
        ]
        self._url = stream_url(url)
        self._connecting = Direct(
            f"{self._url}?{urlencode(query)}",
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            additional_headers=None if key is None else {"xi-api-key": key},
            ssl=(ssl_context or True) if self._url.startswith("wss:") else None,
            # A proxy of the environment can't reach this machine's own loopback.
            proxy=None if _is_loopback(self._url) else True,
            # Audio hardly shrinks, and compressing it costs more than sending it.
            compression=None,
            open_timeout=open_timeout,
            close_timeout=CLOSE_TIMEOUT,
            # A relay that pauses reading can't answer pings; that isn't a broken line.
            ping_timeout=None,
        )
        self._socket: ClientConnection

    async def __aenter__(self) -> Self:
        """Connect. Audio may be sent at once; `SessionStarted` comes when the relay is ready.

        Raises:
            RelayUnreachable: If there is no relay at the URL.
        """
        try:
            self._socket = await self._connecting
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
            raise RelayUnreachable(self._url, _why(error)) from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection, which ends the session if `stop` has not."""
        await self._socket.close()

    async def send_audio(self, audio: bytes) -> None:
        """Send whole frames in the session's encoding, at most 256 KiB.

        Waits while the relay takes no more. Cancelling is safe between messages only: a message
        that was cut loses its samples.

        Raises:
            StreamClosed: If the connection has ended.
        """
        await self._send(audio)

    async def commit(self) -> None:
        """End the segment here.

        Raises:
            StreamClosed: If the connection has ended.
        """
        await self._send('{"message_type":"commit"}')

    async def stop(self) -> None:
        """Say that no more audio comes; the last words and `SessionEnded` follow.

        Raises:
            StreamClosed: If the connection has ended.
        """
        await self._send('{"message_type":"stop"}')

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Receive events until the session has ended.

        Errors come as `Failure` events; whether one was fatal shows when the connection closes.

        Raises:
            SessionFailed: If the connection ends before the session has, with the last error.
            InputError: If the relay sends what is no message of the protocol.
        """
        failure: Failure | None = None
        has_ended = False
        try:
            while True:
                event = decode_event(await self._socket.recv(decode=True))
                match event:
                    case Failure():
                        failure = event
                    case SessionEnded():
                        has_ended = True
                yield event
        except ConnectionClosed as closed:
            if not has_ended:
                raise _session_failed(closed, failure) from closed

    async def _send(self, message: bytes | str) -> None:
        try:
            await self._socket.send(message)
        except ConnectionClosed as closed:
            raise StreamClosed("The connection to the relay has ended.") from closed


_RESUMABLE = frozenset(
    {
        CloseCode.LEAVING,
        CloseCode.BROKEN,
        CloseCode.FAULT,
        CloseCode.RESTARTING,
        CloseCode.UPSTREAM_UNAVAILABLE,
    }
)
"""Codes after which connecting again may work, where no error message said so."""


def stream_url(base: str) -> str:
    """Make the address of the WebSocket from a relay's base URL; a path in it is kept.

    Raises:
        RelayUnreachable: If `base` isn't an http(s) or ws(s) URL with a host.
    """
    parts = urlsplit(base)
    scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise RelayUnreachable(base, "the URL must look like http://host:port or https://host.")
    path = parts.path.rstrip("/")
    if not path.endswith(STREAM_PATH):
        path += STREAM_PATH
    return urlunsplit((scheme, parts.netloc, path, "", ""))


def _session_failed(closed: ConnectionClosed, failure: Failure | None) -> SessionFailed:
    code = CloseCode.BROKEN if closed.rcvd is None else closed.rcvd.code
    if failure is not None:
        return SessionFailed(failure.error_type, failure.error, code, failure.retryable)
    is_known = code in CloseCode.__members__.values()
    text = ADVICE[CloseCode(code)] if is_known else "The relay closed the connection."
    return SessionFailed("connection_closed", text, code, retryable=code in _RESUMABLE)


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")


def _why(error: Exception) -> str:
    match error:
        case InvalidStatus():
            return f"it answered with HTTP {error.response.status_code}."
        case TimeoutError():
            return "it did not answer in time."
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message})."
        case OSError():
            return f"{error.strerror or error}."
        case _:
            return f"{error}."
