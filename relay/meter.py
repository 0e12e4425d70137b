"""What a relay's parts say about what happens, to whoever counts it. This one counts nothing.

So that what says it depends on no library: `relay.metrics` counts, and a test that doesn't care
needs no stand-in. Nothing here is called for each message of audio.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Used(Protocol):
    """Audio of a session so far, in milliseconds."""

    @property
    def received_ms(self) -> int: ...
    @property
    def sent_ms(self) -> int: ...
    @property
    def replayed_ms(self) -> int: ...
    @property
    def silence_ms(self) -> int: ...


class Meter:
    """Takes what happens. What isn't of a fixed set, such as a name or a text, is never said."""

    # A session. `who` is anything that tells one from the others.

    @contextmanager
    def session(self, session_id: str, kind: str) -> Iterator["Meter"]:
        """Hold this from before a session's admission to after its end.

        Returns:
            Whom its parts tell what happens in it.
        """
        yield self

    def session_described(self, **facts: str | int | None) -> None:
        """A session's audio and options, short of what is said in it."""

    def session_began(self, who: object, kind: str, used: Used) -> None:
        """A session is here: `new`, or `taken_over` with what it had used by then."""

    def session_resumed(self) -> None:
        """A client has come back to its session on this worker."""

    def session_used(self, who: object, used: Used) -> None:
        """A session has used so much by now."""

    def session_ended(self, who: object, ending: str, used: Used) -> None:
        """A session is here no longer; `ending` is the name of the class that says why."""

    def client_left(self) -> None:
        """A session's client has gone, in order or not."""

    def session_moves(self) -> None:
        """A session is to go on at another worker, since this one leaves."""

    def audio_warned(self, code: str) -> None:
        """A client was told that something is wrong with its sound."""

    def added_latency(self, seconds: float) -> None:
        """A chunk's last sample was handed to the provider's socket so long after it had come."""

    def speech_to_final(self, seconds: float) -> None:
        """A segment's final was handed on so long after the segment's last sample had come."""

    def gap(self, reason: str, seconds: float) -> None:
        """So much audio will be in no final."""

    def recorded(self, seconds: float) -> None:
        """So much audio is in a file; called by another thread, as the next one may be."""

    def recording_lost(self, reason: str, seconds: float) -> None:
        """So much audio is missing in a recording, as the disk was `slow` or didn't take it."""

    # The provider.

    def upstream_opened(self, seconds: float) -> None:
        """The provider has begun a session, so long after the attempt began."""

    def upstream_not_opened(self) -> None:
        """An attempt has failed before the provider had begun a session."""

    def upstream_failed(self, reason: str) -> None:
        """A socket at the provider has failed; Scribe's type of error, or a `Break`."""

    def upstream_reopens(self, reason: str) -> None:
        """Another socket is opened after such a failure."""

    def upstream_replays(self, reason: str) -> None:
        """Audio that has no final is sent again after such a failure."""

    def upstream_rolls_over(self, *, closes_first: bool) -> None:
        """A socket takes over from one that has grown old."""

    def upstream_rests(self) -> None:
        """The socket at the provider is closed, since there was nothing to say for long."""

    # Who is refused.

    def limit_hit(self, limit: str, at: str) -> None:
        """A limit was hit: its error type; at the `handshake`, `admission`, `http`, `session`."""

    def credential_refused(self, reason: str) -> None:
        """Somebody was refused for what they showed, or didn't show."""

    def answered(self, status: int) -> None:
        """A request, or an attempt to open a socket, got an HTTP answer."""

    # What is said, judged.

    def segment_judged(self, analyser: str, seconds: float) -> None:
        """An analyser has judged a segment, which took so long."""

    def judging_failed(self, analyser: str, *, is_final: bool) -> None:
        """An analyser has failed; finally, if the segment is given up."""

    def flag_raised(self, analyser: str, kind: str) -> None:
        """A score has reached its threshold."""

    def segments_wait(self, analyser: str, count: int, age: float) -> None:
        """So many segments wait to be judged, the first of them for so many seconds."""

    def message_sent(self, outcome: str) -> None:
        """A message to the webhook was `delivered`, has `failed`, or is `given_up`."""

    def messages_wait(self, count: int) -> None:
        """So many messages wait for the webhook."""


class Forwarding(Meter):
    """Tells another meter everything; a subclass tells somebody else as well."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def session_described(self, **facts: str | int | None) -> None:
        self._meter.session_described(**facts)

    def session_began(self, who: object, kind: str, used: Used) -> None:
        self._meter.session_began(who, kind, used)

    def session_resumed(self) -> None:
        self._meter.session_resumed()

    def session_used(self, who: object, used: Used) -> None:
        self._meter.session_used(who, used)

    def session_ended(self, who: object, ending: str, used: Used) -> None:
        self._meter.session_ended(who, ending, used)

    def client_left(self) -> None:
        self._meter.client_left()

    def session_moves(self) -> None:
        self._meter.session_moves()

    def audio_warned(self, code: str) -> None:
        self._meter.audio_warned(code)

    def added_latency(self, seconds: float) -> None:
        self._meter.added_latency(seconds)

    def speech_to_final(self, seconds: float) -> None:
        self._meter.speech_to_final(seconds)

    def gap(self, reason: str, seconds: float) -> None:
        self._meter.gap(reason, seconds)

    def recorded(self, seconds: float) -> None:
        self._meter.recorded(seconds)

    def recording_lost(self, reason: str, seconds: float) -> None:
        self._meter.recording_lost(reason, seconds)

    def upstream_opened(self, seconds: float) -> None:
        self._meter.upstream_opened(seconds)

    def upstream_not_opened(self) -> None:
        self._meter.upstream_not_opened()

    def upstream_failed(self, reason: str) -> None:
        self._meter.upstream_failed(reason)

    def upstream_reopens(self, reason: str) -> None:
        self._meter.upstream_reopens(reason)

    def upstream_replays(self, reason: str) -> None:
        self._meter.upstream_replays(reason)

    def upstream_rolls_over(self, *, closes_first: bool) -> None:
        self._meter.upstream_rolls_over(closes_first=closes_first)

    def upstream_rests(self) -> None:
        self._meter.upstream_rests()

    def limit_hit(self, limit: str, at: str) -> None:
        self._meter.limit_hit(limit, at)

    def credential_refused(self, reason: str) -> None:
        self._meter.credential_refused(reason)

    def answered(self, status: int) -> None:
        self._meter.answered(status)

    def segment_judged(self, analyser: str, seconds: float) -> None:
        self._meter.segment_judged(analyser, seconds)

    def judging_failed(self, analyser: str, *, is_final: bool) -> None:
        self._meter.judging_failed(analyser, is_final=is_final)

    def flag_raised(self, analyser: str, kind: str) -> None:
        self._meter.flag_raised(analyser, kind)

    def segments_wait(self, analyser: str, count: int, age: float) -> None:
        self._meter.segments_wait(analyser, count, age)

    def message_sent(self, outcome: str) -> None:
        self._meter.message_sent(outcome)

    def messages_wait(self, count: int) -> None:
        self._meter.messages_wait(count)
