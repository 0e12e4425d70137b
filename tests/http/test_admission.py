import pytest

from relay.errors import OriginNotAllowed, Unauthorized
from relay.http.admission import check_credentials, check_origin, is_host_allowed

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


def test_no_credential_is_fine() -> None:
    check_credentials(["scribe-relay.v1"], None)


@pytest.mark.parametrize(
    ("subprotocols", "key"),
    [
        (["scribe-relay.v1", "ticket.abc"], None),
        (["scribe-relay.v1", "resume.abc"], None),
        ([], "sr_abc"),
        ([], ""),
    ],
)
def test_a_credential_that_nobody_issued_is_refused(
    subprotocols: list[str], key: str | None
) -> None:
    with pytest.raises(Unauthorized):
        check_credentials(subprotocols, key)
