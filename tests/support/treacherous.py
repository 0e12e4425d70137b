"""A provider that says back the key it was shown, and doesn't keep to its protocol."""

import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response


class TreacherousProvider:
    """Each session is treated in another way.

    Its errors hold the key, and what can't be understood holds words. (Words in the text of an
    error would be logged: nobody can tell them from what an error is for.)
    """

    def __init__(self, words: str) -> None:
        self.url = ""
        self._handshakes = 0
        self._sessions = 0
        self._words = words

    def refuse(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse the first handshake with all that it showed."""
        self._handshakes += 1
        if self._handshakes > 1:
            return None
        shown = f"{request.headers} {request.path}"
        headers = Headers({"X-Shown": request.headers.get("xi-api-key", ""), "Retry-After": "0"})
        return Response(503, "No place", headers, shown.encode())

    async def speak(self, connection: ServerConnection) -> None:
        """Begin a session, say what nobody should repeat, and answer commits."""
        assert connection.request is not None
        key = connection.request.headers.get("xi-api-key", "")
        words = self._words
        self._sessions += 1
        turn = self._sessions
        started = {"message_type": "session_started", "session_id": "s1", "config": {}}
        partial = {"message_type": "partial_transcript", "text": words}
        behaviour: dict[int, list[object]] = {
            1: [started, partial, {"message_type": "error", "error": f"{key} said {key}"}],
            2: [started, partial, f'{{"message_type": "partial_transcript", "text": "{words}'],
            3: [started, {"message_type": "committed_transcript", "text": [words], "key": key}],
            4: [started, {"message_type": "warning", "warning": f"key {key} is old"}],
        }
        with contextlib.suppress(ConnectionClosed):
            for message in behaviour.get(turn, [started]):
                text = message if isinstance(message, str) else json.dumps(message)
                await connection.send(text)
            if turn in (2, 3):
                await connection.close(1011, f"{key} is gone")
            async for sent in connection:
                if json.loads(sent).get("commit"):
                    answer = {"message_type": "committed_transcript", "text": words}
                    await connection.send(json.dumps(answer))


@asynccontextmanager
async def treacherous_provider(words: str) -> AsyncIterator[TreacherousProvider]:
    """Serve one on a free port."""
    provider = TreacherousProvider(words)
    async with serve(
        provider.speak, "127.0.0.1", 0, process_request=provider.refuse, compression=None
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        provider.url = f"ws://127.0.0.1:{port}"
        yield provider
