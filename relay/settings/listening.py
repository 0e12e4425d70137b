"""Where the relay listens, and who may address it how."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator

from relay.settings.layered import Layered, setting
from relay.settings.values import parse_host_name, parse_listen_host, parse_origin, split_commas

HostName: TypeAlias = Annotated[str, AfterValidator(parse_host_name)]
Origin: TypeAlias = Annotated[str, AfterValidator(parse_origin)]


def _not_empty(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ValueError("it names no host, so every request would be refused; name one")
    return names


class ListeningSettings(Layered, frozen=True):
    """Address, names and origins."""

    host: Annotated[str, AfterValidator(parse_listen_host)] = setting(
        "127.0.0.1",
        "Listening",
        "Address to listen on: loopback by default; `0.0.0.0` or `::` for all of this machine. "
        "Browsers give pages the microphone over TLS alone, so put a proxy with a certificate "
        "before it, and name the host in `RELAY_ALLOWED_HOSTS`.",
    )
    port: int = setting(
        8000,
        "Listening",
        "TCP port to listen on; 0 takes a free one.",
        ge=0,
        le=65535,
    )
    allowed_hosts: Annotated[
        tuple[HostName, ...], BeforeValidator(split_commas), AfterValidator(_not_empty)
    ] = setting(
        ("localhost", "127.0.0.1", "[::1]"),
        "Listening",
        "Names in the `Host` header that requests may use, without port, separated by commas; "
        "others are refused, which stops DNS rebinding. `/healthz`, `/readyz` and `/metrics` "
        "may be asked for by any IP address too.",
    )
    allowed_origins: Annotated[tuple[Origin, ...], BeforeValidator(split_commas)] = setting(
        (),
        "Listening",
        "Origins of web pages, separated by commas, that may open sessions besides the relay's "
        "own, such as `https://app.example.org`.",
    )
