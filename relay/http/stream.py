"""`GET /v1/stream`: admission, then one bridge per session."""

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import structlog
from starlette.websockets import WebSocket

from relay.bridge import Bridge, BridgeConfig, Connect
from relay.downstream.connection import ClientLeft, DownstreamConnection
from relay.downstream.options import OptionPolicy
from relay.downstream.request import StreamRequest, parse_request
from relay.errors import LimitExceeded, RelayError
from relay.http.admission import check_credentials, check_origin
from relay.protocol.codec import encode_server_message
from relay.protocol.refusal import refuse

RETRY_WHEN_FULL = 5.0
"""Seconds after which a client may ask again for a place."""


@dataclass
class StreamEndpoint:
    """Serves `/v1/stream` and knows its sessions."""

    connect: Connect
    config: BridgeConfig
    policy: OptionPolicy
    allowed_origins: Collection[str]
    max_sessions: int
    redact: Callable[[str], str]
    sessions: dict[str, Bridge] = field(default_factory=dict)
    """Live sessions of this worker, by id."""

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one client; refusals are said on the socket, since browsers show no others."""
        client = DownstreamConnection(websocket)
        await client.accept()
        session_id = secrets.token_hex(16)
        log = structlog.get_logger("relay.session").bind(session_id=session_id)
        try:
            request = self._admit(websocket)
        except RelayError as error:
            failure, code = refuse(error)
            log.info("session refused", error_type=failure.error_type, close_code=int(code))
            try:
                await client.send(encode_server_message(failure, 0))
                await client.close(code)
            except ClientLeft:
                return
            return
        bridge = Bridge(
            client,
            request,
            session_id=session_id,
            connect=self.connect,
            config=self.config,
            redact=self.redact,
            log=log,
        )
        self.sessions[session_id] = bridge
        try:
            await bridge.run()
        finally:
            del self.sessions[session_id]

    def _admit(self, websocket: WebSocket) -> StreamRequest:
        headers = websocket.headers
        check_origin(
            headers.get("origin"),
            host=headers.get("host", ""),
            scheme=websocket.url.scheme,
            allowed=self.allowed_origins,
        )
        check_credentials(websocket.scope["subprotocols"], headers.get("xi-api-key"))
        request = parse_request(websocket.query_params.multi_items(), self.policy)
        if len(self.sessions) >= self.max_sessions:
            raise LimitExceeded(
                "too_many_sessions",
                f"All {self.max_sessions} places of this relay are taken; try again later.",
                RETRY_WHEN_FULL,
            )
        return request
