"""Kiosks that are known by where they are: their network, or their client certificate. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Network, ip_interface, ip_network
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl

from relay.auth.addresses import Caller, Network

Options = tuple[tuple[str, str], ...]

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class NetworkRule:
    """Who speaks from `network` is the kiosk `name`."""

    name: str
    network: Network

    def __str__(self) -> str:
        return f"{self.name}={self.network}"


class Places:
    """Knows kiosks that show nothing but where they are."""

    def __init__(
        self,
        networks: Sequence[NetworkRule] = (),
        certificates: Mapping[str, str] = MappingProxyType({}),
        options: Mapping[str, Options] = MappingProxyType({}),
    ) -> None:
        """Take the rules, as this module's functions read them.

        Args:
            networks: The longest prefix wins.
            certificates: A certificate's name in lower case → the kiosk's.
            options: A kiosk's name → its pinned options.

        Raises:
            ValueError: If there are options for a kiosk that no rule names.
        """
        self._networks = sorted(networks, key=lambda rule: -rule.network.prefixlen)
        self._certificates = dict(certificates)
        self.options: Mapping[str, Options] = MappingProxyType(dict(options))
        names = {rule.name for rule in networks} | set(self._certificates.values())
        if unplaced := sorted(self.options.keys() - names):
            raise ValueError(
                f"'{unplaced[0]}' has options and neither a network nor a certificate; "
                "give it one, or the options to a name that has"
            )

    def match(self, caller: Caller, certificate_name: str | None) -> str | None:
        """Name the kiosk that calls; None if it is none.

        Args:
            caller: Who it is. A network rule needs the address of the device itself, so one that
                seems to speak for others has no place, nor has a proxy.
            certificate_name: Of its client certificate, as a trusted proxy has verified it.
        """
        if caller.claims_forwarding:
            return None
        if certificate_name is not None:
            name = self._certificates.get(certificate_name.lower())
            if name is not None:
                return name
        if caller.address is None or caller.is_proxy:
            return None
        matching = (rule.name for rule in self._networks if caller.address in rule.network)
        return next(matching, None)


def parse_networks(text: str) -> tuple[NetworkRule, ...]:
    """Read `lobby=10.1.2.0/24,hall=fd00::/8`; a name may have several networks.

    Raises:
        ValueError: If a rule can't be used; the text names it.
    """
    rules: dict[Network, NetworkRule] = {}
    for rule, name, value in _split_rules(text, "=", "lobby=10.1.2.0/24"):
        network = _parse_network(rule, value)
        known = rules.setdefault(network, NetworkRule(name, network))
        if known.name != name:
            raise ValueError(
                f"'{rule}' is a network of '{known.name}' already; give each network to one name"
            )
    return tuple(rules.values())


def parse_certificates(text: str) -> dict[str, str]:
    """Read `lobby=kiosk-1.example.org`; a name may have several certificates.

    Returns:
        The certificate's name in lower case → the kiosk's.

    Raises:
        ValueError: If a rule can't be used; the text names it.
    """
    rules: dict[str, str] = {}
    for rule, name, value in _split_rules(text, "=", "lobby=kiosk-1.example.org"):
        known = rules.setdefault(value.lower(), name)
        if known != name:
            raise ValueError(
                f"'{rule}' is a certificate of '{known}' already; give each certificate to one name"
            )
    return rules


def parse_options(text: str) -> dict[str, Options]:
    """Read `lobby?language_code=en&no_verbatim=true,hall?language_code=ru`.

    A comma within a value is written `%2C`. What the options mean isn't looked at here.

    Returns:
        The kiosk's name → its options.

    Raises:
        ValueError: If a part can't be used; the text names it.
    """
    options: dict[str, Options] = {}
    for rule, name, value in _split_rules(text, "?", "lobby?language_code=en"):
        try:
            pairs = parse_qsl(value, keep_blank_values=True, strict_parsing=True)
        except ValueError:
            raise ValueError(
                f"'{rule}' does not end with a query string; "
                "give name=value pairs joined by &, such as lobby?language_code=en"
            ) from None
        if name in options:
            raise ValueError(f"'{name}' has options twice; join them with &")
        options[name] = tuple(pairs)
    return options


def _split_rules(text: str, separator: str, example: str) -> Iterator[tuple[str, str, str]]:
    """Give each rule of a list as a whole and in two parts."""
    for rule in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = (part.strip() for part in rule.partition(separator))
        if not value:
            raise ValueError(f"'{rule}' is not a rule; give one such as {example}")
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"'{rule}' has no usable name; a name has up to 64 ASCII letters, digits, dots, "
                "hyphens and underscores and begins with a letter or a digit"
            )
        yield rule, name, value


def _parse_network(rule: str, text: str) -> Network:
    try:
        network = ip_network(text)
    except ValueError:
        raise ValueError(_describe_fault(rule, text)) from None
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None:
        return network
    # Callers' addresses come without IPv6's clothes too.
    return ip_network((int(mapped), network.prefixlen - 96))


def _describe_fault(rule: str, text: str) -> str:
    try:
        meant = ip_interface(text).network
    except ValueError:
        return f"'{rule}' does not name a network; give one such as 10.1.2.0/24 or fd00::/8"
    return f"'{rule}' names an address within a network; give {meant} or {meant.network_address}"
