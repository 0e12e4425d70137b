import pytest

from relay.settings.values import (
    is_loopback,
    parse_database_url,
    parse_host_name,
    parse_listen_host,
    parse_origin,
    parse_secret,
    parse_upstream_url,
    split_commas,
)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "[::1]", "LocalHost"])
def test_loopback_addresses_are_told(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "relay.example.org", "localhost.x"])
def test_other_addresses_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_listening_address_loses_space_and_brackets() -> None:
    assert parse_listen_host(" [::1] ") == "::1"


def test_listening_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match=r"names no address; give 127\.0\.0\.1"):
        parse_listen_host(" ")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("wss://api.example.org", "wss://api.example.org"),
        ("WSS://API.example.org/", "wss://api.example.org"),
        ("wss://api.example.org:443", "wss://api.example.org"),
        ("wss://api.example.org:8443", "wss://api.example.org:8443"),
        ("ws://127.0.0.1:8001", "ws://127.0.0.1:8001"),
        ("ws://[::1]:8001", "ws://[::1]:8001"),
    ],
)
def test_upstream_url_is_normalised(text: str, url: str) -> None:
    assert parse_upstream_url(text, plaintext_allowed=False) == url


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("https://api.example.org", "does not begin with wss://"),
        ("api.example.org", "does not begin with wss://"),
        ("wss://", "has no host"),
        ("wss://user:word@api.example.org", "credentials do not belong in it"),
        ("wss://api.example.org/v1", "adds path and query itself"),
        ("wss://api.example.org?a=b", "adds path and query itself"),
        ("wss://api.example.org:99999", "is not a URL"),
        ("wss://[::1", "is not a URL"),
        ("ws://api.example.org", "would send the key unencrypted"),
    ],
)
def test_upstream_url_of_another_form_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as refusal:
        parse_upstream_url(text, plaintext_allowed=False)
    assert "word" not in str(refusal.value)


def test_plaintext_upstream_on_another_host_can_be_allowed() -> None:
    url = parse_upstream_url("ws://simulator:8001", plaintext_allowed=True)
    assert url == "ws://simulator:8001"


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://App.Example.org", "https://app.example.org"),
        ("https://app.example.org:443/", "https://app.example.org"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://[::1]:5173", "http://[::1]:5173"),
    ],
)
def test_origin_is_written_as_browsers_send_it(text: str, origin: str) -> None:
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("*", "would let every web page"),
        ("app.example.org", "is not an origin"),
        ("wss://app.example.org", "is not an origin"),
        ("https://", "is not an origin"),
        ("https://app.example.org/page", "is more than an origin"),
        ("https://user@app.example.org", "is more than an origin"),
        ("https://app.example.org:x", "is not a URL"),
    ],
)
def test_what_is_no_origin_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_origin(text)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "relay-1.example.org", "r"])
def test_host_names_are_accepted(name: str) -> None:
    assert parse_host_name(name.upper()) == name


@pytest.mark.parametrize("name", ["http://x", "x:80", "x/y", "-x", "*.example.org", "", "::1"])
def test_more_than_a_host_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a host name"):
        parse_host_name(name)


def test_secret_loses_the_line_break_around_it() -> None:
    assert parse_secret(" sk_abc\n") == "sk_abc"


@pytest.mark.parametrize("secret", ["", " ", "two words", "a\nb", "schlüssel", "nul\0"])
def test_secret_that_no_header_can_hold_is_refused_unquoted(secret: str) -> None:
    with pytest.raises(ValueError, match="copy the secret again") as refusal:
        parse_secret(secret)
    assert not secret.strip() or secret not in str(refusal.value)


def test_commas_split_and_empty_parts_go() -> None:
    assert split_commas(" a, b,,c ") == ("a", "b", "c")


def test_what_is_already_split_stays() -> None:
    assert split_commas(("a,b",)) == ("a,b",)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///relay.db",
        "sqlite+aiosqlite:////var/lib/my relay/relay.db",
        "postgres://host/relay",
        "postgresql://user:pass@host:5432/relay?sslmode=require",
        "postgresql+asyncpg:///relay?host=/run/postgresql",
    ],
)
def test_a_database_is_sqlites_or_postgresqls(url: str) -> None:
    assert parse_database_url(f" {url}\n") == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "begins with neither"),
        ("hush.db", "begins with neither"),
        ("mysql://user:hush@host/relay", "begins with neither"),
        ("postgresql://", "begins with neither"),
        ("sqlite://hush.db", "three slashes"),
        ("postgresql://user:hush@host:port/relay", "is not a URL"),
    ],
)
def test_any_other_database_is_refused_unquoted(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"{why}.*; give sqlite:///path") as refusal:
        parse_database_url(url)
    assert "hush" not in str(refusal.value)
