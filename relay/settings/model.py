"""All settings in one model; each section has a module of its own.

A field's variable is `RELAY_` and the field's name in capitals, but for the provider's key.
"""

from typing import ClassVar, Literal

from relay.settings.identity import IdentitySettings
from relay.settings.kiosks import KioskSettings
from relay.settings.layered import Layered, setting
from relay.settings.limits import LimitSettings
from relay.settings.listening import ListeningSettings
from relay.settings.provider import ProviderSettings
from relay.settings.secret import Secret
from relay.settings.sessions import SessionSettings
from relay.settings.state import StateSettings
from relay.settings.transcripts import TranscriptSettings


class LogSettings(Layered, frozen=True):
    """What is logged, and how."""

    log_level: Literal["debug", "info", "warning", "error", "critical"] = setting(
        "info",
        "Logs",
        "Least severe message that is logged.",
    )
    log_format: Literal["auto", "json", "console"] = setting(
        "auto",
        "Logs",
        "`json` writes one object a line, `console` is for reading; `auto` is `console` on a "
        "terminal, else `json`.",
    )


# The last base comes first in the reference, as pydantic collects fields.
class Settings(
    LogSettings,
    TranscriptSettings,
    LimitSettings,
    KioskSettings,
    IdentitySettings,
    StateSettings,
    SessionSettings,
    ListeningSettings,
    ProviderSettings,
    frozen=True,
):
    """What the relay does, fixed at its start."""

    secrets: ClassVar[frozenset[str]] = frozenset().union(
        *(section.secrets for section in (ProviderSettings, StateSettings, IdentitySettings))
    )

    @classmethod
    def variable_of(cls, field_name: str) -> str:
        """Name the environment variable of a field."""
        if field_name == "elevenlabs_api_key":
            return "ELEVENLABS_API_KEY"
        return super().variable_of(field_name)

    @property
    def known_secrets(self) -> list[str]:
        """Everything that must never be logged or said."""
        kept = (self.elevenlabs_api_key, self.database_url, self.redis_url, self.proxy_secret)
        values = [secret.get_secret_value() for secret in kept if secret is not None]
        return values + self.signing_keys


class ClientSettings(Layered, frozen=True):
    """What `scribe-relay transcribe` and `scribe-relay doctor` need to use a running relay."""

    secrets: ClassVar[frozenset[str]] = frozenset({"key"})

    key: Secret | None = setting(
        None,
        "Client",
        "Key that `transcribe` and `doctor` show to the relay that `--url` names.",
    )


def known_variables() -> set[str]:
    """Name every variable that this program reads."""
    return Settings.variables() | ClientSettings.variables()
