"""What is the same for all sessions of a relay, and what each of them has used."""

from dataclasses import dataclass
from typing import Final

from relay.audio.chain import AudioChain
from relay.audio.pcm import WireFormat
from relay.audio.resample import Quality
from relay.protocol.messages import MAX_MESSAGE_BYTES


@dataclass(frozen=True, slots=True)
class Consumption:
    """What a session has used so far, in milliseconds."""

    received_ms: int
    sent_ms: int
    """To the provider, replays and inserted silence included: this is what is billed."""
    replayed_ms: int
    silence_ms: int
    connected_ms: int


NOTHING_USED: Final = Consumption(0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a session begins on this worker: at zero, or where another one left it."""

    chain: AudioChain
    covered: int = 0
    """The client's frame before which everything has its final."""
    segments: int = 0
    """Told of so far; the next one gets this number."""
    words: int = 0
    first_seq: int = 0
    consumption: Consumption = NOTHING_USED
    age: float = 0.0
    """Seconds since the session began."""
    gap: tuple[int, int] | None = None
    """The client's frames [from, to) that nobody has."""


@dataclass(frozen=True, kw_only=True)
class BridgeConfig:
    """What is the same for all sessions of a relay."""

    wire_format: WireFormat = WireFormat.PCM_16000
    """What the provider gets."""
    quality: Quality = Quality.HIGH
    chunk_ms: int = 100
    """Audio collected for one upstream message."""
    message_bytes: int = MAX_MESSAGE_BYTES
    """Longest message of a client."""
    ledger_seconds: float = 60.0
    """Audio kept until its commit is answered; when it is full, the client is read no further."""
    outbox_bytes: int = 256 * 1024
    """Messages that may wait for a slow client; beyond that its connection is cut."""
    idle_timeout: float = 900.0
    """Seconds without any message from the client after which the session ends."""
    opening_timeout: float = 20.0
    """Seconds until the provider must have said `session_started`."""
    outage_limit: float = 600.0
    """Seconds without a session at the provider after which the client's ends too."""
    upstream_session_limit: float = 0.0
    """Seconds of audio after which a socket at the provider is replaced; 0 for never."""
    quiet_seconds: float = 60.0
    """Seconds without anything worth sending after which the provider's socket is closed; 0 for
    never."""
    park_seconds: float = 30.0
    """Seconds for which a session waits for a client whose connection broke."""
    commit_timeout: float = 5.0
    stop_timeout: float = 10.0
    """Seconds for the last final after `stop`, beside the time that a backlog takes."""
