"""Who may read what was counted."""

from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationInfo, field_validator

from relay.auth.addresses import Network
from relay.settings.identity import LOOPBACK
from relay.settings.layered import Layered, setting
from relay.settings.secret import Secret
from relay.settings.values import parse_proxies

MIN_TOKEN: Final = 16
"""Characters of a token."""


def _check_length(token: SecretStr) -> SecretStr:
    if len(token.get_secret_value()) < MIN_TOKEN:
        raise ValueError(
            f"it is shorter than {MIN_TOKEN} characters; make one: openssl rand -hex 32"
        )
    return token


def _parse_networks(value: object) -> object:
    return () if value == "none" else parse_proxies(value)


class MetricsSettings(Layered, frozen=True):
    """Who may read `/metrics`, and where."""

    secrets: ClassVar[frozenset[str]] = frozenset({"metrics_token"})

    metrics_networks: Annotated[tuple[Network, ...], BeforeValidator(_parse_networks)] = setting(
        LOOPBACK,
        "Metrics",
        "Addresses and networks, separated by commas, that may read `/metrics` without a token, "
        "unless the request says that a proxy has passed it on; `none` for none.",
    )
    metrics_token: Annotated[Secret, AfterValidator(_check_length)] | None = setting(
        None,
        "Metrics",
        "With which anybody may read `/metrics`, as `Authorization: Bearer …`; at least 16 "
        "characters. With `RELAY_METRICS_PORT`, everybody has to show it.",
    )
    metrics_port: int | None = setting(
        None,
        "Metrics",
        "TCP port on `RELAY_HOST` where `/metrics` is, and nothing else; it is nowhere else then, "
        "and who reaches the port may read it.",
        ge=1,
        le=65535,
    )

    @field_validator("metrics_port")
    @classmethod
    def _check_port(cls, port: int | None, info: ValidationInfo) -> int | None:
        if port is not None and port == info.data.get("port"):
            raise ValueError("it is RELAY_PORT, where everything else is; take another one")
        return port
