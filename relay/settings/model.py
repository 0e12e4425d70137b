"""All settings in one model; each section has a module of its own.

A field's variable is `RELAY_` and the field's name in capitals, but for the provider's key.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import field_validator

from relay.settings.analysis import AnalysisSettings
from relay.settings.identity import IdentitySettings
from relay.settings.kiosks import KioskSettings
from relay.settings.layered import Layered, setting
from relay.settings.limits import LimitSettings
from relay.settings.listening import ListeningSettings
from relay.settings.metrics import MetricsSettings
from relay.settings.provider import ProviderSettings
from relay.settings.secret import Secret
from relay.settings.sessions import SessionSettings
from relay.settings.state import StateSettings
from relay.settings.transcripts import TranscriptSettings

TRACING_PACKAGES = ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter")
"""Each is part of the next one's name, as looking for them wants it."""


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
    tracing: bool = setting(
        False,
        "Logs",
        "Whether each session has a trace, for OpenTelemetry: `OTEL_EXPORTER_OTLP_ENDPOINT` and "
        "its like, in the environment, say where it goes. Needs `scribe-relay[tracing]`.",
    )

    @field_validator("tracing")
    @classmethod
    def _check_tracing(cls, is_wanted: bool) -> bool:
        if is_wanted and not all(find_spec(name) for name in TRACING_PACKAGES):
            raise ValueError("its packages aren't there; install scribe-relay[tracing]")
        return is_wanted


# The last base comes first in the reference, as pydantic collects fields.
class Settings(
    LogSettings,
    MetricsSettings,
    AnalysisSettings,
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
        *(
            section.secrets
            for section in (
                ProviderSettings,
                StateSettings,
                IdentitySettings,
                AnalysisSettings,
                MetricsSettings,
            )
        )
    )

    @classmethod
    def variable_of(cls, field_name: str) -> str:
        """Name the environment variable of a field."""
        if field_name == "elevenlabs_api_key":
            return "ELEVENLABS_API_KEY"
        return super().variable_of(field_name)

    @property
    def recordings(self) -> Path:
        """The folder of the recordings."""
        return self.data_dir / "audio" if self.audio_dir is None else self.audio_dir

    @property
    def known_secrets(self) -> list[str]:
        """Everything that must never be logged or said."""
        kept = (
            self.elevenlabs_api_key,
            self.database_url,
            self.redis_url,
            self.proxy_secret,
            self.metrics_token,
            self.moderation_key,
            self.webhook_secret,
        )
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
