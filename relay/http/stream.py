"""`GET /v1/stream`: admission, then one bridge per session."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from starlette.websockets import WebSocket

from relay.bridge import Bridge
from relay.bridge_config import BridgeConfig
from relay.downstream.connection import ClientLeft, DownstreamConnection
from relay.downstream.options import OptionPolicy
from relay.downstream.request import parse_request
from relay.errors import RelayError
from relay.http.access import Access
from relay.protocol.codec import encode_server_message
from relay.protocol.refusal import refuse
from relay.sessions import LiveSessions
from relay.uplink import Connect
from relay.upstream.breaker import Breaker


@dataclass(frozen=True)
class StreamEndpoint:
    """Serves `/v1/stream`."""

    access: Access
    sessions: LiveSessions
    connect: Connect
    breaker: Breaker
    config: BridgeConfig
    policy: OptionPolicy
    redact: Callable[[str], str]

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one client; refusals are said on the socket, since browsers show no others."""
        client = DownstreamConnection(websocket)
        await client.accept()
        session_id = secrets.token_hex(16)
        log = structlog.get_logger("relay.session").bind(session_id=session_id)
        try:
            await self._serve(websocket, client, session_id, log)
        except RelayError as error:
            failure, code = refuse(error)
            log.info(
                "session refused",
                error_type=failure.error_type,
                close_code=int(code),
                reason=str(error),
            )
            try:
                await client.send(encode_server_message(failure, 0))
                await client.close(code)
            except ClientLeft:
                return

    async def _serve(
        self,
        websocket: WebSocket,
        client: DownstreamConnection,
        session_id: str,
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        arrival = self.access.arrival(websocket)
        admission = await self.access.gate.admit(arrival)
        identity = admission.identity
        policy = self.policy.with_pins(identity.options)
        request = parse_request(websocket.query_params.multi_items(), policy)
        address = arrival.caller.address
        async with self.sessions.admit(
            identity,
            session_id,
            max_seconds=admission.max_seconds,
            address=None if address is None else str(address),
        ) as seat:
            bridge = Bridge(
                client,
                request,
                session_id=session_id,
                connect=self.connect,
                slot=seat,
                breaker=self.breaker,
                terms=seat.terms,
                config=self.config,
                redact=self.redact,
                log=log.bind(account=identity.account),
            )
            seat.bridge = bridge
            await bridge.run()
