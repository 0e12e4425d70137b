"""Who may speak."""

from ipaddress import ip_network
from itertools import product
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationInfo, field_validator

from relay.auth.addresses import Network
from relay.auth.places import (
    NetworkRule,
    Places,
    parse_certificates,
    parse_networks,
    parse_options,
)
from relay.auth.signing import check_key
from relay.settings.layered import Layered, setting
from relay.settings.options import check_place_options
from relay.settings.secret import Secret
from relay.settings.values import (
    parse_header_name,
    parse_proxies,
    split_commas,
    split_keys,
    text_only,
)

LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

MIN_SECRET: Final = 16
"""Characters of a proxy's secret."""


def _check_keys(keys: SecretStr) -> SecretStr:
    for key in split_keys(keys.get_secret_value()):
        check_key(key)
    return keys


def _holds_loopback(networks: tuple[Network, ...]) -> bool:
    pairs = product(networks, LOOPBACK)
    return any(one.version == other.version and one.overlaps(other) for one, other in pairs)


def _check_length(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < MIN_SECRET:
        raise ValueError(
            f"it is shorter than {MIN_SECRET} characters; make one: openssl rand -hex 32"
        )
    return secret


class IdentitySettings(Layered, frozen=True):
    """Whose word is taken for who somebody is."""

    secrets: ClassVar[frozenset[str]] = frozenset({"secret_keys", "proxy_secret"})

    secret_keys: Annotated[Secret, AfterValidator(_check_keys)] | None = setting(
        None,
        "Identity",
        "Keys that sign cookies and tickets, separated by commas: the first signs, all verify, so "
        "that a new one can be put first and the old one removed later. Without any, one is made "
        "and kept in the data folder.",
    )
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(parse_proxies)] = setting(
        (),
        "Identity",
        "Addresses and networks of proxies, separated by commas, whose `X-Forwarded-For`, "
        "`X-Forwarded-Proto` and `Forwarded` are believed; nobody's are by default, loopback "
        "included.",
    )
    forward_auth_header: Annotated[str | None, AfterValidator(parse_header_name)] = setting(
        None,
        "Identity",
        "Header in which a trusted proxy names the user whom it has signed in, such as "
        "`X-Forwarded-User`.",
    )
    forward_auth_operators: Annotated[frozenset[str], BeforeValidator(split_commas)] = setting(
        frozenset(),
        "Identity",
        "Users of `RELAY_FORWARD_AUTH_HEADER` who are operators, separated by commas.",
    )
    kiosk_networks: Annotated[
        tuple[NetworkRule, ...], BeforeValidator(text_only(parse_networks))
    ] = setting(
        (),
        "Identity",
        "Kiosks that are known by their network: `lobby=10.1.2.0/24,hall=fd00::/8`. They need "
        "no credential at all.",
    )
    kiosk_certificates: Annotated[
        dict[str, str], BeforeValidator(text_only(parse_certificates))
    ] = setting(
        {},
        "Identity",
        "Kiosks that are known by the name in their client certificate, which a trusted proxy "
        "has checked: `lobby=kiosk-1.example.org`.",
    )
    client_certificate_header: Annotated[str | None, AfterValidator(parse_header_name)] = setting(
        None,
        "Identity",
        "Header in which a trusted proxy passes on the name of a client certificate.",
    )
    kiosk_options: Annotated[
        dict[str, tuple[tuple[str, str], ...]], BeforeValidator(text_only(parse_options))
    ] = setting(
        {},
        "Identity",
        "Options that the sessions of a kiosk known by place get: "
        "`lobby?language_code=en&no_verbatim=true,hall?language_code=ru`.",
    )
    proxy_secret: Annotated[Secret, AfterValidator(_check_length)] | None = setting(
        None,
        "Identity",
        "What a trusted proxy shows in `X-Relay-Proxy-Secret` to be believed, at least 16 "
        "characters. It is needed where `RELAY_TRUSTED_PROXIES` holds loopback and what a proxy "
        "says can make somebody a user or a kiosk: every program of the machine sends from there.",
        validate_default=True,
    )
    allow_upstream_tokens: bool = setting(
        False,
        "Identity",
        "Give out single-use tokens of the provider's own to those who are signed in. No limit, "
        "no ledger and no replay can follow them.",
    )

    @property
    def signing_keys(self) -> list[str]:
        """The keys that sign cookies and tickets, the first of which signs; maybe none."""
        return [] if self.secret_keys is None else split_keys(self.secret_keys.get_secret_value())

    @field_validator("kiosk_options")
    @classmethod
    def _check_kiosk_options(
        cls, options: dict[str, tuple[tuple[str, str], ...]], info: ValidationInfo
    ) -> dict[str, tuple[tuple[str, str], ...]]:
        for name, pairs in options.items():
            check_place_options(name, pairs)
        Places(
            info.data.get("kiosk_networks", ()), info.data.get("kiosk_certificates", {}), options
        )
        return options

    @field_validator("proxy_secret")
    @classmethod
    def _check_proxy_secret(
        cls, secret: SecretStr | None, info: ValidationInfo
    ) -> SecretStr | None:
        names = ("forward_auth_header", "client_certificate_header", "kiosk_networks")
        gives_identity = any(info.data.get(name) for name in names)
        if (
            secret is None
            and gives_identity
            and _holds_loopback(info.data.get("trusted_proxies", ()))
        ):
            raise ValueError(
                "RELAY_TRUSTED_PROXIES holds loopback, from where every program of this machine "
                "could name itself anybody; set a secret that the proxy alone shows"
            )
        return secret
