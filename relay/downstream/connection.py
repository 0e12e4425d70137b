"""The client's socket. The only I/O of this package."""

from collections.abc import Callable

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from relay.downstream.scribe_wording import Wording
from relay.protocol.close_codes import CloseCode
from relay.protocol.messages import SUBPROTOCOL

ABORT = "scribe-relay.abort"
"""An extension of ASGI that our own server offers: drops the connection at once."""

SHUTDOWN = "scribe-relay.shutdown"
"""Another one: whoever is called there when the server stops closes the connection himself."""

HOLD_CLOSE = "scribe-relay.hold-close"
"""A third one: the client's close frame comes as the message `CLOSING`, and is answered when the
connection is closed from here."""

SHORTEN_QUEUE = "scribe-relay.shorten-queue"
"""A fourth one: as little as possible waits between the client and us."""

LISTEN = "scribe-relay.listen"
"""A fifth one: whoever is called there is shown each message of audio as it arrives."""

SEND = "scribe-relay.send"
"""A sixth one: sends a text at once where nothing keeps it back, and says whether it did."""

CLOSED = (WebSocketDisconnect, RuntimeError)
"""What sending raises where the connection has ended; `RuntimeError` where uvicorn has closed it by
itself, since a message was too long or not UTF-8, and a subclass of it from Starlette."""


class ClientLeft(Exception):
    """Raised when the client's connection has ended; `code` as the client gave it."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class DownstreamConnection:
    """An accepted WebSocket; reading pauses by itself while nobody calls `receive`."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._send_now: Callable[[str], bool] | None = (
            websocket.scope.get("extensions", {}).get(SEND, {}).get("call")
        )
        self.is_waiting = False
        """Whether `receive` waits, so that nothing that came before is still to be taken."""

    def listen(self, take: Callable[[bytes], bool]) -> None:
        """Offer each message of audio to `take` as it arrives; what it doesn't take is received.

        It may take what comes while `is_waiting`, or the order would be another one.
        """
        listen = self._websocket.scope.get("extensions", {}).get(LISTEN)
        if listen is not None:
            listen["call"](take)

    def on_shutdown(self, leave: Callable[[], None]) -> None:
        """When the server stops, call `leave` instead of closing the connection."""
        shutdown = self._websocket.scope.get("extensions", {}).get(SHUTDOWN)
        if shutdown is not None:
            shutdown["call"](leave)

    async def accept(self) -> None:
        """Finish the handshake; the relay answers with its own subprotocol or with none."""
        offered = self._websocket.scope["subprotocols"]
        await self._websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)

    async def receive(self) -> bytes | str:
        """Wait for the next message.

        Raises:
            ClientLeft: If the connection has ended.
        """
        self.is_waiting = True
        try:
            message = await self._websocket.receive()
        finally:
            self.is_waiting = False
        if message["type"] == "websocket.disconnect":
            # uvicorn says 1005 where no close frame came at all, and gives no reason then.
            has_closed = "reason" in message or message.get("code") == CloseCode.RESTARTING
            raise ClientLeft(message["code"] if has_closed else CloseCode.BROKEN)
        payload: bytes | None = message.get("bytes")
        return payload if payload is not None else message["text"]

    def send_now(self, text: str) -> bool:
        """Send one message if that needs no waiting; whether it was sent."""
        is_connected = self._websocket.application_state is WebSocketState.CONNECTED
        return self._send_now is not None and is_connected and self._send_now(text)

    async def send(self, text: str) -> None:
        """Send one message; waits while the client doesn't read. Cancelling it sends nothing.

        Raises:
            ClientLeft: If the connection has ended.
        """
        try:
            await self._websocket.send({"type": "websocket.send", "text": text})
        except CLOSED as error:
            raise ClientLeft(CloseCode.BROKEN) from error

    async def close(self, code: CloseCode, reason: str = "") -> None:
        """Begin the closing handshake; does nothing where the client was faster."""
        await self._close(code, reason)

    async def _close(self, code: int, reason: str) -> None:
        if self._websocket.application_state is WebSocketState.CONNECTED:
            try:
                await self._websocket.close(code, reason)
            except CLOSED:
                return

    def abort(self) -> None:
        """Drop the connection: a client that takes nothing would hold it, and what waits, open."""
        abort = self._websocket.scope.get("extensions", {}).get(ABORT)
        if abort is not None:
            abort["call"]()


class ScribeConnection(DownstreamConnection):
    """A client that speaks Scribe's dialect; what it was told last says how it is closed."""

    def __init__(self, websocket: WebSocket, wording: Wording, *, queue_bytes: int) -> None:
        """Close as `wording` says; the kernel holds `queue_bytes` of what isn't read yet."""
        super().__init__(websocket)
        self._wording = wording
        self._queue_bytes = queue_bytes

    async def accept(self) -> None:
        """Finish the handshake; Scribe knows no subprotocols."""
        extensions = self._websocket.scope.get("extensions", {})
        if HOLD_CLOSE in extensions:
            extensions[HOLD_CLOSE]["call"]()
        if SHORTEN_QUEUE in extensions:
            extensions[SHORTEN_QUEUE]["call"](self._queue_bytes)
        await self._websocket.accept()

    async def close(self, code: CloseCode, reason: str = "") -> None:
        """Begin the closing handshake, or answer the client's; `code` is the native one."""
        await self._close(*self._wording.closing)
