"""The caller behind trusted proxies. Pure.

A proxy says for whom it speaks in a header, and so can everybody else. Every statement is believed
only as far as the one who made it is trusted: from our peer inwards, hop by hop, to the first that
isn't. What cannot be understood is nobody's address, never somebody else's.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, Literal, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
Scheme: TypeAlias = Literal["http", "https"]

OTHER_FORWARDING_HEADERS: Final = frozenset(
    {
        "cf-connecting-ip",
        "forwarded",
        "true-client-ip",
        "via",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-real-ip",
    }
)
"""Signs of a proxy, besides everything that begins with `X-Forwarded-`."""

UNKNOWN: Final = "unknown"
"""The bucket of all callers whose address nobody can tell."""

_SCHEMES: Final[dict[str, Scheme]] = {
    "http": "http",
    "https": "https",
    # Traefik names the socket's scheme: https://github.com/traefik/traefik/issues/6388
    "ws": "http",
    "wss": "https",
}

# RFC 7239, section 4: pairs of a token and a value, which is a token or a quoted string.
_PAIR: Final = re.compile(
    r"""[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=
        (?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[^"\\]|\\.)*)")[ \t]*(?:([;,])|$)""",
    re.VERBOSE,
)

_BRACKETED: Final = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?")
_WITH_PORT: Final = re.compile(r"([0-9.]+):[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at the far end, as far as those whom we trust tell."""

    address: Address | None
    """None where it can't be told."""
    scheme: Scheme | None
    """What the browser used, from a trusted proxy only."""
    is_forwarded: bool
    """Whether a trusted proxy passed the request on: its other headers can be believed too."""
    claims_forwarding: bool
    """Whether somebody who isn't trusted seems to speak for others, so that the address needn't be
    that of a device."""
    is_proxy: bool = False
    """Whether the address is a trusted proxy's, which names nobody behind it."""


def resolve(
    peer: str | None,
    headers: Iterable[tuple[str, str]],
    trusted: Sequence[Network],
    *,
    is_proven: bool = True,
) -> Caller:
    """Find the caller of a request.

    `X-Forwarded-For` and `Forwarded` are read; where both are present they have to agree, since a
    proxy that writes one may pass on the other as its client sent it.

    Args:
        peer: The address of the connection's other end; None where it has none.
        headers: Every line in the order of the request, names in any case.
        trusted: Proxies whose statements are believed. Whoever can send from one of these
            addresses can be anybody, unless it has to be proven.
        is_proven: Whether the peer has shown what the proxies alone know, where that is asked for.
    """
    lines = [(name.lower(), value) for name, value in headers]
    address = parse_address(peer or "")
    is_proxy = address is not None and _is_in(address, trusted)
    if address is None or not (is_proxy and is_proven):
        claims = names_forwarding(name for name, _ in lines)
        return Caller(
            address, None, is_forwarded=False, claims_forwarding=claims, is_proxy=is_proxy
        )
    protos = _listed(lines, "x-forwarded-proto")
    ends = []
    if hops := _listed(lines, "x-forwarded-for"):
        ends.append(_walk(address, hops, protos, trusted))
    if any(name == "forwarded" for name, _ in lines):
        hops, own_protos = _parse_forwarded(lines)
        ends.append(_walk(address, hops, protos or own_protos, trusted))
    if not ends:
        ends.append(_walk(address, [], protos, trusted))
    first, last = ends[0], ends[-1]
    return Caller(
        first.address if first.address == last.address else None,
        first.scheme or last.scheme,
        is_forwarded=True,
        claims_forwarding=first.is_claimed or last.is_claimed,
        is_proxy=first.is_proxy and last.is_proxy,
    )


def names_forwarding(names: Iterable[str]) -> bool:
    """Whether one of these headers is a sign of a proxy; names in lower case."""
    return any(
        name.startswith("x-forwarded-") or name in OTHER_FORWARDING_HEADERS for name in names
    )


def parse_address(text: str) -> Address | None:
    """Read an IP address, with or without brackets and port; None if it is none.

    An IPv4 address in IPv6's clothes (`::ffff:10.0.0.1`) is the IPv4 address, and the name of the
    interface that came with a link-local one is dropped.
    """
    bare = text.strip(" \t")
    if match := _BRACKETED.fullmatch(bare) or _WITH_PORT.fullmatch(bare):
        bare = match[1]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))


def bucket(address: Address | None) -> str:
    """Name what shares a rate limit: one IPv4 address, or an IPv6 /64.

    Source: RFC 8981: within its /64, a host takes new addresses whenever it likes.
    """
    if address is None:
        return UNKNOWN
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), 64), strict=False))


@dataclass(frozen=True, slots=True)
class _End:
    """Where a chain of hops led to."""

    address: Address | None
    scheme: Scheme | None
    is_proxy: bool
    is_claimed: bool
    """Whether hops are left that the one at the end has named."""


def _walk(
    peer: Address, hops: Sequence[str], protos: Sequence[str], trusted: Sequence[Network]
) -> _End:
    """Follow the hops from the last, which our peer has written, to the first untrusted one."""
    address: Address | None = peer
    used = 0
    for hop in reversed(hops):
        if address is None or not _is_in(address, trusted):
            break
        address = parse_address(hop)
        used += 1
    is_proxy = address is not None and _is_in(address, trusted)
    # Proxies either add to this list, as to that of the hops, or pass on the outermost's word.
    proto = protos[-min(max(used, 1), len(protos))] if protos else ""
    return _End(address, _SCHEMES.get(proto.lower()), is_proxy, used < len(hops))


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _listed(lines: Sequence[tuple[str, str]], wanted: str) -> list[str]:
    """Read a list over all its lines.

    Empty elements are kept: a proxy that knows no address may add nothing, and what its client
    wrote must not move into this place.
    """
    values = [value for name, value in lines if name == wanted]
    return [part.strip(" \t") for value in values for part in value.split(",")]


def _parse_forwarded(lines: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Read `for` and `proto` of each element; one that can't be read makes all of them empty."""
    hops: list[str] = []
    protos: list[str] = []
    for name, value in lines:
        if name != "forwarded":
            continue
        elements = _parse_elements(value)
        if elements is None:
            return [""], [""]
        hops += [element.get("for", "") for element in elements]
        protos += [element.get("proto", "") for element in elements]
    return hops, protos


def _parse_elements(value: str) -> list[dict[str, str]] | None:
    """Read a line of `Forwarded` (RFC 7239, section 4); None if it isn't one."""
    elements: list[dict[str, str]] = [{}]
    position = 0
    while True:
        match = _PAIR.match(value, position)
        if match is None:
            return None
        name, token, quoted, end = match.groups()
        if name.lower() in elements[-1]:
            return None
        text = token if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        elements[-1][name.lower()] = text
        if end is None:
            return elements
        if end == ",":
            elements.append({})
        position = match.end()
