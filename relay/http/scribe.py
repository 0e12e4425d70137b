"""`GET /v1/speech-to-text/realtime`: the same sessions for clients that speak Scribe's protocol."""

from dataclasses import dataclass, replace
from typing import Final

from starlette.websockets import WebSocket

from relay.auth.gate import KEY_HEADER, TICKET_PREFIX, Arrival
from relay.downstream.connection import ScribeConnection
from relay.downstream.options import OptionPolicy
from relay.downstream.scribe_request import parse_scribe_request, tokens_in
from relay.downstream.scribe_session import Scribe
from relay.downstream.scribe_wording import Wording
from relay.errors import RelayError, Unauthorized
from relay.hosting import Host
from relay.http.access import Access
from relay.http.stream import turn_away

NOBODY: Final = (
    "You must be authenticated to use this endpoint: show a key of this relay's in the header "
    "xi-api-key, or a single-use token of its in the query as token."
)


@dataclass(frozen=True)
class ScribeEndpoint:
    """Serves `/v1/speech-to-text/realtime`."""

    access: Access
    host: Host
    policy: OptionPolicy

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one client; refusals are said on the socket, where SDKs look for them."""
        wording = Wording()
        client = ScribeConnection(websocket, wording)
        client.on_shutdown(self.host.sessions.leave)
        await client.accept()
        try:
            await self._serve(websocket, client, wording)
        except RelayError as error:
            await turn_away(client, error, wording.word)

    async def _serve(
        self, websocket: WebSocket, client: ScribeConnection, wording: Wording
    ) -> None:
        pairs = websocket.query_params.multi_items()
        arrival = _shown(self.access.arrival(websocket), tokens_in(pairs))
        admission = await self.access.gate.admit(arrival)
        request = parse_scribe_request(pairs, self.policy.with_pins(admission.identity.options))
        wording.rate = request.sample_rate
        dialect = Scribe(wording, request.wire_format)
        bridge = await self.host.begin(admission, request, arrival, dialect)
        await bridge.serve(client)


def _shown(arrival: Arrival, tokens: list[str]) -> Arrival:
    """What a client of Scribe's shows, in the terms of the gate.

    A token wins over a key, as it does at Scribe. What browsers add by themselves counts for
    nothing: no SDK relies on it.

    Raises:
        Unauthorized: If it shows neither.
    """
    if not tokens and KEY_HEADER not in arrival.headers:
        raise Unauthorized(NOBODY)
    return replace(arrival, subprotocols=[f"{TICKET_PREFIX}{token}" for token in tokens])
