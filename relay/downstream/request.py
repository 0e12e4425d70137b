"""Reading the query of `GET /v1/stream`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from relay.audio.pcm import Encoding
from relay.downstream.options import OptionPolicy
from relay.errors import InvalidRequest
from relay.protocol.codec import check_sample_rate
from relay.scribe.parameters import Parameters

DEFAULT_SAMPLE_RATE_HZ = 48_000
_OURS = ("sample_rate", "encoding", "channels")


@dataclass(frozen=True)
class StreamRequest:
    """What a client was granted when it connected."""

    sample_rate: int
    """Hz, of what the client sends."""
    encoding: Encoding
    channels: int
    parameters: Parameters
    """Scribe's options as granted; `audio_format` is the relay's affair."""
    notes: tuple[str, ...] = ()
    """What differs from the request, in sentences."""

    def config(self) -> dict[str, Any]:
        """What `session_started` tells the client of all this."""
        echo = self.parameters.config_echo()
        echo.pop("audio_format")
        return {
            **echo,
            "sample_rate": self.sample_rate,
            "encoding": str(self.encoding),
            "channels": self.channels,
        }


def parse_request(pairs: Iterable[tuple[str, str]], policy: OptionPolicy) -> StreamRequest:
    """Read decoded query pairs.

    Raises:
        InvalidRequest: If anything in them is unknown, out of bounds or not allowed.
    """
    ours: dict[str, str] = {}
    scribes: list[tuple[str, str]] = []
    for name, text in pairs:
        if name == "audio_format":
            raise InvalidRequest(
                "audio_format is unknown here: say what you send by sample_rate and encoding."
            )
        if name not in _OURS:
            scribes.append((name, text))
        elif name in ours:
            raise InvalidRequest(f"{name} was given twice.")
        else:
            ours[name] = text
    sample_rate = _integer("sample_rate", ours.get("sample_rate", str(DEFAULT_SAMPLE_RATE_HZ)))
    check_sample_rate(sample_rate)
    channels = _integer("channels", ours.get("channels", "1"))
    if channels not in (1, 2):
        raise InvalidRequest(f"channels {channels} is not 1 or 2; mix more channels down yourself.")
    try:
        encoding = Encoding(ours.get("encoding", Encoding.PCM_F32LE))
    except ValueError:
        raise InvalidRequest(f"encoding is not one of {', '.join(Encoding)}.") from None
    parameters, notes = policy.grant(scribes)
    return StreamRequest(sample_rate, encoding, channels, parameters, tuple(notes))


def _integer(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidRequest(f"{name} is not a whole number.")
    return int(text)
