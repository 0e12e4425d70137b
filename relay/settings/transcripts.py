"""What becomes of what was said."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import BeforeValidator

from relay.redaction.finding import KINDS
from relay.redaction.redactor import parse_kinds
from relay.retention import FOREVER, Retention, Rule, parse_days, parse_rules
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

    redact: Annotated[frozenset[str], BeforeValidator(text_only(parse_kinds))] = setting(
        frozenset(),
        "Transcripts",
        f"Personal data that are taken out of what is stored, separated by commas: "
        f"{', '.join(f'`{kind}`' for kind in KINDS)}, or `all`. Clients still hear what was said, "
        "and recordings have it.",
    )
    audio_days: Annotated[float | None, BeforeValidator(text_only(parse_days))] = setting(
        None,
        "Transcripts",
        "Whether audio is recorded, and for how many days it is kept: a number, or `forever`; no "
        "longer than its transcript in any case. By default nothing is recorded, and what is there "
        "stays; with 0 it is deleted too.",
        unit="days",
        ge=0,
        allow_inf_nan=True,  # forever
    )
    audio_rules: Annotated[tuple[Rule, ...], BeforeValidator(text_only(parse_rules))] = setting(
        (),
        "Transcripts",
        "The same for some, as in `RELAY_RETENTION_RULES`: `kiosk:lobby=7,user:anna=0`. What isn't "
        "stored isn't recorded.",
    )
    audio_dir: Path | None = setting(
        None,
        "Transcripts",
        "Folder of the recordings, which all hosts have to share where sessions move between them; "
        "by default `audio` in the data folder.",
    )

    @property
    def recorded(self) -> Retention:
        """Whose audio is recorded: for more than 0 days."""
        return Retention(self.audio_days or 0, self.audio_rules)

    @property
    def records_anybody(self) -> bool:
        """Whether there is anybody of whom that holds."""
        return self.recorded.days > 0 or any(rule.days > 0 for rule in self.audio_rules)

    @property
    def audio_retention(self) -> Retention:
        """For how long whose recordings are kept."""
        return Retention(FOREVER if self.audio_days is None else self.audio_days, self.audio_rules)

    @property
    def retention(self) -> Retention:
        """For how long whose transcripts are kept."""
        days = FOREVER if self.retention_days is None else self.retention_days
        return Retention(days, self.retention_rules)
