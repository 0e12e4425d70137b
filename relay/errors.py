"""What can go wrong, told apart by whose fault it is and whether to try again.

    RelayError
    ├── ConfigError                 a setting is wrong: the operator mends it
    ├── ClientError                 the client is wrong: it mends itself or stops
    │   ├── InvalidRequest          a parameter or message that no retry will make right
    │   ├── InputError              one bad message; the session goes on
    │   ├── MessageTooBig
    │   ├── Unauthorized
    │   ├── NotAllowed              known, but not for them
    │   ├── NotFound                what it asks for isn't there
    │   ├── OriginNotAllowed
    │   └── LimitExceeded           right, but too much: wait
    ├── StateUnavailable            Redis can't be asked
    ├── StoreUnavailable            the database can't be asked
    │   └── StoreRefused            it doesn't take what it was given, now or later
    ├── UpstreamError               the provider, or the way to it
    │   ├── UpstreamUnavailable     may be tried again
    │   └── UpstreamRejected        never: the same request fails the same way
    └── StateError                  our own bug

Classes keep fields; `__str__` builds the text. No secret and no transcript ever enters one.
"""

from dataclasses import dataclass


class RelayError(Exception):
    """Base of everything this package raises on purpose."""


@dataclass(eq=False)
class ConfigError(RelayError):
    """Raised when settings can't be used; holds every fault, not the first one."""

    faults: tuple[str, ...]
    """One sentence each: the setting's name, what is wrong, what would be right."""

    def __str__(self) -> str:
        return "\n".join(self.faults)


class ClientError(RelayError):
    """Base of what a client did wrong."""


@dataclass(eq=False)
class InvalidRequest(ClientError):
    """Raised when a parameter or message can't be accepted, now or later."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(eq=False)
class InputError(ClientError):
    """Raised when one message is bad and the session can go on without it."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(eq=False)
class MessageTooBig(ClientError):
    """Raised when a message exceeds the size the protocol allows."""

    size_bytes: int
    limit_bytes: int

    def __str__(self) -> str:
        return (
            f"A message of {self.size_bytes} bytes is larger than the {self.limit_bytes} "
            "allowed; send shorter messages (50 ms of audio is usual)."
        )


@dataclass(eq=False)
class Unauthorized(ClientError):
    """Raised when a credential is missing, spent, expired or unknown."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(eq=False)
class NotAllowed(ClientError):
    """Raised when somebody is known, and may not do this."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(eq=False)
class NotFound(ClientError):
    """Raised when what a request names isn't there."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(eq=False)
class OriginNotAllowed(ClientError):
    """Raised when a socket or a request comes from a page that may not use cookies."""

    origin: str | None
    """None where the request doesn't say."""
    may_be_allowed: bool = True
    """Whether other pages than ours can be allowed to; sessions are all that they can open."""

    def __str__(self) -> str:
        if not self.may_be_allowed:
            origin = self.origin or "elsewhere: it has no Origin header"
            return f"Only this relay's own pages may do this, and the request comes from {origin}."
        return (
            f"Pages from {self.origin} may not use this relay; "
            "an operator can add the origin to RELAY_ALLOWED_ORIGINS."
        )


@dataclass(eq=False)
class LimitExceeded(ClientError):
    """Raised when a request is right but over a limit."""

    limit: str
    """The error type that clients see, such as `too_many_sessions`."""
    text: str
    retry_after: float

    def __str__(self) -> str:
        return self.text


@dataclass(eq=False)
class StateUnavailable(RelayError):
    """Raised when Redis can't be asked; what is shared between workers is unknown meanwhile."""

    reason: str

    def __str__(self) -> str:
        return f"Redis can't be asked: {self.reason}."


@dataclass(eq=False)
class StoreUnavailable(RelayError):
    """Raised when the database can't be asked; who may do what is unknown meanwhile."""

    reason: str

    def __str__(self) -> str:
        return f"The database can't be used: {self.reason}."


@dataclass(eq=False)
class StoreRefused(StoreUnavailable):
    """Raised when the database doesn't take what it was given, and never will.

    Its own text may quote what that was, so only the code of the error is kept.
    """

    def __str__(self) -> str:
        return f"The database doesn't take it: {self.reason}."


class UpstreamError(RelayError):
    """Base of what the provider, or the line to it, did."""


@dataclass(eq=False)
class UpstreamUnavailable(UpstreamError):
    """Raised when the provider can't be reached or fails; trying again may help."""

    error_type: str
    text: str
    retry_after: float | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(eq=False)
class UpstreamRejected(UpstreamError):
    """Raised when the provider refuses for good."""

    error_type: str
    text: str

    def __str__(self) -> str:
        return self.text


class StateError(RelayError, AssertionError):
    """Raised when our own code calls something in the wrong state."""
