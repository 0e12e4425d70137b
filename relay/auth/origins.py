"""Which `Host` and `Origin` headers are ours. Pure."""

import re
from collections.abc import Collection
from typing import Final

from relay.auth.addresses import parse_address
from relay.errors import OriginNotAllowed

_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::([0-9]{0,5}))?")
"""A name or address and a port (RFC 9110, section 7.2), in the characters that browsers send: they
turn other alphabets into ASCII (`xn--…`) first."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def is_host_allowed(host: str, allowed: Collection[str]) -> bool:
    """Whether a `Host` header names this relay; any port is fine.

    A page that resolves its own name to our address (DNS rebinding) still says its own name here.
    """
    name = host_name(host)
    return name is not None and name in allowed


def is_address(host: str) -> bool:
    """Whether a `Host` header holds an IP address.

    DNS rebinding can't bring one about: a page that resolves its own name to ours has a name.
    """
    name = host_name(host)
    return name is not None and parse_address(name) is not None


def is_internal(host: str) -> bool:
    """Whether a `Host` header holds an IP address, or a name without a dot, such as `relay-1`.

    Only a network of one's own resolves such a name, so DNS rebinding can't bring one about.
    """
    name = host_name(host)
    return name is not None and ("." not in name or parse_address(name) is not None)


def host_name(host: str) -> str | None:
    """The name in a `Host` header in lower case, IPv6 addresses in brackets; None if malformed."""
    parts = _split_host(host)
    return None if parts is None else parts[0]


def check_origin(origin: str | None, *, host: str, scheme: str, allowed: Collection[str]) -> None:
    """Let only our own pages, and those that an operator named, open a socket.

    Browsers send `Origin` with every WebSocket and no page can forge it; programs send none.

    Args:
        origin: The `Origin` header.
        host: The `Host` header of the same request, checked before.
        scheme: `ws` or `wss`, of the socket.
        allowed: Origins that are allowed besides our own, as `canonical_origin` writes them.

    Raises:
        OriginNotAllowed: If the page isn't one of them.
    """
    if origin is None or is_own_origin(origin, host, scheme):
        return
    if canonical_origin(origin) not in allowed:
        raise OriginNotAllowed(origin)


def is_own_origin(origin: str, host: str, scheme: str) -> bool:
    """Whether a page is one of this relay's own; the arguments are those of `check_origin`."""
    said = canonical_origin(origin)
    own = canonical_origin(f"{'https' if scheme == 'wss' else 'http'}://{host}")
    return said is not None and said == own


def canonical_origin(origin: str) -> str | None:
    """Write an origin as browsers do: in lower case, without the scheme's own port.

    Returns:
        None for what isn't an HTTP origin, such as the `null` of sandboxed pages and files, and
        for what holds more than one.
    """
    scheme, _, host = origin.partition("://")
    scheme = scheme.lower()
    parts = _split_host(host)
    if scheme not in _DEFAULT_PORTS or parts is None:
        return None
    name, port = parts
    is_plain = port is None or port == _DEFAULT_PORTS[scheme]
    return f"{scheme}://{name}" if is_plain else f"{scheme}://{name}:{port}"


def _split_host(host: str) -> tuple[str, int | None] | None:
    """Take name and port apart; `urlsplit` would forgive, and read a name out of `[::1]evil`."""
    match = _HOST.fullmatch(host)
    if match is None:
        return None
    name, digits = match.groups()
    port = int(digits) if digits else None
    return None if port is not None and not 1 <= port <= 65535 else (name.lower(), port)
