"""One Scribe session as a state machine: messages and time in, actions out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import Enum

from relay.audio.pcm import WireFormat
from relay.scribe.codec import MalformedMessage, decode_client_message
from relay.scribe.errors import ErrorType
from relay.scribe.messages import (
    CommittedTranscript,
    CommittedTranscriptWithTimestamps,
    ErrorMessage,
    InputAudioChunk,
    PartialTranscript,
    SessionStarted,
    WarningMessage,
)
from relay.scribe.parameters import CommitStrategy, Parameters
from relay.simulator.actions import (
    Action,
    AskFinal,
    AskPartial,
    Cause,
    Close,
    Commit,
    Drop,
    Feed,
    Outgoing,
    Send,
    Stall,
)
from relay.simulator.behaviour import Behaviour
from relay.simulator.endpointer import Endpointer
from relay.simulator.engines import Transcript
from relay.simulator.extras import extras_of
from relay.simulator.faults import Fault, FaultKind, FaultPlan, FinalFault
from relay.simulator.refusals import ERROR_TEXTS, refusal


class State(Enum):
    """Whether a session still listens."""

    OPEN = "open"
    CLOSED = "closed"
    """It has asked for its end; whatever comes is ignored."""


class Session:
    """Decide what Scribe does.

    Every `receive_…` returns what is to be done, in order. Times are seconds of one monotonic
    clock, positions are samples from the first audio of the socket.
    """

    def __init__(
        self,
        parameters: Parameters,
        behaviour: Behaviour,
        faults: FaultPlan,
        *,
        session_id: str,
        now: float,
    ) -> None:
        self.parameters = parameters
        self.session_id = session_id
        self.state = State.OPEN
        self.samples = 0
        self.messages = 0
        self.commits: list[Commit] = []
        self.previous_text: str | None = None
        self._behaviour = behaviour
        self._faults = faults
        self._opened = now
        self._elapsed = 0.0
        self._idle_since = now
        self._rate = parameters.audio_format.rate
        self._width = parameters.audio_format.bytes_per_sample
        self._format = WireFormat(parameters.audio_format)
        self._endpointer = (
            None if parameters.commit_strategy is CommitStrategy.MANUAL else Endpointer(parameters)
        )
        self._segment_start = 0
        self._auto_commit = round(behaviour.auto_commit * self._rate)
        self._next_partial = round(behaviour.first_partial * self._rate)
        self._partial_interval = round(behaviour.partial_interval * self._rate)
        self._last_partial: tuple[str, int] | None = None
        self._chunks = 0
        self._finals = 0

    @property
    def deadline(self) -> float | None:
        """When `receive_deadline` must be called, if nothing comes before; `None` if never."""
        if self.state is State.CLOSED:
            return None
        moments = [self._idle_since + self._behaviour.idle_timeout]
        if self._behaviour.session_limit is not None:
            moments.append(self._opened + self._behaviour.session_limit)
        if (fault_moment := self._faults.next_moment(self._elapsed)) is not None:
            moments.append(self._opened + fault_moment)
        return min(moments)

    def open(self) -> Sequence[Action]:
        """Start; audio may come before the client has been told."""
        actions: list[Action] = [*self._apply(self._faults.take_at_open())]
        if self.state is State.CLOSED:
            return actions
        started = SessionStarted(self.session_id, self.parameters.config_echo())
        actions.append(Send(started.fields, delay=self._faults.start_delay))
        if not self.parameters.enable_logging:
            text = "Zero retention needs an enterprise account; this session is logged."
            actions.append(Send(WarningMessage(text).fields))
        # What needs nothing more comes after the start, be it late.
        return actions + [_following(due, 0.0) for due in self._due_faults(self._opened)]

    def receive_text(self, data: str | bytes, now: float) -> Sequence[Action]:
        """Take a text frame."""
        if self.state is State.CLOSED:
            return []
        self.messages += 1
        self._idle_since = now
        try:
            chunk = decode_client_message(data)
        except MalformedMessage as error:
            return self._fail(ErrorType.INPUT_ERROR, str(error))
        if fault := self._find_fault(chunk):
            return self._fail(ErrorType.INPUT_ERROR, fault)
        if len(chunk.audio) > self._behaviour.max_chunk_bytes:
            return self._fail(
                ErrorType.CHUNK_SIZE_EXCEEDED,
                f"A chunk of {len(chunk.audio)} bytes is larger than the "
                f"{self._behaviour.max_chunk_bytes} allowed.",
            )
        self._chunks += 1
        if chunk.previous_text is not None:
            self.previous_text = chunk.previous_text
        actions = self._hear(chunk.audio)
        if chunk.commit:
            actions += self._commit_as_asked()
        if self._is_ahead(now):
            actions += self._fail(ErrorType.QUEUE_OVERFLOW)
        return actions + self._due_faults(now)

    def receive_binary(self, now: float) -> Sequence[Action]:
        """Take a binary frame, which the protocol doesn't have."""
        if self.state is State.CLOSED:
            return []
        self.messages += 1
        self._idle_since = now
        return self._fail(ErrorType.INPUT_ERROR, "Message must be a valid protocol message")

    def receive_partial(self, text: str) -> Sequence[Action]:
        """Take the engine's answer to `AskPartial`."""
        if self.state is State.CLOSED or not self._is_worth_sending(text):
            return []
        self._last_partial = (text, self.samples)
        return [Send(PartialTranscript(text).fields)]

    def receive_final(self, commit: Commit, transcript: Transcript, now: float) -> Sequence[Action]:
        """Take the engine's answer to `AskFinal`: exactly one final, then what goes with it."""
        fault = self._faults.of_final(commit.index)
        if self.state is State.CLOSED or fault.is_omitted:
            return []
        self._finals += 1
        text = transcript.text
        behaviour = self._behaviour
        plain = Send(CommittedTranscript(text).fields)
        timed = Send(self._timed(transcript).fields) if self._has_timed(fault) else None
        first, second = (timed, plain) if timed and fault.is_reversed else (plain, timed)
        actions: list[Action] = [replace(first, delay=behaviour.final_delay + fault.delay)]
        plain_delay = 0.0 if first is plain else behaviour.timed_delay
        if second is not None:
            actions.append(_following(second, behaviour.timed_delay))
        if behaviour.echo_partials and text:
            echo = Send(PartialTranscript(text).fields)
            actions.append(_following(echo, plain_delay + behaviour.echo_delay))
        extras = (Send(extra.fields) for extra in extras_of(text, self.parameters))
        actions += [_following(extra, behaviour.timed_delay) for extra in extras]
        ends = self._due_faults(now)
        return actions + [_following(end, plain_delay) for end in ends]

    def receive_failure(self) -> Sequence[Action]:
        """Take the news that the engine broke."""
        return [] if self.state is State.CLOSED else self._fail(ErrorType.TRANSCRIBER_ERROR)

    def receive_deadline(self, now: float) -> Sequence[Action]:
        """Do what `deadline` is about; early calls do no harm."""
        if self.state is State.CLOSED:
            return []
        limit = self._behaviour.session_limit
        if limit is not None and now >= self._opened + limit:
            return self._fail(ErrorType.SESSION_TIME_LIMIT_EXCEEDED)
        if now >= self._idle_since + self._behaviour.idle_timeout:
            # No error frame: clients see a clean close, and some take it for success.
            self.state = State.CLOSED
            return [Close(1000)]
        return self._due_faults(now)

    def excuse_silence(self, now: float) -> None:
        """Count idleness from now, because until now nobody was listening."""
        self._idle_since = max(self._idle_since, now)

    def _find_fault(self, chunk: InputAudioChunk) -> str | None:
        if chunk.previous_text is not None and self._chunks:
            return "`previous_text` is allowed in the first chunk only."
        if len(chunk.audio) % self._width:
            return f"{len(chunk.audio)} bytes are not whole samples of {self._format}."
        return None

    def _hear(self, payload: bytes) -> list[Action]:
        """Cut audio where a segment ends in it."""
        actions: list[Action] = []
        cut = 0
        for end, cause in self._segment_ends(payload):
            piece = (end - self.samples) * self._width
            actions += self._feed(payload[cut : cut + piece])
            actions.append(self._end_segment(cause))
            cut += piece
        return actions + self._feed(payload[cut:] if cut else payload)

    def _segment_ends(self, payload: bytes) -> Iterator[tuple[int, Cause]]:
        """Yield where segments end by themselves; each must be ended before the next is asked."""
        stop = self.samples + len(payload) // self._width
        if self._endpointer is not None:
            for pause in self._endpointer.push(self._format.unpack(payload)):
                yield from self._overlong(pause)
                if pause > self._segment_start:
                    yield max(pause, self.samples), Cause.VAD
        yield from self._overlong(stop)

    def _overlong(self, stop: int) -> Iterator[tuple[int, Cause]]:
        while stop - self._segment_start >= self._auto_commit:
            yield self._segment_start + self._auto_commit, Cause.AUTO

    def _feed(self, payload: bytes) -> list[Action]:
        if not payload:
            return []
        self.samples += len(payload) // self._width
        if self.samples < self._next_partial:
            return [Feed(payload)]
        overdue = (self.samples - self._next_partial) // self._partial_interval
        self._next_partial += (overdue + 1) * self._partial_interval
        return [Feed(payload), AskPartial()]

    def _commit_as_asked(self) -> list[Action]:
        uncommitted = (self.samples - self._segment_start) / self._rate
        if uncommitted < self._behaviour.min_commit:
            text = (
                f"{uncommitted:.2f} s of audio are uncommitted, a commit needs at least "
                f"{self._behaviour.min_commit} s."
            )
            return [*self._fail(ErrorType.COMMIT_THROTTLED, text)]
        if self._endpointer is not None:
            self._endpointer.reset()
        return [self._end_segment(Cause.CLIENT)]

    def _end_segment(self, cause: Cause) -> AskFinal:
        commit = Commit(len(self.commits), self._segment_start, self.samples, cause)
        self.commits.append(commit)
        self._segment_start = self.samples
        return AskFinal(commit)

    def _is_worth_sending(self, text: str) -> bool:
        if self._behaviour.repeat_partials or self._last_partial is None:
            return True
        last_text, position = self._last_partial
        interval_ms = self.parameters.keepalive_interval_ms
        is_due = interval_ms is not None and (
            (self.samples - position) * 1000 >= interval_ms * self._rate
        )
        return text != last_text or is_due

    def _timed(self, transcript: Transcript) -> CommittedTranscriptWithTimestamps:
        parameters = self.parameters
        return CommittedTranscriptWithTimestamps(
            transcript.text,
            transcript.language_code if parameters.include_language_detection else None,
            tuple(transcript.items()) if parameters.include_timestamps else None,
        )

    def _has_timed(self, fault: FinalFault) -> bool:
        return self.parameters.wants_timed_message and not fault.without_timed

    def _is_ahead(self, now: float) -> bool:
        limit = self._behaviour.max_lead
        if limit is None or self.state is State.CLOSED:
            return False
        return self.samples / self._rate - (now - self._opened) > limit

    def _due_faults(self, now: float) -> list[Outgoing]:
        self._elapsed = now - self._opened
        due = self._faults.take_due(
            samples=self.samples,
            commits=len(self.commits),
            finals=self._finals,
            elapsed=self._elapsed,
        )
        return self._apply(due)

    def _apply(self, faults: Iterable[Fault]) -> list[Outgoing]:
        actions: list[Outgoing] = []
        for fault in faults:
            if self.state is State.CLOSED:
                break
            match fault.kind:
                case FaultKind.STALL:
                    actions.append(Stall(None if fault.for_ms is None else fault.for_ms / 1000))
                case FaultKind.ERROR:
                    assert fault.error_type is not None  # the fault itself sees to that
                    actions += self._fail(fault.error_type, closes=fault.closes)
                case FaultKind.CLOSE:
                    self.state = State.CLOSED
                    actions.append(Close(fault.code, fault.reason))
                case _:
                    self.state = State.CLOSED
                    actions.append(Drop())
        return actions

    def _fail(
        self, error_type: ErrorType, text: str = "", *, closes: bool | None = None
    ) -> list[Outgoing]:
        """Report an error, and end the session unless the service doesn't."""
        if closes is None:
            closes = error_type is not ErrorType.INPUT_ERROR or self._behaviour.input_error_closes
        if closes:
            self.state = State.CLOSED
            return [refusal(error_type, text)]
        return [Send(ErrorMessage(error_type, text or ERROR_TEXTS[error_type]).fields)]


def _following(action: Outgoing, delay: float) -> Outgoing:
    return replace(action, delay=delay, follows=True)
