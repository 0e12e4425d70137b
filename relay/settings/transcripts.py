"""What becomes of what was said."""

from typing import Annotated, Final

from pydantic import BeforeValidator

from relay.retention import FOREVER, Retention, Rule, parse_rules
from relay.settings.layered import Layered, setting
from relay.settings.values import text_only

MIB: Final = 1024 * 1024


class TranscriptSettings(Layered, frozen=True):
    """Whether transcripts are stored, and for how long."""

    retention_days: float | None = setting(
        None,
        "Transcripts",
        "How long transcripts are kept; by default for ever. With 0 nothing that is said is "
        "written down, and the provider is asked to keep nothing either (`enable_logging=false`).",
        unit="days",
        ge=0,
        le=36_500,
    )
    retention_rules: Annotated[tuple[Rule, ...], BeforeValidator(text_only(parse_rules))] = setting(
        (),
        "Transcripts",
        "The same for some, by kind (`user`, `kiosk`, `key`), or by kind and name or id: "
        "`kiosk=1,kiosk:lobby=0,user:anna=forever`. The rule for one goes before that for a kind.",
    )
    unstored_bytes: int = setting(
        64 * MIB,
        "Transcripts",
        "What may wait in Redis while the database is away, of all sessions together; beyond that "
        "the oldest is lost.",
        unit="bytes",
        ge=MIB,
        le=16 * 1024 * MIB,
    )

    @property
    def retention(self) -> Retention:
        """For how long whose transcripts are kept."""
        days = FOREVER if self.retention_days is None else self.retention_days
        return Retention(days, self.retention_rules)
