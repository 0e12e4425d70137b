"""What a session wants done, in this order, by whoever owns the socket and the engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias


class Cause(StrEnum):
    """Why a segment ended."""

    CLIENT = "client"
    VAD = "vad"
    AUTO = "auto"


@dataclass(frozen=True)
class Commit:
    """The end of a segment."""

    index: int
    """Which commit of the session it is, from 0."""
    start: int
    """Where the segment starts, in samples from the first audio of the socket."""
    end: int
    cause: Cause


@dataclass(frozen=True)
class Feed:
    """Let the engine hear these bytes, as they came."""

    payload: bytes


@dataclass(frozen=True)
class AskPartial:
    """Ask the engine what it has understood of the open segment."""


@dataclass(frozen=True)
class AskFinal:
    """Let the engine end the segment here, and ask what was said in it."""

    commit: Commit


@dataclass(frozen=True, kw_only=True)
class Due:
    """When something is to happen."""

    delay: float = 0.0
    follows: bool = False
    """Count `delay` from the last message in order, instead of from now.

    A `Send` that doesn't follow is itself in order: it comes after every earlier one. One that
    follows neither waits for later messages nor makes them wait.
    """


@dataclass(frozen=True)
class Send(Due):
    """Send a message."""

    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Stall(Due):
    """Neither read nor send from then on."""

    duration: float | None
    """`None` for ever."""


@dataclass(frozen=True)
class Close(Due):
    """Close the socket; what is due later is forgotten."""

    code: int
    reason: str = ""
    error: Mapping[str, Any] | None = None
    """A message to send first."""


@dataclass(frozen=True)
class Drop(Due):
    """Reset the TCP connection; what is due later is forgotten."""


Outgoing: TypeAlias = Send | Stall | Close | Drop
Action: TypeAlias = Feed | AskPartial | AskFinal | Outgoing
