"""Reading the query of `GET /v1/stream`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from relay.audio.pcm import Encoding, WireFormat
from relay.downstream.options import OptionPolicy
from relay.errors import InvalidRequest
from relay.protocol.codec import check_sample_rate
from relay.scribe.parameters import Parameters

DEFAULT_SAMPLE_RATE_HZ = 48_000
_OURS = ("sample_rate", "encoding", "channels")
_OF_RESUMING = ("last_seq", "last_segment", "from_sample", "covered_sample")

MAX_COUNT = 2**53 - 1
"""Of frames, segments and messages: clients in JavaScript can't count any further."""


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

    @property
    def wire_format(self) -> WireFormat | None:
        """What the provider is to get of it; None for what the relay sends by default."""
        return None

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


@dataclass(frozen=True)
class ResumePoint:
    """What a client has of the session that it comes back to."""

    last_seq: int
    """The greatest `seq` that it received."""
    last_segment: int | None
    """The last segment that it has; None before the first."""
    from_sample: int
    """The earliest of its frames that it still holds."""
    covered_sample: int | None = None
    """The frame before which it knows everything to be settled; None where it doesn't say."""


def parse_request(pairs: Iterable[tuple[str, str]], policy: OptionPolicy) -> StreamRequest:
    """Read decoded query pairs.

    Raises:
        InvalidRequest: If anything in them is unknown, out of bounds or not allowed.
    """
    ours, scribes = _split(pairs)
    for name in _OF_RESUMING:
        if name in ours:
            raise InvalidRequest(f"{name} goes with a resume token only.")
    parameters, notes = policy.grant(scribes)
    return StreamRequest(*_read_format(ours), parameters, tuple(notes))


def parse_resumed_request(
    pairs: Iterable[tuple[str, str]], granted: Parameters
) -> tuple[StreamRequest, ResumePoint]:
    """Read decoded query pairs that came with a resume token.

    They say what the client sends from here on and what it has. Scribe's options stay as they were
    granted, whatever is asked for now.

    Raises:
        InvalidRequest: If anything of ours in them is missing or out of bounds.
    """
    ours, _ = _split(pairs)
    segment, covered = ours.get("last_segment"), ours.get("covered_sample")
    point = ResumePoint(
        last_seq=_count("last_seq", ours.get("last_seq")),
        last_segment=None if segment is None else _count("last_segment", segment),
        from_sample=_count("from_sample", ours.get("from_sample")),
        covered_sample=None if covered is None else _count("covered_sample", covered),
    )
    return StreamRequest(*_read_format(ours), granted), point


def _split(pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Tell what is the relay's own from what is Scribe's."""
    ours: dict[str, str] = {}
    scribes: list[tuple[str, str]] = []
    for name, text in pairs:
        if name == "audio_format":
            raise InvalidRequest(
                "audio_format is unknown here: say what you send by sample_rate and encoding."
            )
        if name not in _OURS and name not in _OF_RESUMING:
            scribes.append((name, text))
        elif name in ours:
            raise InvalidRequest(f"{name} was given twice.")
        else:
            ours[name] = text
    return ours, scribes


def _read_format(ours: Mapping[str, str]) -> tuple[int, Encoding, int]:
    """The rate, the encoding and the channels of what a client sends."""
    sample_rate = _integer("sample_rate", ours.get("sample_rate", str(DEFAULT_SAMPLE_RATE_HZ)))
    check_sample_rate(sample_rate)
    channels = _integer("channels", ours.get("channels", "1"))
    if channels not in (1, 2):
        raise InvalidRequest(f"channels {channels} is not 1 or 2; mix more channels down yourself.")
    try:
        encoding = Encoding(ours.get("encoding", Encoding.PCM_F32LE))
    except ValueError:
        raise InvalidRequest(f"encoding is not one of {', '.join(Encoding)}.") from None
    return sample_rate, encoding, channels


def _count(name: str, text: str | None) -> int:
    if text is None:
        raise InvalidRequest(f"{name} is missing: a resume token needs it.")
    count = _integer(name, text, max_digits=16)
    if count > MAX_COUNT:
        raise InvalidRequest(f"{name} is greater than {MAX_COUNT}.")
    return count


def _integer(name: str, text: str, *, max_digits: int = 9) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= max_digits):
        raise InvalidRequest(f"{name} is not a whole number.")
    return int(text)
