from ipaddress import ip_address, ip_network

import pytest

from relay.auth.addresses import Caller, resolve
from relay.auth.places import (
    NetworkRule,
    Places,
    parse_certificates,
    parse_networks,
    parse_options,
)

PLACES = Places(
    parse_networks("site=10.0.0.0/8, lobby=10.1.2.0/24, lobby=fd00:1::/64, desk=10.1.2.77"),
    parse_certificates("hall=kiosk-1.example.org, hall=kiosk-2.example.org"),
    parse_options("lobby?language_code=en&no_verbatim=true"),
)
PROXIES = (ip_network("10.9.9.0/24"),)


def caller(address: str | None, **claims: bool) -> Caller:
    claims = {"is_forwarded": False, "claims_forwarding": False, **claims}
    return Caller(None if address is None else ip_address(address), None, **claims)


def place(peer: str, *forwarded_for: str, certificate: str | None = None) -> str | None:
    """Name the place of a request that comes in with these headers."""
    lines = [("X-Forwarded-For", value) for value in forwarded_for]
    return PLACES.match(resolve(peer, lines, PROXIES), certificate)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.1.2.3", "lobby"),
        ("10.1.2.77", "desk"),
        ("10.1.3.3", "site"),
        ("fd00:1::5", "lobby"),
        ("fd00:2::5", None),
        ("203.0.113.7", None),
        (None, None),
    ],
)
def test_the_longest_prefix_names_the_place(address: str | None, name: str | None) -> None:
    assert PLACES.match(caller(address), None) == name


def test_an_ipv4_address_in_the_clothes_of_ipv6_has_its_place() -> None:
    assert place("::ffff:10.1.2.3") == "lobby"
    assert place("10.9.9.1", "::ffff:10.1.2.3") == "lobby"


def test_a_network_may_be_written_in_the_clothes_of_ipv6() -> None:
    rules = parse_networks("lobby=::ffff:10.1.2.0/120")
    assert rules == (NetworkRule("lobby", ip_network("10.1.2.0/24")),)


def test_a_trusted_proxy_brings_a_device_from_its_place() -> None:
    assert place("10.9.9.1", "10.1.2.3") == "lobby"


def test_a_forged_header_brings_nobody_into_a_place() -> None:
    assert place("203.0.113.7", "10.1.2.3") is None
    assert place("10.9.9.1", "10.1.2.3, 203.0.113.7") is None


def test_a_device_that_claims_to_forward_loses_its_own_place() -> None:
    # A proxy in the lobby that nobody trusts would let in whoever it speaks for.
    assert place("10.1.2.3", "10.1.2.3") is None
    assert place("10.9.9.1", "203.0.113.7, 10.1.2.3") is None
    assert PLACES.match(resolve("10.1.2.3", [("Via", "1.1 lobby")], PROXIES), None) is None


def test_a_trusted_proxy_is_in_no_place_itself() -> None:
    assert place("10.9.9.1") is None
    assert place("10.9.9.1", "10.9.9.2") is None


@pytest.mark.parametrize("hop", ["", "unknown", "10.1.2.3.", "10.1.2.3 10.1.2.3"])
def test_a_hop_that_cannot_be_read_is_in_no_place(hop: str) -> None:
    assert place("10.9.9.1", hop) is None
    assert place("10.9.9.1", f"10.1.2.3, {hop}") is None


def test_a_certificate_names_a_place_from_anywhere() -> None:
    assert place("10.9.9.1", "203.0.113.7", certificate="Kiosk-1.example.org") == "hall"
    assert PLACES.match(caller(None, is_forwarded=True), "kiosk-2.example.org") == "hall"


def test_a_certificate_says_more_than_a_network() -> None:
    assert place("10.9.9.1", "10.1.2.3", certificate="kiosk-1.example.org") == "hall"
    assert place("10.9.9.1", "10.1.2.3", certificate="kiosk-9.example.org") == "lobby"


def test_a_certificate_is_nothing_to_one_who_claims_to_forward() -> None:
    assert place("10.1.2.3", "203.0.113.7", certificate="kiosk-1.example.org") is None


def test_a_place_has_options() -> None:
    assert PLACES.options["lobby"] == (("language_code", "en"), ("no_verbatim", "true"))


def test_nobody_is_in_a_place_without_rules() -> None:
    assert Places().match(caller("127.0.0.1"), "kiosk-1.example.org") is None


def test_options_need_somebody_to_have_them() -> None:
    with pytest.raises(ValueError, match="'hal' has options"):
        Places(certificates={"kiosk-1": "hall"}, options={"hal": (("language_code", "ru"),)})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lobby=10.1.2.0/24,hall", "'hall' is not a rule"),
        ("lobby=", "'lobby=' is not a rule"),
        ("=10.1.2.0/24", "'=10.1.2.0/24' has no usable name"),
        ("the lobby=10.1.2.0/24", "'the lobby=10.1.2.0/24' has no usable name"),
        ("kiosk:7=10.1.2.0/24", "'kiosk:7=10.1.2.0/24' has no usable name"),
        (f"{'x' * 65}=10.1.2.0/24", "has no usable name"),
        ("lobby=10.1.2.3/24", "give 10.1.2.0/24 or 10.1.2.0"),
        ("lobby=10.1.2.0/33", "'lobby=10.1.2.0/33' does not name a network"),
        ("lobby=lobby.example.org", "does not name a network"),
        ("lobby=10.1.2.0/24;hall=10.1.3.0/24", "does not name a network"),
        ("a=10.1.2.0/24,b=10.1.2.0/24", "'b=10.1.2.0/24' is a network of 'a' already"),
    ],
)
def test_a_network_rule_that_cannot_be_used_is_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("?", r"\?")):
        parse_networks(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hall", "'hall' is not a rule"),
        ("the hall=kiosk-1", "'the hall=kiosk-1' has no usable name"),
        ("a=Kiosk-1,b=kiosk-1", "'b=kiosk-1' is a certificate of 'a' already"),
    ],
)
def test_a_certificate_rule_that_cannot_be_used_is_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_certificates(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lobby", "'lobby' is not a rule"),
        ("lobby?", r"'lobby\?' is not a rule"),
        ("lobby?language_code", r"'lobby\?language_code' does not end with a query string"),
        ("a?x=1,a?y=2", "'a' has options twice"),
    ],
)
def test_options_that_cannot_be_used_are_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_options(text)


def test_a_list_may_have_space_and_commas_to_spare() -> None:
    assert parse_networks("") == ()
    assert parse_certificates(" hall = kiosk-1 , ,") == {"kiosk-1": "hall"}
    assert len(parse_networks("lobby=10.1.2.0/24,lobby=10.1.2.0/24,")) == 1


def test_an_option_may_hold_a_comma_in_disguise() -> None:
    assert parse_options("lobby?keyterms=a%2Cb&x=") == {"lobby": (("keyterms", "a,b"), ("x", ""))}


def test_a_rule_reads_as_it_was_written() -> None:
    assert [str(rule) for rule in parse_networks("desk=10.1.2.77, lobby=fd00:1::/64")] == [
        "desk=10.1.2.77/32",
        "lobby=fd00:1::/64",
    ]
