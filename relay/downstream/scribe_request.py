"""Reading the query of `GET /v1/speech-to-text/realtime`, which is Scribe's own."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from relay.audio.pcm import Encoding, WireFormat
from relay.downstream.options import OptionPolicy
from relay.downstream.request import StreamRequest
from relay.scribe.kinds import shown
from relay.scribe.parameters import PARAMETERS, AudioFormat

TOKEN: Final = "token"  # noqa: S105  # the name of a parameter
"""The query parameter in which browsers show a ticket, since they can't set headers."""

MAX_NAMED: Final = 5
"""Unknown parameters that a warning names; the rest is counted."""


@dataclass(frozen=True)
class ScribeRequest(StreamRequest):
    """What a client of Scribe's was granted when it connected."""

    @property
    def wire_format(self) -> WireFormat:
        """What the client sends, and the provider gets: whatever is resampled loses something.

        Beside its sound that is the end of a segment, of which a resampler holds some back.
        """
        return WireFormat(self.parameters.audio_format)

    def config(self) -> dict[str, Any]:
        """What `session_started` tells the client of all this: Scribe's own echo."""
        return self.parameters.config_echo()


def tokens_in(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """The tickets that a query shows."""
    return [text for name, text in pairs if name == TOKEN]


def parse_scribe_request(pairs: Iterable[tuple[str, str]], policy: OptionPolicy) -> ScribeRequest:
    """Read decoded query pairs. As Scribe does, take no offence at unknown ones; drop them.

    Raises:
        InvalidRequest: If a parameter is out of bounds, in conflict with another or not allowed.
    """
    known: list[tuple[str, str]] = []
    unknown: dict[str, None] = {}
    for name, text in pairs:
        if name in PARAMETERS:
            known.append((name, text))
        elif name != TOKEN:
            unknown[name] = None
    # A ticket or a kiosk may pin options; which audio the client sends, only the client knows.
    pinned = tuple(pair for pair in policy.pinned if pair[0] != "audio_format")
    granted, notes = replace(policy, pinned=pinned).grant(known)
    # µ-law is expanded where it arrives: the chain knows linear samples alone.
    rate = AudioFormat(granted.audio_format).rate
    if unknown:
        notes = [*notes, _ignored(list(unknown))]
    return ScribeRequest(rate, Encoding.PCM_S16LE, 1, granted, tuple(notes))


def _ignored(names: list[str]) -> str:
    rest = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"Ignored, since Scribe has no such parameters: {_listed(names)}{rest}."


def _listed(names: list[str]) -> str:
    return ", ".join(shown(name) for name in names[:MAX_NAMED])
