"""Settings that nobody is shown."""

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, SecretStr

from relay.settings.values import parse_secret


def _clean(value: object) -> object:
    return parse_secret(value) if isinstance(value, str) else value


Secret: TypeAlias = Annotated[SecretStr, BeforeValidator(_clean)]
