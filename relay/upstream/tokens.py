"""The provider's own single-use tokens, for clients that must connect to it directly."""

import ssl
from typing import Final

import aiohttp
import msgspec

from relay.errors import UpstreamRejected, UpstreamUnavailable

TOKEN_PATH: Final = "/v1/single-use-token/realtime_scribe"  # noqa: S105  # a path

TIMEOUT: Final = 10.0
"""Seconds that the provider has for an answer."""

MAX_ANSWER_BYTES: Final = 64 * 1024


class _Answer(msgspec.Struct):
    token: str


async def mint_token(base_url: str, key: str, ssl_context: ssl.SSLContext | None) -> str:
    """Mint a token that opens one session within 15 minutes.

    Args:
        base_url: `wss://host` or `ws://host` of the provider, where the token will be used.
        key: The provider's.
        ssl_context: For `wss://`; None for the system's trust store.

    Raises:
        UpstreamUnavailable: If the provider can't be reached or fails.
        UpstreamRejected: If it refuses the key.
    """
    url = base_url.replace("ws", "http", 1) + TOKEN_PATH
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT)) as http,
            http.post(
                url,
                headers={"xi-api-key": key},
                ssl=ssl_context or True,
                # A redirect would carry the key to wherever it points.
                allow_redirects=False,
            ) as answer,
        ):
            if answer.status in (401, 403):
                raise UpstreamRejected("auth_error", "The speech service refused the relay's key.")
            body = bytearray()
            while piece := await answer.content.read(MAX_ANSWER_BYTES - len(body)):
                body += piece
            if answer.status != 200:
                raise UpstreamUnavailable(
                    "upstream_unavailable",
                    f"The speech service gave no token: HTTP {answer.status}.",
                )
            return msgspec.json.decode(body, type=_Answer).token
    except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as error:
        raise UpstreamUnavailable(
            "upstream_unavailable",
            f"The speech service gave no token: {type(error).__name__}.",
        ) from error
