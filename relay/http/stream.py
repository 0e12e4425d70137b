"""`GET /v1/stream`: who it is, what is asked for; then the host serves the session."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from starlette.websockets import WebSocket

from relay.auth.gate import RESUME_PREFIX
from relay.auth.resume_tokens import REFUSED, read_token
from relay.downstream.connection import ClientLeft, DownstreamConnection
from relay.downstream.options import OptionPolicy
from relay.downstream.request import parse_request
from relay.errors import RelayError, Unauthorized
from relay.hosting import Host
from relay.http.access import Access
from relay.protocol.codec import encode_server_message
from relay.protocol.messages import Failure
from relay.protocol.refusal import refuse

_log = structlog.get_logger("relay.session")


@dataclass(frozen=True)
class StreamEndpoint:
    """Serves `/v1/stream`."""

    access: Access
    host: Host
    policy: OptionPolicy

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one client; refusals are said on the socket, since browsers show no others."""
        client = DownstreamConnection(websocket)
        client.on_shutdown(self.host.sessions.leave)
        await client.accept()
        try:
            await self._serve(websocket, client)
        except RelayError as error:
            await turn_away(client, error, lambda failure: encode_server_message(failure, 0))

    async def _serve(self, websocket: WebSocket, client: DownstreamConnection) -> None:
        arrival = self.access.arrival(websocket)
        pairs = websocket.query_params.multi_items()
        tokens = [each for each in arrival.subprotocols if each.startswith(RESUME_PREFIX)]
        if len(tokens) > 1:
            raise Unauthorized(REFUSED)
        if tokens:
            shown = read_token(tokens[0].removeprefix(RESUME_PREFIX))
            await self.host.resume(client, pairs, arrival, shown)
            return
        admission = await self.access.gate.admit(arrival)
        request = parse_request(pairs, self.policy.with_pins(admission.identity.options))
        bridge = await self.host.begin(admission, request, arrival)
        await bridge.serve(client)


async def turn_away(
    client: DownstreamConnection, error: RelayError, word: Callable[[Failure], str | None]
) -> None:
    """Say on an accepted socket why there is no session, in the words of its dialect."""
    failure, code = refuse(error)
    _log.info(
        "session refused",
        error_type=failure.error_type,
        close_code=int(code),
        reason=str(error),
    )
    try:
        await client.send(word(failure) or "")
        await client.close(code)
    except ClientLeft:
        return
