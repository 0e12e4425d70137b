"""Opening a WebSocket to a relay."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from relay.client.conversation import ResumePoint
from relay.client.direct import Direct
from relay.client.errors import RelayUnreachable
from relay.protocol.messages import SUBPROTOCOL

STREAM_PATH: Final = "/v1/stream"

CLOSE_TIMEOUT: Final = 2.0
"""Seconds to wait for the relay's half of the closing handshake."""

RESUME_PREFIX: Final = "resume."
"""A resume token is a subprotocol value: URLs stand in access logs."""


@dataclass(frozen=True)
class Dialer:
    """Where a relay is, and what to tell it."""

    url: str
    """Of the WebSocket, without a query."""
    query: Sequence[tuple[str, str]]
    key: str | None
    ssl_context: ssl.SSLContext | None
    open_timeout: float
    """Seconds."""

    async def dial(self, resume: ResumePoint | None) -> ClientConnection:
        """Open a WebSocket, for a new session or for the one that `resume` is of.

        Raises:
            RelayUnreachable: If there is no relay at the URL.
        """
        query, protocols = [*self.query], [Subprotocol(SUBPROTOCOL)]
        if resume is not None:
            query += _resume_query(resume)
            protocols.append(Subprotocol(RESUME_PREFIX + resume.token))
        connecting = Direct(
            f"{self.url}?{urlencode(query)}",
            subprotocols=protocols,
            additional_headers=None if self.key is None else {"xi-api-key": self.key},
            ssl=(self.ssl_context or True) if self.url.startswith("wss:") else None,
            # A proxy of the environment can't reach this machine's own loopback.
            proxy=None if _is_loopback(self.url) else True,
            # Audio hardly shrinks, and compressing it costs more than sending it.
            compression=None,
            open_timeout=self.open_timeout,
            close_timeout=CLOSE_TIMEOUT,
            # A relay that pauses reading can't answer pings; that isn't a broken line.
            ping_timeout=None,
        )
        try:
            return await connecting
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
            raise RelayUnreachable(self.url, _why(error)) from error


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


def _resume_query(resume: ResumePoint) -> list[tuple[str, str]]:
    query = [
        ("last_seq", str(resume.last_seq)),
        ("from_sample", str(resume.from_sample)),
        ("covered_sample", str(resume.covered_sample)),
    ]
    if resume.last_segment is not None:
        query.append(("last_segment", str(resume.last_segment)))
    return query


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
