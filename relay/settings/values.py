"""One text in, one checked value out. Every `ValueError` says what is wrong and what is right."""

import ipaddress
import re
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
"""The port that a scheme means when none is given."""


REDIS_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")


def split_commas(value: object) -> object:
    """Split `a, b` into its parts; what isn't text is passed on as it is."""
    if not isinstance(value, str):
        return value
    return tuple(part for part in (part.strip() for part in value.split(",")) if part)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach `host`; names other than `localhost` don't count."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def parse_listen_host(text: str) -> str:
    """Accept an address to listen on, with or without brackets.

    Raises:
        ValueError: If it is empty.
    """
    host = text.strip().strip("[]")
    if not host:
        raise ValueError("it names no address; give 127.0.0.1, or 0.0.0.0 for all of this machine")
    return host


def parse_redis_url(text: str) -> str:
    """Accept where Redis is.

    Raises:
        ValueError: If it isn't a URL that leads to Redis. The text doesn't quote it: a password
            may stand in it.
    """
    right = "give redis://host:6379/0, rediss://…, unix://… or redis+sentinel://host:26379/master"
    scheme, mark, rest = text.partition("://")
    if not mark or scheme not in REDIS_SCHEMES or not rest:
        raise ValueError(f"it is not a URL of Redis; {right}")
    return text


def parse_proxies(value: object) -> object:
    """Read addresses and networks, separated by commas; what isn't text is passed on as it is.

    Raises:
        ValueError: If one of them is neither.
    """
    if not isinstance(value, str):
        return value
    networks = []
    for part in filter(None, (part.strip() for part in value.split(","))):
        try:
            networks.append(ipaddress.ip_network(part))
        except ValueError:
            raise ValueError(
                f"'{part}' is neither an address nor a network; give 10.0.0.5 or 10.0.0.0/24"
            ) from None
    return tuple(networks)


def parse_header_name(text: str | None) -> str | None:
    """Accept the name of an HTTP header, in lower case from then on.

    Raises:
        ValueError: If no header can be called so.
    """
    if text is None:
        return None
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", text):
        raise ValueError(f"'{text}' is not a header's name; give one such as X-Forwarded-User")
    return text.lower()


def split_keys(text: str) -> list[str]:
    """Split `new, old` into its keys."""
    return [key for key in (key.strip() for key in text.split(",")) if key]


def text_only(parse: Callable[[str], object]) -> Callable[[object], object]:
    """Make a validator that reads text, and passes on what isn't as it is."""
    return lambda value: parse(value) if isinstance(value, str) else value


def parse_upstream_url(text: str, *, plaintext_allowed: bool) -> str:
    """Accept the provider's base URL; a trailing slash goes.

    Raises:
        ValueError: If it isn't `wss://host[:port]`, or `ws://` where that would send the key over
            the network in the clear.
    """
    right = "give wss://host or wss://host:port"
    parts = split_url(text, right)
    if parts.scheme not in ("ws", "wss"):
        raise ValueError(f"it does not begin with wss://; {right}")
    if not parts.hostname:
        raise ValueError(f"it has no host; {right}")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"credentials do not belong in it, the key has its own setting; {right}")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"the relay adds path and query itself; {right}")
    if parts.scheme == "ws" and not plaintext_allowed and not is_loopback(parts.hostname):
        raise ValueError(
            "ws:// would send the key unencrypted; give wss://, "
            "or set RELAY_UPSTREAM_ALLOW_PLAINTEXT=true on a network you trust"
        )
    return _base(parts)


def parse_database_url(text: str) -> str:
    """Accept where the database is.

    Raises:
        ValueError: If it is neither SQLite's nor PostgreSQL's. The text doesn't quote it, since a
            password may stand in it.
    """
    url = text.strip()
    right = "give sqlite:///path/to/relay.db or postgresql://user:password@host/name"
    if re.fullmatch(r"sqlite(\+aiosqlite)?://[^/].*", url):
        raise ValueError(f"a path comes after three slashes, an absolute one after four; {right}")
    if not re.fullmatch(r"sqlite(\+aiosqlite)?://.*|postgres(ql)?(\+asyncpg)?://.+", url):
        raise ValueError(f"it begins with neither sqlite:// nor postgresql://; {right}")
    if url.startswith("postgres"):
        split_url(url, right)
    return url


def parse_origin(text: str) -> str:
    """Accept a web origin, in the form in which browsers send it.

    Raises:
        ValueError: If it isn't `scheme://host[:port]`.
    """
    right = "give an origin such as https://app.example.org"
    if text == "*":
        raise ValueError(f"'*' would let every web page use this relay; {right}")
    parts = split_url(text, right)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"'{text}' is not an origin; {right}")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"'{text}' is more than an origin; {right}")
    return _base(parts)


def parse_host_name(text: str) -> str:
    """Accept a name as it stands in a `Host` header, without the port.

    Raises:
        ValueError: If it holds more than a name or an address.
    """
    name = text.lower()
    if not re.fullmatch(r"\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?", name):
        raise ValueError(
            f"'{text}' is not a host name without scheme, port and path; "
            "give a name such as relay.example.org or an address such as [::1]"
        )
    return name


def parse_secret(text: str) -> str:
    """Accept a secret that can travel in an HTTP header; space around it goes.

    Raises:
        ValueError: If it holds what no header may hold. The text doesn't quote it.
    """
    secret = text.strip()
    if not re.fullmatch(r"[\x21-\x7e]+", secret):
        raise ValueError(
            "it is empty or holds a space, a line break or a character outside ASCII; "
            "copy the secret again, alone"
        )
    return secret


def split_url(text: str, right: str) -> SplitResult:
    """Take a URL apart, its port checked.

    Raises:
        ValueError: If no URL can be read from it; the text ends with `right`.
    """
    try:
        parts = urlsplit(text.strip())
        _ = parts.port
    except ValueError:
        raise ValueError(f"it is not a URL; {right}") from None
    return parts


def _base(parts: SplitResult) -> str:
    host = parts.hostname or ""
    bracketed = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{bracketed}{port}"
