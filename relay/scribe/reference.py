"""The page of parameters in the documentation: `python -m relay.scribe.reference`.

Made from the table of parameters; a test compares, so the page can't drift.
"""

import sys
from types import MappingProxyType
from typing import Any, Final

from relay.scribe.parameters import PARAMETERS, Parameter

HEAD: Final = """\
# Parameters of Scribe

Made from the code by `python -m relay.scribe.reference`; change `relay/scribe/parameters.py`, then
make it again.

`/v1/stream` takes these as query parameters, under Scribe's own names, beside its own three
([protocol](protocol.md#connecting)). They are checked before any socket to the provider is opened:
bounds are inclusive, a list is a parameter given several times, `true` and `false` are in lower
case, and a session that breaks several rules is told all of them at once. Unknown names are
refused, `token` among them, since the key stays here.

[Scribe's own path](scribe.md) takes them too, `audio_format` as well, and drops unknown names as
Scribe does.

What costs extra is refused unless `RELAY_ALLOWED_SURCHARGES` names it. `RELAY_PINNED_OPTIONS` and
`RELAY_CAPPED_OPTIONS` overrule what a client asks for ([settings](settings.md#sessions)).

| parameter | values | default | meaning | surcharge | the relay |
|---|---|---|---|---|---|
"""

TAIL: Final = """
## What the relay does itself

Scribe always gets `commit_strategy=manual` and the defaults of the four parameters of voice
activity, because [every commit is the relay's](../decisions/0001-every-commit-is-the-relays.md).
With `commit_strategy=vad` they steer the relay's own detector:

| parameter | what it does here |
|---|---|
| `vad_threshold` | how speech-like a sound must be, and how far out of the noise |
| `min_speech_duration_ms` | speech counts from this length on |
| `min_silence_duration_ms` | a gap shorter than this doesn't interrupt speech |
| `vad_silence_threshold_secs` | after speech that counted, this much silence ends the segment |

The values behind `vad_threshold` are in [audio](../topics/audio.md#scribes-vad_threshold). With
`manual`, the four change nothing. With either strategy, the relay ends a segment by itself after 25
to 30 s.

## Source

Names, bounds and defaults are the vendor's API reference's; conflicts and surcharges are as third
parties and the price list reported them in autumn 2026. Models are those that were seen to work or
that the vendor's types list; which of them an account may use, Scribe alone decides.
"""

PASSED_ON: Final = "passed on"
BY_THE_RELAY: Final = "does it itself"
HANDLING: Final = MappingProxyType(
    {
        "audio_format": (
            "refused: say what you send by `sample_rate`, `encoding` and `channels`. At Scribe's "
            "own path, passed on"
        ),
        "commit_strategy": "does it itself; `turn_prediction` is refused",
        "vad_silence_threshold_secs": BY_THE_RELAY,
        "vad_threshold": BY_THE_RELAY,
        "min_speech_duration_ms": BY_THE_RELAY,
        "min_silence_duration_ms": BY_THE_RELAY,
    }
)
"""What the relay does about a parameter, where that isn't to pass it on."""


def render() -> str:
    """Write the page."""
    return HEAD + "".join(_row(parameter) for parameter in PARAMETERS.values()) + TAIL


def _row(parameter: Parameter) -> str:
    cells = (
        f"`{parameter.name}`",
        parameter.kind.describe(),
        _default(parameter.default),
        parameter.help,
        parameter.surcharge or "–",
        HANDLING.get(parameter.name, PASSED_ON),
    )
    return f"| {' | '.join(cells)} |\n"


def _default(value: Any) -> str:
    match value:
        case None | ():
            return "–"
        case bool():
            return f"`{str(value).lower()}`"
        case _:
            return f"`{value}`"


if __name__ == "__main__":
    sys.stdout.write(render())
