from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.auth.addresses import UNKNOWN, Address, Caller, bucket, parse_address, resolve

TRUSTED = (ip_network("10.0.0.0/24"), ip_network("fd00::/64"))
PROXY = "10.0.0.1"
INNER = "10.0.0.2"
STRANGER = "203.0.113.7"
KIOSK = "10.1.2.3"

Lines = list[tuple[str, str]]


def call(peer: str | None, *lines: tuple[str, str]) -> Caller:
    return resolve(peer, lines, TRUSTED)


def address_of(*lines: tuple[str, str], peer: str = PROXY) -> str | None:
    address = call(peer, *lines).address
    return None if address is None else str(address)


def xff(value: str) -> tuple[str, str]:
    return ("X-Forwarded-For", value)


def forwarded(value: str) -> tuple[str, str]:
    return ("Forwarded", value)


def test_without_a_proxy_the_caller_is_the_peer() -> None:
    assert call(STRANGER) == Caller(
        IPv4Address(STRANGER), None, is_forwarded=False, claims_forwarding=False
    )


def test_loopback_is_trusted_no_more_than_others() -> None:
    caller = resolve("127.0.0.1", [xff(KIOSK)], ())
    assert caller == Caller(
        IPv4Address("127.0.0.1"), None, is_forwarded=False, claims_forwarding=True
    )


@pytest.mark.parametrize("peer", [None, "", "/run/relay.sock", "testclient", "10.0.0.1.evil"])
def test_a_peer_without_an_address_is_nobody(peer: str | None) -> None:
    assert call(peer, xff(KIOSK)) == Caller(None, None, is_forwarded=False, claims_forwarding=True)


def test_a_trusted_proxy_names_the_caller_and_the_scheme() -> None:
    caller = call(PROXY, xff(STRANGER), ("X-Forwarded-Proto", "https"))
    assert caller == Caller(
        IPv4Address(STRANGER), "https", is_forwarded=True, claims_forwarding=False
    )


@pytest.mark.parametrize(
    "name",
    [
        "X-Forwarded-For",
        "x-forwarded-host",
        "X-Forwarded-Proto",
        "X-FORWARDED-ANYTHING",
        "Forwarded",
        "Via",
        "X-Real-IP",
        "CF-Connecting-IP",
    ],
)
def test_any_sign_of_a_proxy_that_is_not_trusted_is_told(name: str) -> None:
    caller = call(KIOSK, ("Host", "relay"), (name, ""))
    assert caller.claims_forwarding
    assert (str(caller.address), caller.scheme, caller.is_forwarded) == (KIOSK, None, False)


def test_other_headers_are_no_sign_of_a_proxy() -> None:
    assert not call(KIOSK, ("Host", "relay"), ("X-Requested-With", "x")).claims_forwarding


def test_what_a_client_wrote_before_it_came_to_the_proxy_is_not_believed() -> None:
    caller = call(PROXY, xff(f"{KIOSK}, {STRANGER}"))
    assert str(caller.address) == STRANGER
    assert caller.claims_forwarding


def test_several_lines_are_one_list() -> None:
    assert address_of(xff(KIOSK), xff(f"{STRANGER}, {INNER}")) == STRANGER
    assert address_of(xff(STRANGER), xff(INNER)) == STRANGER


def test_a_chain_of_trusted_proxies_is_followed_to_its_beginning() -> None:
    caller = call(PROXY, xff(f"{STRANGER},{INNER} , 10.0.0.3"))
    assert str(caller.address) == STRANGER
    assert not caller.claims_forwarding


@pytest.mark.parametrize("lines", [[], [xff(INNER)], [forwarded(f"for={INNER}")]])
def test_a_proxy_that_names_nobody_is_told_from_a_device(lines: Lines) -> None:
    caller = call(PROXY, *lines)
    assert caller.is_proxy
    assert caller.is_forwarded
    assert not call(PROXY, xff(STRANGER)).is_proxy


@pytest.mark.parametrize(
    "hop",
    [
        "",
        " ",
        "unknown",
        "_hidden",
        "localhost",
        "203.0.113",
        "203.0.113.256",
        "203.0.113.07",
        "203.0.113.7:",
        "203.0.113.7:http",
        "203.0.113.7 203.0.113.8",
        "[2001:db8::1",
        "2001:db8::1]",
        "[2001:db8::1]:123456",
        "[]",
        "0x7f000001",
        "2130706433",
        '"203.0.113.7"',
        "２０３.0.113.7",
    ],
)
def test_a_hop_that_cannot_be_read_is_nobody(hop: str) -> None:
    assert address_of(xff(hop)) is None
    # Nor does the next one take its place.
    assert address_of(xff(f"{KIOSK}, {hop}")) is None
    assert address_of(xff(f"{KIOSK}, {hop}, {INNER}")) is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", STRANGER),
        (" 203.0.113.7\t", STRANGER),
        ("203.0.113.7:4711", STRANGER),
        ("::ffff:203.0.113.7", STRANGER),
        ("[::ffff:203.0.113.7]:4711", STRANGER),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_an_address_is_read_in_every_form(text: str, address: str) -> None:
    assert parse_address(text) == ip_address(address)
    assert address_of(xff(text)) == address


def test_a_trusted_peer_is_known_in_the_clothes_of_ipv6() -> None:
    assert address_of(xff(STRANGER), peer=f"::ffff:{PROXY}") == STRANGER
    assert address_of(xff(STRANGER), peer="fd00::1%eth0") == STRANGER


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("for=203.0.113.7", STRANGER),
        ('For="203.0.113.7:4711" ; Proto=https;by=10.0.0.1', STRANGER),
        ('for="[2001:db8::1]:4711"', "2001:db8::1"),
        (f"for={KIOSK}, for={STRANGER}, for={INNER}", STRANGER),
        (f"for={KIOSK},by=10.0.0.1;for=203.0.113.7", STRANGER),
        (r'for="203.0.113\.7"', STRANGER),
        ("for=unknown", None),
        ("for=_gazonk", None),
        ("proto=https", None),
        (f"for={KIOSK}, proto=https", None),
        (f"for={STRANGER};for={KIOSK}", None),
        (f"for={STRANGER};", None),
        (f"for={STRANGER},", None),
        ("for=2001:db8::1", None),
        ('for="203.0.113.7', None),
        ("for", None),
        ("", None),
        (f'for="{KIOSK}, for={STRANGER}', None),
        (f'for="x, for="{STRANGER}";by="10.0.0.1"', None),
    ],
)
def test_forwarded_is_read_as_the_standard_says(value: str, address: str | None) -> None:
    assert address_of(forwarded(value)) == address


def test_lines_of_forwarded_are_one_list_of_which_all_have_to_be_right() -> None:
    assert address_of(forwarded(f"for={KIOSK}"), forwarded(f"for={STRANGER}")) == STRANGER
    assert address_of(forwarded("for="), forwarded(f"for={STRANGER}")) is None


def test_two_headers_have_to_agree() -> None:
    # A proxy that writes one of them may pass on the other as its client sent it.
    assert address_of(xff(STRANGER), forwarded(f"for={STRANGER}")) == STRANGER
    assert address_of(xff(STRANGER), forwarded(f"for={KIOSK}")) is None
    assert address_of(xff(STRANGER), forwarded("nonsense")) is None
    assert address_of(xff("nonsense"), forwarded(f"for={KIOSK}")) is None


@pytest.mark.parametrize(
    ("protos", "scheme"),
    [
        (["https"], "https"),
        (["HTTP"], "http"),
        (["wss"], "https"),
        (["ws"], "http"),
        (["http, https"], "https"),
        (["http", "https"], "https"),
        (["gopher"], None),
        ([""], None),
        ([], None),
    ],
)
def test_the_scheme_is_what_the_trusted_proxy_says(protos: list[str], scheme: str | None) -> None:
    lines = [("x-forwarded-proto", proto) for proto in protos]
    assert call(PROXY, xff(STRANGER), *lines).scheme == scheme
    assert call(PROXY, *lines).scheme == scheme


@pytest.mark.parametrize("protos", ["https, http", "http, https, http"])
def test_of_several_proxies_the_one_that_the_browser_used_says_the_scheme(protos: str) -> None:
    caller = call(PROXY, xff(f"{STRANGER}, {INNER}"), ("X-Forwarded-Proto", protos))
    assert caller.scheme == "https"


def test_forwarded_says_the_scheme_too() -> None:
    value = f"for={KIOSK};proto=http, for={STRANGER};proto=https, for={INNER};proto=http"
    assert call(PROXY, forwarded(value)).scheme == "https"
    assert call(PROXY, forwarded(f"for={STRANGER}")).scheme is None
    assert call(PROXY, xff(STRANGER), forwarded(f"for={STRANGER};proto=https")).scheme == "https"


trusted_hops = st.sampled_from([PROXY, INNER, "10.0.0.3:80", "[fd00::1]:80", "::ffff:10.0.0.9"])
strangers = st.one_of(
    st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(lambda address: f"[{address}]:80")
).filter(lambda text: not any(ip(text) in network for network in TRUSTED))
anything = st.one_of(trusted_hops, strangers, st.text(max_size=30))


def ip(text: str) -> Address:
    address = parse_address(text)
    assert address is not None
    return address


@given(st.lists(anything, max_size=6), strangers, st.lists(trusted_hops, max_size=4))
def test_nothing_beyond_the_first_untrusted_hop_changes_the_caller(
    forged: list[str], stranger: str, proxies: list[str]
) -> None:
    line = xff(", ".join([*forged, stranger, *proxies]))
    assert call(PROXY, line).address == ip(stranger)


@given(st.lists(anything, max_size=6), strangers, st.lists(trusted_hops, max_size=4))
def test_lines_that_proxies_add_say_the_same_as_one_list(
    forged: list[str], stranger: str, proxies: list[str]
) -> None:
    lines = [xff(value) for value in [*forged, stranger, *proxies]]
    assert call(PROXY, *lines).address == ip(stranger)


@given(st.lists(anything, max_size=6), strangers)
def test_nothing_that_a_client_forwards_changes_what_a_trusted_proxy_adds(
    forged: list[str], stranger: str
) -> None:
    lines = [forwarded(value) for value in forged]
    caller = call(PROXY, *lines, forwarded(f'for="{stranger}"'))
    assert caller.address in (ip(stranger), None)


@given(st.text(max_size=60), strangers)
def test_no_unfinished_text_swallows_what_a_trusted_proxy_adds(text: str, stranger: str) -> None:
    caller = call(PROXY, forwarded(f'{text}, for="{stranger}"'))
    assert caller.address in (ip(stranger), None)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["X-Forwarded-For", "Forwarded", "X-Forwarded-Proto", "Via"]),
            anything,
        ),
        min_size=1,
    ),
    strangers,
)
def test_an_untrusted_peer_is_never_anybody_else(lines: Lines, stranger: str) -> None:
    assert call(stranger, *lines) == Caller(
        ip(stranger), None, is_forwarded=False, claims_forwarding=True
    )


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (None, UNKNOWN),
        (IPv4Address(STRANGER), STRANGER),
        (IPv6Address("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64"),
        (IPv6Address("::1"), "::/64"),
    ],
)
def test_a_rate_limit_is_for_an_address_or_a_network_of_a_customer(
    address: Address | None, name: str
) -> None:
    assert bucket(address) == name


def test_a_proxy_that_proves_nothing_is_not_believed_and_no_device_either() -> None:
    caller = resolve("10.0.0.5", [xff("192.0.2.1")], TRUSTED, is_proven=False)
    assert (caller.address, caller.is_forwarded) == (ip_address("10.0.0.5"), False)
    assert caller.is_proxy
    assert caller.claims_forwarding
    assert not resolve("192.0.2.1", [], TRUSTED, is_proven=False).is_proxy
