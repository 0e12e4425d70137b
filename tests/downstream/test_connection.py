"""The client's socket, where the server has closed it by itself."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from relay.downstream.connection import ClientLeft, DownstreamConnection
from relay.protocol.close_codes import CloseCode
from relay.server import RelayServer
from tests.support.settings import settings_for

Misbehave = Callable[[ClientConnection], Awaitable[None]]

TOO_LONG = b"x" * (1024 * 1024 + 1)


async def not_utf8(connection: ClientConnection) -> None:
    connection.protocol.send_text(b"\xff")
    connection.transport.write(b"".join(connection.protocol.data_to_send()))


async def too_long(connection: ClientConnection) -> None:
    await connection.send(TOO_LONG)


@pytest.mark.parametrize("misbehave", [not_utf8, too_long])
async def test_who_was_closed_by_the_server_has_left(misbehave: Misbehave) -> None:
    left = asyncio.Event()

    async def serve(websocket: WebSocket) -> None:
        client = DownstreamConnection(websocket)
        await client.accept()
        with pytest.raises(ClientLeft):
            await client.receive()
        # The line is about to be cut, and isn't yet.
        with pytest.raises(ClientLeft):
            await client.send("a final")
        await client.close(CloseCode.ENDED)
        left.set()

    app = Starlette(routes=[WebSocketRoute("/", serve)])
    async with (
        asyncio.timeout(10),
        RelayServer(settings_for(), app) as server,
        connect(server.url.replace("http", "ws", 1)) as connection,
    ):
        await misbehave(connection)
        with pytest.raises(ConnectionClosed):
            await connection.recv()
        await left.wait()
