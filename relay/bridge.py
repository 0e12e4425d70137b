"""One session: introduces the client's side, the audio chain and the provider's side."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from time import perf_counter

import msgspec
from structlog.typing import FilteringBoundLogger

from relay.audio.health import Finding
from relay.bridge_config import BridgeConfig, Consumption, Start
from relay.chronicle import Chronicle
from relay.comeback import Comeback
from relay.downlink import Downlink
from relay.downstream.connection import DownstreamConnection
from relay.downstream.dialect import Dialect, Input, IntroducedAudio
from relay.downstream.outbox import Outbox
from relay.downstream.request import ResumePoint, StreamRequest
from relay.errors import (
    InputError,
    InvalidRequest,
    MessageTooBig,
    RelayError,
)
from relay.intake import MESSAGE_PRICE, Intake
from relay.latencies import ChunkWatch, SegmentWatch
from relay.lifecycle import Lifecycle
from relay.limits.limiter import Grant
from relay.limits.slots import Place
from relay.limits.terms import Terms
from relay.meter import Meter
from relay.protocol.messages import (
    AudioGap,
    Queued,
    ServerMessage,
    SessionLimits,
    SessionStarted,
    Stop,
    UpstreamReconnecting,
    UpstreamRestored,
    Warn,
)
from relay.protocol.refusal import refuse
from relay.recording.recorder import Recording
from relay.registry import Tenure
from relay.translator import (
    Ending,
    Fault,
    Moved,
    Taken,
    Translator,
)
from relay.uplink import Connect, Uplink
from relay.upstream.breaker import Breaker
from relay.upstream.finals import Final
from relay.upstream.ledger import Ledger
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


class Bridge:
    """One client's session, from its admission to its end.

    Audio is worked on where it arrives, and the provider's messages where they do: between the
    client's message and the provider's socket there is no await, unless something has to be waited
    for. Tasks only read what else the client says, write to it, connect, and watch the clock.

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
        dialect: Dialect,
        recording: Recording | None,
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
        self._ledger = Ledger(bound=round(config.ledger_seconds * rate), start=start.chain.position)
        self._recording = recording
        self._intake = Intake(
            start,
            self._ledger,
            request.parameters,
            terms,
            config,
            found=self._warn,
            refused=self._refuse,
            recording=recording,
        )
        self._chunks, self._ends = ChunkWatch(), SegmentWatch()
        self._committed = self._ledger.last_commit
        self._advanced = self._ledger.made_sendable
        self._uplink = Uplink(
            self,
            self._ledger,
            request.parameters,
            connect=connect,
            slot=slot,
            breaker=breaker,
            config=config,
            seconds_at=start.chain.timeline.seconds_at,
            segments=start.segments,
            redact=redact,
            meter=meter,
            watch=self._chunks,
            log=log,
        )
        self._translator = Translator(
            start.chain, self._ledger, segments=start.segments, words=start.words
        )
        outbox = Outbox(config.outbox_bytes)
        self._downstream = dialect.session(
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
            meter=meter,
        )
        self._life = Lifecycle(
            age=start.age,
            can_resume=dialect.can_resume,
            ledger=self._ledger,
            intake=self._intake,
            uplink=self._uplink,
            downstream=self._downstream,
            downlink=self._downlink,
            terms=terms,
            config=config,
            meter=meter,
            log=log,
        )
        self._comeback = Comeback(
            outbox=outbox,
            tenure=tenure,
            terms=terms,
            intake=self._intake,
            translator=self._translator,
            downstream=self._downstream,
            downlink=self._downlink,
            chronicle=self._chronicle,
            life=self._life,
            log=log,
        )

    @property
    def session_id(self) -> str:
        return self._session_id

    @property
    def request(self) -> StreamRequest:
        """What the client was granted."""
        return self._request

    @property
    def segments(self) -> int:
        return self._translator.segments

    @property
    def state(self) -> str:
        """`queued`, `opening`, `open`, `parked` or `ending`, for people who look on."""
        if self._life.is_awaited and not self._life.has_ended:
            return "parked"
        if self._life.is_finishing or self._life.has_ended:
            return "ending"
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
        return self._life.has_ended and isinstance(self.ending, Moved | Taken | Fault)

    @property
    def ending(self) -> Ending:
        """How it has ended; where its worker ends first, another one goes on with it."""
        return self._life.ending

    @property
    def tenure(self) -> Tenure:
        """This worker's ownership of the session."""
        return self._tenure

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is wrong with its sound now."""
        return tuple(map(str, self._intake.ailments))

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
        before = self._start.consumption
        return Consumption(
            received_ms=round(self._intake.seconds * 1000),
            sent_ms=before.sent_ms + round(self._uplink.samples_sent / rate * 1000),
            replayed_ms=before.replayed_ms + round(self._uplink.samples_replayed / rate * 1000),
            silence_ms=before.silence_ms + round(self._uplink.samples_inserted / rate * 1000),
            connected_ms=round(self._life.age * 1000),
        )

    def renew(self, grant: Grant | None) -> None:
        """Go on with a further piece of audio; None where nobody could be asked."""
        self._life.obey(self._terms.renew(grant, time.time()))
        self._intake.go_on()

    def leave(self, reason: str) -> None:
        """End in order because somebody else says so: commit, await the final, close."""
        self._life.leave(reason)

    def expel(self, error: RelayError) -> None:
        """End soon, also what is ending already: whoever this is may no longer be here."""
        self._life.expel(error)

    def move(self) -> None:
        """Hand the session on to another worker, since this one leaves."""
        self._meter.session_moves()
        self._life.move()

    def taken(self) -> None:
        """Let go of the session at once: another worker owns it."""
        self._life.end(Taken())

    def greet(self, resume_token: str | None) -> None:
        """Say that the session has begun; without a token where nobody can come back to it."""
        limits = SessionLimits(self._terms.minutes_left, self._terms.max_seconds)
        config = self._request.config()
        recorded = msgspec.UNSET if self._recording is None else True
        self._say(SessionStarted(self._session_id, config, limits, resume_token, recorded))
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

    async def run(self) -> None:
        """Keep the session until it ends; then, or where this is cancelled, `part`."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._guard(self._uplink.run()), name="provider"),
                    group.create_task(self._guard(self._watch_clock()), name="clock"),
                ]
                await self._life.wait()
                for task in tasks:
                    task.cancel()
        finally:
            self._uplink.close()

    async def part(self) -> None:
        """Say the last words to both sides; both sockets are closed on return."""
        ending = self.ending
        self._intake.settle()  # what came counts as having come
        if self._recording is not None:
            self._recording.end(is_over=not self.is_handed_over)
        messages, code = self._translator.last_words(ending)
        for message in messages:
            if isinstance(message, AudioGap):
                self._meter.gap(message.reason, self._translator.seconds_of(message))
            self._say(message)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._uplink.aclose(), name="close upstream")
            leaving = self._downlink.part(code, waits=not isinstance(ending, Taken))
            group.create_task(leaving, name="close downstream")
        self._log.info(
            "session ended",
            ending=type(ending).__name__,
            text=str(ending) if isinstance(ending, RelayError) else None,
            samples_received=self._intake.frames,
            samples_sent=self._uplink.samples_sent,
            segments=self._translator.segments,
        )

    async def _guard(self, running: Awaitable[None]) -> None:
        try:
            await running
        except Exception as error:
            self._life.crash(error)

    async def _watch_clock(self) -> None:
        frames = 0
        while True:
            await asyncio.sleep(TICK)
            if frames == self._intake.frames:
                self._intake.flush()
            else:
                self._life.heard()  # once a second is enough for audio
            frames = self._intake.frames
            now = self._loop.time()
            self._chronicle.acknowledge(now)
            if self._recording is not None:
                self._recording.flush()
            self._committed = self._ledger.last_commit  # whenever that was
            self._chunks.arm(self._ledger.end)
            self._uplink.tick(now)
            self._life.advance()
            self._life.watch()

    # The client's side.

    async def serve(self, client: DownstreamConnection) -> None:
        """Speak with the client until its connection or the session ends."""
        self._life.heard()
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
        await self._comeback.to_its_worker(point, request.sample_rate)
        self._meter.session_resumed()
        await self.serve(client)

    async def take_over(self, point: ResumePoint) -> None:
        """Begin with a client whose session was another worker's, before `serve`."""
        await self._comeback.to_another(
            point,
            self._request.sample_rate,
            gap=self._start.gap,
            is_timed=self._request.parameters.wants_timed_message,
        )

    async def downlink_message(self, message: bytes | str) -> None:
        """Take in one message; return when the next one may be read."""
        await self._intake.until_free()  # before it counts as having come: this may be cancelled
        if self._chunks.is_armed:
            # Not the loop's clock, which stands still while a message is worked on.
            self._chunks.came(perf_counter())
        self._life.heard()
        seconds = MESSAGE_PRICE
        try:
            taken = self._downstream.receive_message(message)
            seconds = self._intake.price(taken)
            await self._intake.until_allowed(taken, seconds)
            self._receive(taken)
        except InputError as error:
            self._refuse(error)
        except (InvalidRequest, MessageTooBig) as error:
            self._life.refuse(error)
        await self._intake.until_ready(seconds)

    def downlink_audio(self, message: bytes) -> bool:
        """Take in audio at once, unless something is to be waited for; whether it was."""
        if self._chunks.is_armed:
            self._chunks.came(perf_counter())
        try:
            if self._downstream.receive_message(message) is not message:
                return False
            if not self._intake.take_now(message):
                return False
        except InvalidRequest as error:
            self._life.refuse(error)
        except (InputError, MessageTooBig):
            return False  # nothing has changed yet
        self._follow()
        return True

    def downlink_left(self, *, in_order: bool) -> None:
        """Park the session, or finish it where nobody will come back."""
        self._meter.client_left()
        self._log.info("client left", in_order=in_order)
        self._life.client_left(in_order=in_order)

    def downlink_lost(self) -> None:
        """Let go of the session."""
        self.taken()

    def downlink_crashed(self, error: BaseException) -> None:
        """End the session."""
        self._life.crash(error)

    def _receive(self, message: Input) -> None:
        try:
            if isinstance(message, Stop):
                self._life.stop()
            else:
                if isinstance(message, IntroducedAudio):
                    self._uplink.introduce(message.previous_text)
                self._intake.take(message)
        finally:
            if isinstance(message, bytes):
                self._follow()
            else:
                self._watch()
                self._life.advance()

    def _follow(self) -> None:
        """Go on after audio, if it has made something to send; short messages mostly haven't."""
        if self._ledger.made_sendable != self._advanced:
            self._advanced = self._ledger.made_sendable
            self._watch()
            self._life.send()

    def _watch(self) -> None:
        """See whether a chunk that is to be measured is complete, and a segment has ended."""
        if self._chunks.is_armed and not self._ledger.is_withholding:
            self._chunks.grew(self._ledger.end)
        if self._ledger.last_commit != self._committed:
            self._committed = self._ledger.last_commit
            self._ends.ended(self._committed, perf_counter())

    def _warn(self, finding: Finding) -> None:
        """Warn of what is wrong with the sound."""
        self._meter.audio_warned(finding.ailment)
        self._log.info("client warned", code=str(finding.ailment))
        self._say(Warn(finding.ailment, finding.text))

    def _refuse(self, error: InputError) -> None:
        """Say of a message that it can't be used; the session goes on without it."""
        self._say(refuse(error)[0])

    def _say(self, message: ServerMessage) -> None:
        self._downlink.say(message)

    # The provider's side; the uplink calls these.

    def uplink_event(self, event: Event) -> None:
        """Hand on what the provider said."""
        match event:
            case Opened(session_id):
                self._log.info("upstream opened", upstream_session_id=session_id)
                self._life.allow_for_last_words()
            case Passed():
                self._say(self._translator.translate(event))
            case Final():
                self._chronicle.say(event)
                if (
                    seconds := self._ends.answered(event.commit.position, perf_counter())
                ) is not None:
                    self._meter.speech_to_final(seconds)
            case Complaint(text):
                self._log.warning("upstream refused a message", text=text)
            case SegmentDue():
                self._intake.commit()
                self._watch()
            case Failed(error):
                self._life.end(error)

    def uplink_queued(self, place: Place) -> None:
        """Tell the client where it stands in the queue."""
        wait = place.estimated_wait
        self._say(Queued(place.position, None if wait is None else round(wait * 1000)))

    def uplink_has_slot(self) -> None:
        """Begin the time for what was said while waiting, if `stop` came meanwhile."""
        self._life.allow_for_last_words()

    def uplink_reconnecting(self, attempt: int, delay: float, reason: str) -> None:
        """Tell the client that it will take a little longer."""
        self._say(UpstreamReconnecting(attempt, round(delay * 1000), reason))

    def uplink_restored(self, replayed: float) -> None:
        """Tell the client that it goes on, with so many seconds of audio sent once more."""
        self._say(UpstreamRestored(round(replayed * 1000)))

    def uplink_gap(self, begin: int, end: int, reason: str) -> None:
        """Tell the client of a stretch that nothing will cover."""
        self._chronicle.give_up(self._translator.gap(begin, end, reason))

    def uplink_moved(self) -> None:
        """Go on: something came from the provider, or may be sent to it."""
        try:
            self._life.advance()
        except Exception as error:
            self._life.crash(error)

    def uplink_crashed(self, error: BaseException) -> None:
        """End the session."""
        self._life.crash(error)
