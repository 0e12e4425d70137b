"""Ends of a socket, the polite and the rude one."""

import contextlib
import os
import socket
import struct
from typing import Final

from aiohttp import web

from relay.scribe.codec import encode_message
from relay.simulator.actions import Close

_LINGER_NOT: Final = struct.pack("ii", 1, 0)
"""`SO_LINGER` with no time, which makes a close a reset. *Source*: socket(7)."""


async def close_socket(websocket: web.WebSocketResponse[bool], ending: Close) -> None:
    """Send the error if there is one, then close, or complete the client's close."""
    with contextlib.suppress(ConnectionError):
        if ending.error is not None:
            await websocket.send_str(encode_message(ending.error))
        await websocket.close(code=ending.code, message=ending.reason.encode())


def reset_transport(request: web.Request) -> None:
    """End the TCP connection with a reset, as a crashed host or a firewall would."""
    transport = request.transport
    if transport is None:
        return
    # The option belongs to the socket, not to the descriptor; and the object that an event loop
    # hands out needn't be able to set it.
    with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as duplicate:
        duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()
