"""One session: introduces the client's side, the audio chain and the provider's side."""

import asyncio
import math
import random
import time
from collections.abc import Callable, Sequence
from time import perf_counter

import msgspec
from structlog.typing import FilteringBoundLogger

from relay.audio.arrival import HEADSTART
from relay.audio.health import AudioHealth
from relay.audio.pcm import Int16, NonFinite, PartialFrame
from relay.bridge_config import BridgeConfig, Consumption, Start
from relay.chronicle import Chronicle
from relay.downlink import Downlink
from relay.downstream.connection import DownstreamConnection
from relay.downstream.outbox import Outbox
from relay.downstream.request import MAX_COUNT, ResumePoint, StreamRequest
from relay.downstream.session import DownstreamSession, Input
from relay.errors import (
    ClientError,
    InputError,
    InvalidRequest,
    LimitExceeded,
    MessageTooBig,
    RelayError,
    Unauthorized,
)
from relay.latencies import ChunkWatch, SegmentWatch
from relay.limits.limiter import Grant
from relay.limits.slots import Place
from relay.limits.terms import CATCH_UP, Notice, Terms, Verdict
from relay.meter import Meter
from relay.protocol.close_codes import CloseCode
from relay.protocol.messages import (
    AudioGap,
    Commit,
    Format,
    Mute,
    Queued,
    ServerMessage,
    SessionLimits,
    SessionStarted,
    Stop,
    Unmute,
    UpstreamReconnecting,
    UpstreamRestored,
    Warn,
)
from relay.protocol.refusal import refuse
from relay.registry import Tenure
from relay.translator import (
    Ending,
    Fault,
    Finished,
    Moved,
    Refused,
    Taken,
    Translator,
)
from relay.uplink import Connect, Uplink
from relay.upstream.breaker import Breaker
from relay.upstream.feed import Feed
from relay.upstream.finals import Final
from relay.upstream.ledger import Cause, Ledger
from relay.upstream.session import (
    Complaint,
    Event,
    Failed,
    Opened,
    Passed,
    SegmentDue,
)
from relay.upstream_slot import Slot

TICK = 1.0
"""Seconds between two looks at the clock: acknowledgements, keepalive, everything overdue."""

MESSAGE_PRICE = 0.3
"""Seconds of audio that a text message counts as. A commit may cost that much silence at the
provider, and nobody needs so many of them that it would be felt."""

EXPEL_TIMEOUT = 1.5
"""Seconds for the last final of somebody who may no longer be here; with the seconds until a
revocation is seen, and a tick, it stays below the five that are promised."""

MESSAGES_AT_ONCE = 64
"""Messages of one client that are taken before others get a turn: a flood of tiny ones, which
arrive in one piece, would else stall everybody."""

CLIENT_BUFFER = "client_buffer"
"""The reason of a gap that a client left, which kept too little while it was away."""

STOPPED = "stopped"
"""The reason of an end that the client asked for."""

PAUSE_TIMEOUT = 5.0
"""Seconds within which a session that has to move ends its segment."""

MOVE_TIMEOUT = 15.0
"""Seconds after which it moves, whether its last segment has its final or not; what hasn't, is said
again to its next owner."""

UNTIMED_AT_ONCE = 4
"""Segments that may wait for their timed messages at a time, each for a second."""

MOVE_SPREAD = 2.0
"""Seconds over which the clients of a worker that leaves are spread when they come back."""


class Bridge:
    """One client's session, from its admission to its end.

    Audio is worked on where it arrives, and the provider's messages where they do: between the
    client's message and the provider's socket there is one await, the one that waits for the
    message. Tasks only read the client, write to it, connect, and watch the clock.

    A session outlives its client's connection: `run` is the session, `serve` one connection of it.
    Without one it is *parked*: it takes nothing, goes on with what it has, and waits.
    """

    def __init__(
        self,
        request: StreamRequest,
        start: Start,
        *,
        session_id: str,
        tenure: Tenure,
        connect: Connect,
        slot: Slot,
        breaker: Breaker,
        terms: Terms,
        config: BridgeConfig,
        redact: Callable[[str], str],
        meter: Meter,
        log: FilteringBoundLogger,
    ) -> None:
        self._request = request
        self._start = start
        self._session_id = session_id
        self._tenure = tenure
        self._terms = terms
        self._config = config
        self._meter = meter
        self._log = log
        self._loop = asyncio.get_running_loop()

        rate = config.wire_format.rate
        self._chain = start.chain
        self._ledger = Ledger(bound=round(config.ledger_seconds * rate), start=start.chain.position)
        self._feed = Feed.build(
            self._ledger,
            request.parameters,
            wire_format=config.wire_format,
            chunk_ms=config.chunk_ms,
            quiet=config.quiet_seconds,
        )
        self._health = AudioHealth(
            request.sample_rate,
            rate=rate,
            kept=CATCH_UP + HEADSTART if start.first_seq else HEADSTART,
            takes_recordings=terms.takes_recordings,
        )
        self._chunk_watch, self._segment_watch = ChunkWatch(), SegmentWatch()
        self._uplink = Uplink(
            self,
            self._ledger,
            request.parameters,
            connect=connect,
            slot=slot,
            breaker=breaker,
            config=config,
            seconds_at=self._chain.timeline.seconds_at,
            segments=start.segments,
            redact=redact,
            meter=meter,
            watch=self._chunk_watch,
            log=log,
        )
        self._translator = Translator(
            self._chain, self._ledger, segments=start.segments, words=start.words
        )
        outbox = Outbox(config.outbox_bytes)
        self._downstream = DownstreamSession(
            outbox, max_message_bytes=config.message_bytes, first_seq=start.first_seq
        )
        self._downlink = Downlink(self, self._downstream, outbox, log)
        self._chronicle = Chronicle(
            self._downlink,
            self._downstream,
            self._translator,
            tenure,
            start=start,
            consumption=self.consumption,
        )

        self._ending: asyncio.Future[Ending] = self._loop.create_future()
        self._room = asyncio.Event()
        self._finishing: Finished | Refused | None = None
        self._waits_for_client = True
        self._move_by = math.inf
        self._move_from: int | None = None
        self._resumed_rate: int | None = None
        self._messages = 0
        self._committed = self._feed.committed
        self._left_out = 0.0 if start.gap is None else self._seconds_between(*start.gap)
        self._finish_by = 0.0
        self._waits_for_slot = True
        self._is_expelled = False
        self._heard_at = self._loop.time()
        self._began_at = self._heard_at - start.age
        self._allowed = asyncio.Event()

    @property
    def session_id(self) -> str:
        return self._session_id

    @property
    def request(self) -> StreamRequest:
        """What the client was granted."""
        return self._request

    @property
    def terms(self) -> Terms:
        """What this session may use."""
        return self._terms

    @property
    def segments(self) -> int:
        return self._translator.segments

    @property
    def state(self) -> str:
        """`queued`, `opening`, `open`, `parked` or `ending`, for people who look on."""
        if self._finishing is not None or self._ending.done():
            return "ending"
        if not self._downlink.is_attached:
            return "parked"
        if self._uplink.is_queued:
            return "queued"
        return "open" if self._uplink.is_open or self._uplink.is_resting else "opening"

    @property
    def left_at(self) -> float:
        """When its client left, by the loop's clock; infinite while it is there."""
        return self._downlink.left_at

    @property
    def is_handed_over(self) -> bool:
        """Whether it has ended here, and can go on: elsewhere, or here again."""
        if not self._ending.done() or self._ending.cancelled():
            return False
        failed = self._ending.exception() is not None
        return failed or isinstance(self._ending.result(), Moved | Taken)

    @property
    def tenure(self) -> Tenure:
        """This worker's ownership of the session."""
        return self._tenure

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is wrong with its sound now."""
        return tuple(map(str, self._health.ailments))

    @property
    def outbox_bytes(self) -> int:
        """Messages that wait for the client."""
        return self._downlink.waiting_bytes

    @property
    def ledger_bytes(self) -> int:
        """Audio that waits for its final."""
        return self._ledger.samples * self._config.wire_format.bytes_per_sample

    def consumption(self) -> Consumption:
        """What was used so far."""
        rate = self._config.wire_format.rate
        received = self._chain.timeline.seconds_of_frame(self._chain.frames_received)
        received -= self._left_out
        before = self._start.consumption
        return Consumption(
            received_ms=round(received * 1000),
            sent_ms=before.sent_ms + round(self._uplink.samples_sent / rate * 1000),
            replayed_ms=before.replayed_ms + round(self._uplink.samples_replayed / rate * 1000),
            silence_ms=before.silence_ms + round(self._uplink.samples_inserted / rate * 1000),
            connected_ms=round((self._loop.time() - self._began_at) * 1000),
        )

    def renew(self, grant: Grant | None) -> None:
        """Go on with a further piece of audio; None where nobody could be asked."""
        self._obey(self._terms.renew(grant, time.time()))
        if not self._terms.must_wait:
            self._allowed.set()

    def leave(self, reason: str) -> None:
        """End in order because somebody else says so: commit, await the final, close."""
        self._waits_for_client = False
        self._finish(Finished(reason, CloseCode.ENDED), waits_for_slot=False)
        self._advance()

    def expel(self, error: RelayError) -> None:
        """End soon, also what is ending already: whoever this is may no longer be here."""
        if self._is_expelled:
            return
        self._is_expelled = True
        self._waits_for_client = False
        failure, code = refuse(error)
        self._say(failure)
        ending = Refused(code, failure.error_type)
        if self._finishing is None:
            self._finish(ending, timeout=EXPEL_TIMEOUT, waits_for_slot=False)
        else:
            self._finishing = ending
            self._waits_for_slot = False
            self._finish_by = min(self._finish_by, self._loop.time() + EXPEL_TIMEOUT)
        self._advance()

    def move(self) -> None:
        """Hand the session on to another worker, since this one leaves.

        The segment ends at the next pause; when it has its final, the client is sent elsewhere.
        """
        if self._finishing is not None:
            self._waits_for_client = False  # it would hold the worker up
            self._advance()
            return
        if self._move_from is not None:
            return
        self._move_from = self._feed.committed
        self._meter.session_moves()
        self._move_by = self._loop.time() + PAUSE_TIMEOUT
        self._feed.hurry()
        self._advance()

    def taken(self) -> None:
        """Let go of the session at once: another worker owns it."""
        self._end(Taken())

    def greet(self, resume_token: str) -> None:
        """Say that the session has begun."""
        limits = SessionLimits(self._terms.minutes_left, self._terms.max_seconds)
        config = self._request.config()
        self._say(SessionStarted(self._session_id, config, limits, resume_token))
        for note in self._request.notes:
            self._say(Warn("option_changed", note))
        self._log.info(
            "session started",
            sample_rate=self._request.sample_rate,
            encoding=str(self._request.encoding),
            channels=self._request.channels,
            commit_strategy=str(self._request.parameters.commit_strategy),
            language_code=self._request.parameters.language_code,
        )

    async def run(self) -> Ending:
        """Keep the session until it ends; both sockets are closed on return."""
        # What cancels it is that the worker ends, and that leaves the session to another one.
        ending: Ending = Moved(0)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._uplink.run(), name="provider"),
                    group.create_task(self._watch_clock(), name="clock"),
                ]
                ending = await self._ending
                for task in tasks:
                    task.cancel()
        except* Exception:
            ending = Fault()
            self._log.exception("session failed")
        finally:
            self._uplink.close()
            await self._part(ending)
        self._log.info(
            "session ended",
            ending=type(ending).__name__,
            text=str(ending) if isinstance(ending, RelayError) else None,
            samples_received=self._chain.frames_received,
            samples_sent=self._uplink.samples_sent,
            segments=self._translator.segments,
        )
        return ending

    # The client's side.

    async def serve(self, client: DownstreamConnection) -> None:
        """Speak with the client until its connection or the session ends."""
        self._heard_at = self._loop.time()
        await self._downlink.serve(client)

    async def resume(
        self, client: DownstreamConnection, request: StreamRequest, point: ResumePoint
    ) -> None:
        """Go on with a client that comes back to this worker, then `serve` it.

        Raises:
            InvalidRequest: If it would send something else than before.
            Unauthorized: If the session has ended meanwhile.
        """
        if (request.encoding, request.channels) != (self._request.encoding, self._request.channels):
            raise InvalidRequest("A session that is resumed keeps its encoding and its channels.")
        missed: Sequence[str] = ()
        if point.last_seq < self._downlink.forgotten:
            events = await self._tenure.missed(point.last_segment)
            missed = _between(events, point.last_seq, self._downlink.forgotten)
        is_ending = self._finishing is not None and self._finishing.reason != STOPPED
        if self._ending.done() or is_ending:
            raise Unauthorized("The session that this token belongs to has ended.")
        self._downlink.release()  # it may be there still, and read on
        first_frame = self._chain.frames_received
        next_sample = first_frame if self._finishing else max(first_frame, point.from_sample)
        self._downlink.resume(next_sample, after=point.last_seq, missed=missed)
        if next_sample > first_frame:
            self._leave_out(first_frame, next_sample)
        self._resumed_rate = request.sample_rate
        self._downstream.come_back()
        self._meter.session_resumed()
        self._log.info("session resumed", next_sample=next_sample)
        self._terms.catch_up()
        self._advance()
        await self.serve(client)

    async def take_over(self, point: ResumePoint) -> None:
        """Begin with a client whose session was another worker's, before `serve`."""
        # The last segments that the client has may lack their timed messages.
        known = -1 if point.last_segment is None else point.last_segment
        after = known - UNTIMED_AT_ONCE
        events = await self._tenure.missed(after if after >= 0 else None)
        next_sample = self._chain.frames_received
        missed = _between(events, point.last_seq, MAX_COUNT)
        self._downlink.resume(next_sample, after=point.last_seq, missed=missed)
        if self._request.parameters.wants_timed_message:
            self._chronicle.make_up(events)
        if self._start.gap is not None:
            self._say(AudioGap(*self._start.gap, CLIENT_BUFFER))
            self._meter.gap(CLIENT_BUFFER, self._left_out)
        self._resumed_rate = self._request.sample_rate
        self._log.info("session taken over", next_sample=next_sample)
        self._terms.catch_up()

    def _leave_out(self, begin: int, end: int) -> None:
        self._feed.push(self._chain.skip_to(end))
        seconds = self._seconds_between(begin, end)
        self._left_out += seconds
        self._meter.gap(CLIENT_BUFFER, seconds)
        if self._feed.uncommitted:
            self._feed.commit(Cause.RELAY)  # nothing spans what is missing
        self._say(AudioGap(begin, end, CLIENT_BUFFER))

    def _seconds_between(self, begin: int, end: int) -> float:
        timeline = self._chain.timeline
        return timeline.seconds_of_frame(end) - timeline.seconds_of_frame(begin)

    async def downlink_message(self, message: bytes | str) -> None:
        """Take in one message; return when the next one may be read."""
        self._heard_at = self._loop.time()
        if self._chunk_watch.is_armed:
            # Not the loop's clock, which stands still while a message is worked on.
            self._chunk_watch.came(perf_counter())
        self._messages += 1
        if self._messages % MESSAGES_AT_ONCE == 0:
            await asyncio.sleep(0)
        await self._until_allowed(message)
        try:
            self._receive(self._downstream.receive_message(message))
        except InputError as error:
            self._say(refuse(error)[0])
        except (InvalidRequest, MessageTooBig) as error:
            self._refuse(error)
        await self._until_ready(message)

    def downlink_left(self, *, in_order: bool) -> None:
        """Park the session, or finish it where nobody will come back."""
        self._meter.client_left()
        self._log.info("client left", in_order=in_order)
        if in_order or not self._config.park_seconds:
            self._waits_for_client = False
            self._finish(Finished("left", CloseCode.ENDED))
            self._advance()

    def downlink_lost(self) -> None:
        """Let go of the session."""
        self.taken()

    def downlink_crashed(self, error: BaseException) -> None:
        """End the session."""
        self.uplink_crashed(error)

    async def _until_allowed(self, message: bytes | str) -> None:
        """Take no audio that isn't reserved; messages that steer the session need none."""
        if self._finishing is not None or not isinstance(message, bytes):
            return
        self._terms.expect(self._chain.seconds_of(message))
        while self._terms.must_wait and self._finishing is None:
            self._health.interrupt()
            self._allowed.clear()
            await self._allowed.wait()

    async def _until_ready(self, message: bytes | str) -> None:
        """Read no further before there is room, and before it is time."""
        used = self._chain.seconds_of(message) if isinstance(message, bytes) else MESSAGE_PRICE
        if (delay := self._terms.take(used, self._loop.time())) > 0:
            await asyncio.sleep(delay)
        if self._ledger.is_full:
            self._health.interrupt()
            self._room.clear()
            await self._room.wait()

    def _refuse(self, error: ClientError) -> None:
        """Say what is wrong; what came before it still gets its final."""
        failure, code = refuse(error)
        self._say(failure)
        self._finish(Refused(code, failure.error_type))
        self._advance()

    def _receive(self, message: Input) -> None:
        match message:
            case bytes():
                self._receive_audio(message)
            case Format(sample_rate):
                self._resumed_rate = None
                self._change_rate(sample_rate)
            case Commit():
                self._feed.commit(Cause.CLIENT)
            case Mute():
                self._health.pause()
                if self._feed.uncommitted:
                    self._feed.commit(Cause.CLIENT)
            case Unmute():
                pass  # audio says it as well
            case Stop():
                self._finish(Finished(STOPPED, CloseCode.ENDED))
        self._advance()

    def _receive_audio(self, message: bytes) -> None:
        if self._resumed_rate is not None:
            # Another device may have been taken while the client was away.
            self._change_rate(self._resumed_rate)
            self._resumed_rate = None
        try:
            samples = self._chain.push(message)
        except PartialFrame as error:
            # The client's count and ours differ from here on: no position would be true.
            raise InvalidRequest(f"{error}.") from error
        except NonFinite as error:
            samples = self._chain.push_silence(error.frames)
            self._say(refuse(InputError(f"{error}."))[0])
        self._feed.push(samples)
        self._examine(samples, self._chain.seconds_of(message))
        if self._chunk_watch.is_armed and not self._ledger.is_withholding:
            self._chunk_watch.grew(self._ledger.end)

    def _change_rate(self, sample_rate: int) -> None:
        self._health.declare(sample_rate)
        self._feed.push(self._chain.change_rate(sample_rate))

    def _examine(self, samples: Int16, seconds: float) -> None:
        """Warn of what is wrong with the sound."""
        for code, text in self._health.hear(samples, seconds, self._heard_at):
            self._meter.audio_warned(code)
            self._log.info("client warned", code=str(code))
            self._say(Warn(code, text))

    def _say(self, message: ServerMessage) -> None:
        self._downlink.say(message)

    # The provider's side; the uplink calls these.

    def uplink_event(self, event: Event) -> None:
        """Hand on what the provider said."""
        match event:
            case Opened(session_id):
                self._log.info("upstream opened", upstream_session_id=session_id)
                self._allow_for_last_words()
            case Passed():
                self._say(self._translator.translate(event))
            case Final():
                self._chronicle.say(event)
                self._time_segment(event)
            case Complaint(text):
                self._log.warning("upstream refused a message", text=text)
            case SegmentDue():
                self._feed.commit(Cause.RELAY)
            case Failed(error):
                self._end(error)

    def _time_segment(self, final: Final) -> None:
        seconds = self._segment_watch.answered(final.commit.position, perf_counter())
        if seconds is not None:
            self._meter.speech_to_final(seconds)

    def uplink_queued(self, place: Place) -> None:
        """Tell the client where it stands in the queue."""
        wait = place.estimated_wait
        self._say(Queued(place.position, None if wait is None else round(wait * 1000)))

    def uplink_has_slot(self) -> None:
        """Begin the time for what was said while waiting, if `stop` came meanwhile."""
        self._allow_for_last_words()

    def uplink_reconnecting(self, attempt: int, delay: float, reason: str) -> None:
        """Tell the client that it will take a little longer."""
        self._say(UpstreamReconnecting(attempt, round(delay * 1000), reason))

    def uplink_restored(self, replayed: float) -> None:
        """Tell the client that it goes on, with so many seconds of audio sent once more."""
        self._say(UpstreamRestored(round(replayed * 1000)))

    def uplink_gap(self, begin: int, end: int, reason: str) -> None:
        """Tell the client of a stretch that nothing will cover."""
        self._say(self._translator.gap(begin, end, reason))

    def _allow_for_last_words(self) -> None:
        """Give `stop` its time from now on; before, the provider could not answer it."""
        if self._finishing is not None and self._waits_for_slot:
            backlog = self._ledger.samples / self._config.wire_format.rate
            self._finish_by = self._loop.time() + self._config.stop_timeout + backlog

    def uplink_moved(self) -> None:
        """Go on: something came from the provider, or may be sent to it."""
        try:
            self._advance()
        except Exception as error:
            self.uplink_crashed(error)

    def uplink_crashed(self, error: BaseException) -> None:
        """End the session by an exception, which would else vanish in the event loop."""
        if not self._ending.done():
            self._ending.set_exception(error)

    def _advance(self) -> None:
        """Hand on what the provider said, and send it what it may have now."""
        if self._feed.committed != self._committed:
            self._committed = self._feed.committed
            self._segment_watch.ended(self._committed, perf_counter())
        self._uplink.advance()
        if not self._ledger.is_full:
            self._room.set()
        if self._move_from is not None and self._finishing is None:
            self._move_on(self._move_from)
        if self._finishing is not None and self._uplink.is_settled and not self._is_awaited:
            self._end(self._finishing)

    @property
    def _is_awaited(self) -> bool:
        """Whether a client that is away may still come back for its last words."""
        is_away = self._waits_for_client and not self._downlink.is_attached
        return is_away and not self._is_parked_too_long(self._loop.time())

    def _is_parked_too_long(self, now: float) -> bool:
        return now >= self._downlink.absent_since + self._config.park_seconds

    def _move_on(self, move_from: int) -> None:
        has_ended = self._feed.committed > move_from or not self._feed.uncommitted
        if has_ended:
            self._downstream.end()  # what comes from here on is the next owner's
            if self._uplink.is_settled:
                self._end(Moved(round(random.uniform(0, MOVE_SPREAD) * 1000)))  # noqa: S311  # jitter

    # Time, and the end.

    async def _watch_clock(self) -> None:
        frames = 0
        while True:
            await asyncio.sleep(TICK)
            now = self._loop.time()
            if frames == self._chain.frames_received:
                self._feed.flush()
            frames = self._chain.frames_received
            self._chronicle.acknowledge(now)
            self._uplink.tick(now)
            self._chunk_watch.arm(self._ledger.end)
            self._advance()
            if self._ledger.is_full or self._terms.must_wait or not self._downlink.is_attached:
                self._heard_at = now  # it is us who don't listen
            if self._is_parked_too_long(now):
                self._waits_for_client = False
                self._finish(Finished("parked_too_long", CloseCode.ENDED))
                self._advance()
            self._watch_move(now)
            self._obey(self._terms.watch(now - self._began_at))
            if now - self._heard_at >= self._config.idle_timeout:
                self._finish(Finished("idle", CloseCode.IDLE))
                self._advance()
            is_waiting = not self._uplink.is_open and self._waits_for_slot
            is_late = now >= self._finish_by and not self._uplink.is_settled
            if self._finishing is not None and not is_waiting and is_late:
                self._uplink.give_up()
                self._advance()

    def _watch_move(self, now: float) -> None:
        if self._move_from is None or now < self._move_by:
            return
        if now >= self._move_by + MOVE_TIMEOUT - PAUSE_TIMEOUT:
            self._end(Moved(0))
        elif self._feed.committed == self._move_from and self._feed.uncommitted:
            self._feed.commit(Cause.RELAY)
            self._advance()

    def _obey(self, verdict: Verdict) -> None:
        """Say or do what the session's terms ask for."""
        match verdict:
            case Notice(code, text):
                self._say(Warn(code, text))
            case LimitExceeded():
                self._meter.limit_hit(verdict.limit, "session")
                failure, close_code = refuse(verdict)
                self._finish(Refused(close_code, failure.error_type, failure))
                self._advance()

    def _finish(
        self,
        ending: Finished | Refused,
        *,
        timeout: float | None = None,
        waits_for_slot: bool = True,
    ) -> None:
        """Send everything up, and end when every commit is answered.

        Args:
            ending: What the client is told then; the first that is given counts.
            timeout: Seconds for the last final; by default what a backlog needs.
            waits_for_slot: Whether these seconds begin when there is a place at the provider.
        """
        if self._finishing is not None:
            return
        self._waits_for_slot = waits_for_slot
        self._downstream.end()
        self._feed.push(self._chain.flush())
        self._feed.end()
        backlog = self._ledger.samples / self._config.wire_format.rate
        timeout = self._config.stop_timeout + backlog if timeout is None else timeout
        self._finish_by = self._loop.time() + timeout
        self._finishing = ending
        self._allowed.set()  # nothing is taken any more that would have to be reserved

    def _end(self, ending: Ending) -> None:
        if isinstance(self._finishing, Refused) and isinstance(ending, RelayError):
            # What the client did wrong stays the reason, whatever the provider does now.
            ending = self._finishing
        if not self._ending.done():
            self._ending.set_result(ending)
            # A socket that is about to open breaks now, which is no news to anybody.
            self._uplink.close()

    async def _part(self, ending: Ending) -> None:
        """Say the last words to both sides."""
        messages, code = self._translator.last_words(ending)
        for message in messages:
            if isinstance(message, AudioGap):
                seconds = self._seconds_between(message.from_sample, message.to_sample)
                self._meter.gap(message.reason, seconds)
            self._say(message)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._uplink.aclose(), name="close upstream")
            leaving = self._downlink.part(code, waits=not isinstance(ending, Taken))
            group.create_task(leaving, name="close downstream")


def _between(events: Sequence[str], after: int, until: int) -> list[str]:
    """Those whose numbers are greater than `after`, and not greater than `until`."""
    return [event for event in events if after < msgspec.json.decode(event)["seq"] <= until]
