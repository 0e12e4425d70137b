import pytest

from relay.auth.origins import (
    canonical_origin,
    check_origin,
    host_name,
    is_address,
    is_host_allowed,
    is_internal,
)
from relay.errors import OriginNotAllowed

HOSTS = ("localhost", "127.0.0.1", "[::1]")


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "LOCALHOST:1", "127.0.0.1:8000", "[::1]", "[::1]:8000"]
)
def test_our_own_names_are_allowed_with_any_port(host: str) -> None:
    assert is_host_allowed(host, HOSTS)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "evil.example:8000",
        "localhost:8000:1",
        "localhost:http",
        "localhost:0",
        "localhost/x",
        "user@localhost",
        "[::1",
        "[::2]:8000",
    ],
)
def test_other_names_are_not(host: str) -> None:
    assert not is_host_allowed(host, HOSTS)


@pytest.mark.parametrize("host", ["10.1.2.3", "10.1.2.3:8000", "[fd00::1]", "[fd00::1]:8000"])
def test_an_address_is_told_from_a_name(host: str) -> None:
    assert is_address(host)


@pytest.mark.parametrize(
    "host", ["", "localhost", "10.1.2.3.evil.example", "10.1.2", "[::1", "::1"]
)
def test_a_name_is_no_address(host: str) -> None:
    assert not is_address(host)


def origin_is_allowed(origin: str | None, scheme: str = "ws") -> bool:
    try:
        check_origin(
            origin, host="localhost:8000", scheme=scheme, allowed={"https://app.example.org"}
        )
    except OriginNotAllowed:
        return False
    return True


@pytest.mark.parametrize("origin", [None, "http://localhost:8000", "https://app.example.org"])
def test_programs_our_own_pages_and_named_ones_may_connect(origin: str | None) -> None:
    assert origin_is_allowed(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://localhost:8001",
        "http://localhost",
        "https://localhost:8000",
        "http://evil.example",
        "http://app.example.org",
        "https://app.example.org:444",
        "https://app.example.org.evil.example",
    ],
)
def test_other_pages_may_not(origin: str) -> None:
    assert not origin_is_allowed(origin)


def test_our_own_origin_is_https_where_the_socket_is_encrypted() -> None:
    assert origin_is_allowed("https://localhost:8000", scheme="wss")
    assert not origin_is_allowed("http://localhost:8000", scheme="wss")


@pytest.mark.parametrize(
    "host",
    [
        "localhost.",
        "localhost?x",
        "localhost#x",
        "localhost\t",
        " localhost",
        "local\thost",
        "localhost,evil.example",
        "localhost:65536",
        "localhost:-1",
        "localhost:８０",
        "user:secret@localhost:8000",
        "[::1]evil.example",
        "evil.example[::1]",
        "[localhost]",
        "::1",
        "localho\u017ft",  # a long s, which is an s in capitals
        "%6cocalhost",
    ],
)
def test_a_host_that_only_resembles_ours_is_not(host: str) -> None:
    assert not is_host_allowed(host, HOSTS)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("Relay.Example.ORG", "relay.example.org"),
        ("relay.example.org:", "relay.example.org"),
        ("relay.example.org.:443", "relay.example.org."),
        ("xn--mller-kva.example:8000", "xn--mller-kva.example"),
        ("m\u00fcller.example", None),
        ("[FD00::1]:8000", "[fd00::1]"),
    ],
)
def test_the_name_in_a_host(host: str, name: str | None) -> None:
    assert host_name(host) == name


@pytest.mark.parametrize(
    ("origin", "canonical"),
    [
        ("https://App.Example.org", "https://app.example.org"),
        ("HTTPS://app.example.org", "https://app.example.org"),
        ("https://app.example.org:443", "https://app.example.org"),
        ("http://app.example.org:80", "http://app.example.org"),
        ("https://app.example.org:80", "https://app.example.org:80"),
        ("https://xn--mller-kva.example", "https://xn--mller-kva.example"),
        ("https://app.example.org.", "https://app.example.org."),
        ("http://[FD00::1]:8000", "http://[fd00::1]:8000"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(origin: str, canonical: str) -> None:
    assert canonical_origin(origin) == canonical


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "app.example.org",
        "//app.example.org",
        "https:app.example.org",
        "file://",
        "ws://app.example.org",
        "chrome-extension://abcdef",
        "https://user@app.example.org",
        "https://app.example.org@evil.example",
        "https://app.example.org:444.evil.example",
        "https://app.example.org/",
        "https://app.example.org?x",
        "https://app.example.org https://evil.example",
        "https://m\u00fcller.example",
        "https://",
    ],
)
def test_what_no_browser_sends_as_an_origin_is_none(origin: str) -> None:
    assert canonical_origin(origin) is None
    # Not even where a setting repeats it.
    with pytest.raises(OriginNotAllowed):
        check_origin(origin, host="localhost", scheme="ws", allowed={origin})


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("https://relay.example.org", "relay.example.org:443", "wss"),
        ("http://relay.example.org", "relay.example.org:80", "ws"),
        ("https://relay.example.org:443", "relay.example.org", "wss"),
        ("https://relay.example.org", "Relay.Example.org", "wss"),
    ],
)
def test_our_own_origin_is_known_with_and_without_the_usual_port(
    origin: str, host: str, scheme: str
) -> None:
    check_origin(origin, host=host, scheme=scheme, allowed=())


@pytest.mark.parametrize(
    "origin", ["https://relay.example.org.", "https://relay.example.org:8443", "null"]
)
def test_an_origin_that_only_resembles_ours_is_not(origin: str) -> None:
    with pytest.raises(OriginNotAllowed):
        check_origin(origin, host="relay.example.org", scheme="wss", allowed=())


def test_a_malformed_host_makes_no_origin_ours() -> None:
    with pytest.raises(OriginNotAllowed):
        check_origin("http://", host="", scheme="ws", allowed=())
    with pytest.raises(OriginNotAllowed):
        check_origin("null", host="evil@localhost", scheme="ws", allowed=())


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("relay-1:9100", True),
        ("LOCALHOST", True),
        ("10.1.2.3:9100", True),
        ("[fd00::1]", True),
        ("rebound.example:9100", False),
        ("rebound.", False),
        ("127.0.0.1.rebound.example", False),
        ("relay-1:99999", False),
        ("", False),
    ],
)
def test_names_that_only_ones_own_network_has_are_internal(host: str, expected: bool) -> None:
    assert is_internal(host) == expected
