"""Who may open a session, as far as headers tell. Pure."""

from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from relay.errors import OriginNotAllowed, Unauthorized

SECRET_PREFIXES = ("ticket.", "resume.")
"""Subprotocol values that carry a secret."""


def is_host_allowed(host: str, allowed: Collection[str]) -> bool:
    """Whether a `Host` header names this relay; any port is fine.

    A page that resolves its own name to our address (DNS rebinding) still says its own name here.
    """
    name = host_name(host)
    return name is not None and name in allowed


def host_name(host: str) -> str | None:
    """The name in a `Host` header in lower case, IPv6 addresses in brackets; None if malformed."""
    try:
        parts = urlsplit(f"//{host}")
        port = parts.port  # raises if it isn't a port
    except ValueError:
        return None
    if not parts.hostname or parts.username is not None or parts.path or port == 0:
        return None
    return f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname


def check_origin(origin: str | None, *, host: str, scheme: str, allowed: Collection[str]) -> None:
    """Let only our own pages, and those that an operator named, open a socket.

    Browsers send `Origin` with every WebSocket and no page can forge it; programs send none.

    Args:
        origin: The `Origin` header.
        host: The `Host` header of the same request, checked before.
        scheme: `ws` or `wss`, of the socket.
        allowed: Origins that are allowed besides our own.

    Raises:
        OriginNotAllowed: If the page isn't one of them.
    """
    if origin is None:
        return
    own = f"{'https' if scheme == 'wss' else 'http'}://{host}"
    if origin.lower() != own.lower() and origin not in allowed:
        raise OriginNotAllowed(origin)


def check_credentials(subprotocols: Sequence[str], key: str | None) -> None:
    """Refuse a credential: this relay issues none, so none can be right.

    Raises:
        Unauthorized: If one was presented.
    """
    if key is not None or any(value.startswith(SECRET_PREFIXES) for value in subprotocols):
        raise Unauthorized(
            "This relay issues no keys, tickets or resume tokens; "
            "connect from this machine without one."
        )
