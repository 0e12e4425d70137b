"""What may go wrong on request: which fault, on which connection, at which moment."""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

import msgspec

from relay.scribe.errors import ErrorType


class FaultKind(StrEnum):
    """What goes wrong."""

    RESET_HANDSHAKE = "reset_handshake"
    """The TCP connection is reset before the handshake is answered."""
    REFUSE_HANDSHAKE = "refuse_handshake"
    """The handshake is answered with an HTTP `status`."""

    DROP = "drop"
    """The TCP connection is reset."""
    CLOSE = "close"
    """The server closes with `code` and `reason`, without an error message."""
    STALL = "stall"
    """Nothing is read or sent, for `for_ms` or until the client leaves."""
    ERROR = "error"
    """An error message of `error_type`, then the close that goes with it."""

    DELAY_START = "delay_start"
    """`session_started` comes `delay_ms` late."""
    SLOW_READING = "slow_reading"
    """Audio is read at `speed` times real time, so that the client's sending stalls."""
    DELAY_FINALS = "delay_finals"
    """Finals come `delay_ms` late."""
    REVERSE_FINALS = "reverse_finals"
    """The final with timestamps comes before the plain one."""
    OMIT_TIMED = "omit_timed"
    """The final with timestamps doesn't come."""
    OMIT_FINALS = "omit_finals"
    """Commits are never answered."""


HANDSHAKE: Final = frozenset({FaultKind.RESET_HANDSHAKE, FaultKind.REFUSE_HANDSHAKE})
"""Faults that leave no session in which a moment could be named."""

MOMENTARY: Final = frozenset({FaultKind.DROP, FaultKind.CLOSE, FaultKind.STALL, FaultKind.ERROR})
"""Faults that happen once, when all their conditions are met."""

FINALS: Final = frozenset(
    {
        FaultKind.DELAY_FINALS,
        FaultKind.REVERSE_FINALS,
        FaultKind.OMIT_TIMED,
        FaultKind.OMIT_FINALS,
    }
)
"""Faults of how commits are answered."""

MAX_REASON_BYTES: Final = 123
"""What a close frame holds besides its code. *Source*: RFC 6455, section 5.5."""

_CONDITIONS: Final = ("after_samples", "after_commits", "after_finals", "after_ms")


class InvalidFault(ValueError):
    """Raised when a description of a fault makes no sense; the text says why."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One fault, as a test, a control call or a query parameter describes it.

    A momentary fault without any condition happens at open, in place of `session_started`. With
    several, all must be met; 0 is met as soon as the session has started.
    """

    kind: FaultKind

    after_samples: int | None = None
    """At least as many samples have arrived on this socket."""
    after_commits: int | None = None
    """At least as many commits have arrived, the automatic ones included.

    For faults of finals: as many commits are answered properly first.
    """
    after_finals: int | None = None
    """At least as many plain finals have been sent; the timed one comes later."""
    after_ms: int | None = None
    """So long after the socket was opened."""

    error_type: ErrorType | None = None
    status: int = 429
    code: int = 1011
    reason: str = ""
    for_ms: int | None = None
    delay_ms: int = 1000
    speed: float = 1.0
    commits: int | None = None
    """For faults of finals: how many commits are concerned; all if not given."""
    closes: bool | None = None
    """For `error`: whether the socket is closed next; if not given, as the service does."""

    skip: int = 0
    """Connections that pass untouched first."""
    count: int | None = 1
    """Connections that are then concerned; `None` for all."""

    def __post_init__(self) -> None:
        if (self.kind is FaultKind.ERROR) != (self.error_type is not None):
            raise InvalidFault("`error_type` belongs to kind `error`, which needs it")
        allowed: tuple[str, ...] = ()
        if self.kind in MOMENTARY:
            allowed = _CONDITIONS
        elif self.kind in FINALS:
            allowed = ("after_commits",)
        for name in _CONDITIONS:
            if getattr(self, name) is not None and name not in allowed:
                raise InvalidFault(f"`{name}` is no condition of kind `{self.kind}`")
        if not self.speed > 0:  # NaN isn't, either
            raise InvalidFault(f"`speed` must be above 0, not {self.speed}")
        if not 400 <= self.status <= 599:
            raise InvalidFault(f"`status` must be 400 to 599, not {self.status}")
        if not 1000 <= self.code <= 4999:
            raise InvalidFault(f"`code` must be 1000 to 4999, not {self.code}")
        if len(self.reason.encode()) > MAX_REASON_BYTES:
            raise InvalidFault(f"`reason` must have at most {MAX_REASON_BYTES} bytes")
        numbers = ("for_ms", "delay_ms", "commits", "skip", "count", *_CONDITIONS)
        for name in numbers:
            value = getattr(self, name)
            if value is not None and value < 0:
                raise InvalidFault(f"`{name}` must not be negative")

    @property
    def is_unconditional(self) -> bool:
        return all(getattr(self, name) is None for name in _CONDITIONS)

    @classmethod
    def from_json(cls, data: str | bytes) -> Self:
        """Read a fault from a JSON object.

        Raises:
            InvalidFault: If it isn't one, or its fields make no sense.
        """
        try:
            return msgspec.json.decode(data, type=cls)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise InvalidFault(str(error)) from error

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a fault from a query parameter, such as `drop,after_samples=16000`.

        Raises:
            InvalidFault: If it isn't one, or its fields make no sense.
        """
        kind, *assignments = text.split(",")
        fields: dict[str, str] = {"kind": kind}
        for assignment in assignments:
            name, equals, value = assignment.partition("=")
            if not equals:
                raise InvalidFault(f"`{assignment}` is not of the form name=value")
            fields[name] = value
        try:
            return msgspec.convert(fields, cls, strict=False)
        except msgspec.ValidationError as error:
            raise InvalidFault(str(error)) from error


@dataclass(frozen=True)
class FinalFault:
    """What is wrong with the answer to one commit."""

    is_omitted: bool = False
    is_reversed: bool = False
    without_timed: bool = False
    delay: float = 0.0


class FaultPlan:
    """The faults of one connection, and which of the momentary ones are still to come."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults = tuple(faults)
        self._pending = [fault for fault in self._faults if fault.kind in MOMENTARY]

    @property
    def handshake(self) -> Fault | None:
        """The fault that prevents the connection, if any."""
        return next(self._of(HANDSHAKE), None)

    @property
    def start_delay(self) -> float:
        return sum(fault.delay_ms for fault in self._of({FaultKind.DELAY_START})) / 1000

    @property
    def speed(self) -> float | None:
        """How fast audio is read, in multiples of real time; `None` for as fast as it comes."""
        return min((fault.speed for fault in self._of({FaultKind.SLOW_READING})), default=None)

    def take_at_open(self) -> list[Fault]:
        """Take the faults that come in place of `session_started`."""
        return self._take(lambda fault: fault.is_unconditional)

    def take_due(self, *, samples: int, commits: int, finals: int, elapsed: float) -> list[Fault]:
        """Take the faults whose conditions are met; each comes once."""
        if not self._pending:
            return []
        so_far = (samples, commits, finals, elapsed * 1000)
        return self._take(
            lambda fault: all(
                condition is None or reached >= condition
                for condition, reached in zip(
                    (getattr(fault, name) for name in _CONDITIONS), so_far, strict=True
                )
            )
        )

    def next_moment(self, elapsed: float) -> float | None:
        """Return when, in seconds after open, time next matters to a fault; `None` if never."""
        moments = (fault.after_ms / 1000 for fault in self._pending if fault.after_ms is not None)
        return min((moment for moment in moments if moment > elapsed), default=None)

    def of_final(self, index: int) -> FinalFault:
        """Return what is wrong with the answer to commit `index`, counted from 0."""
        result = FinalFault()
        for fault in self._of(FINALS):
            first = fault.after_commits or 0
            if index < first or (fault.commits is not None and index >= first + fault.commits):
                continue
            match fault.kind:
                case FaultKind.DELAY_FINALS:
                    result = dataclasses.replace(result, delay=fault.delay_ms / 1000)
                case FaultKind.REVERSE_FINALS:
                    result = dataclasses.replace(result, is_reversed=True)
                case FaultKind.OMIT_TIMED:
                    result = dataclasses.replace(result, without_timed=True)
                case _:
                    result = dataclasses.replace(result, is_omitted=True)
        return result

    def _of(self, kinds: Collection[FaultKind]) -> Iterator[Fault]:
        return (fault for fault in self._faults if fault.kind in kinds)

    def _take(self, is_taken: Callable[[Fault], bool]) -> list[Fault]:
        taken = [fault for fault in self._pending if is_taken(fault)]
        self._pending = [fault for fault in self._pending if fault not in taken]
        return taken


class FaultQueue:
    """Faults that wait for their connections."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._waiting = list(faults)

    def add(self, *faults: Fault) -> None:
        """Let faults happen to the next connections, as their `skip` and `count` say."""
        self._waiting += faults

    def clear(self) -> None:
        """Forget the faults that haven't found their connection yet."""
        self._waiting.clear()

    @property
    def waiting(self) -> tuple[Fault, ...]:
        """What is still to come, with `skip` and `count` as they are by now."""
        return tuple(self._waiting)

    def take(self) -> list[Fault]:
        """Take what concerns a connection that was just asked for."""
        taken: list[Fault] = []
        left: list[Fault] = []
        for fault in self._waiting:
            if fault.skip:
                left.append(msgspec.structs.replace(fault, skip=fault.skip - 1))
                continue
            if fault.count == 0:
                continue
            taken.append(fault)
            if fault.count is None:
                left.append(fault)
            elif fault.count > 1:
                left.append(msgspec.structs.replace(fault, count=fault.count - 1))
        self._waiting = left
        return taken
