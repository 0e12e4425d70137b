"""The provider's side of one session: its place, its socket, and when it is sent what."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Protocol, TypeAlias

from structlog.typing import FilteringBoundLogger

from relay.bridge_config import BridgeConfig
from relay.dialler import Dialler
from relay.errors import UpstreamError, UpstreamRejected, UpstreamUnavailable
from relay.latencies import ChunkWatch
from relay.limits.slots import Place
from relay.lines import Line, Lines, Upstream, is_ready
from relay.meter import Meter
from relay.scribe.parameters import Parameters
from relay.succession import Succession
from relay.upstream.breaker import Breaker
from relay.upstream.finals import Final
from relay.upstream.history import History
from relay.upstream.ledger import Ledger
from relay.upstream.recovery import Break, Recovery, Stretch
from relay.upstream.session import (
    MIN_COMMIT,
    REPLAY_SPEED,
    Event,
    Failed,
    Opened,
    SegmentDue,
    UpstreamSession,
)
from relay.upstream_slot import Slot, UpstreamSlot

HOLDS_AFTER = 10.0
"""Seconds after which an open session at the provider counts as one that holds."""

Connect: TypeAlias = Callable[[Line, Parameters], Awaitable[Upstream]]
"""Opens a socket to the provider for a line, with the options the session was granted.

Raises:
    UpstreamError: If that fails.
"""


DISCOURAGED = UpstreamUnavailable(
    "upstream_unavailable", "The speech service can't be reached. Connect again.", 2.0
)
"""What a session ends with that never got its turn to try."""


class UplinkHost(Protocol):
    """The session that an uplink serves, which is told what happens at the provider."""

    def uplink_event(self, event: Event) -> None: ...
    def uplink_queued(self, place: Place) -> None: ...
    def uplink_has_slot(self) -> None: ...
    def uplink_reconnecting(self, attempt: int, delay: float, reason: str) -> None: ...
    def uplink_restored(self, replayed: float) -> None: ...
    def uplink_gap(self, begin: int, end: int, reason: str) -> None: ...
    def uplink_moved(self) -> None: ...
    def uplink_crashed(self, error: BaseException) -> None: ...


class Uplink:
    """Keeps the provider's side of a session going; everything that decides is in `upstream`."""

    def __init__(
        self,
        host: UplinkHost,
        ledger: Ledger,
        parameters: Parameters,
        *,
        connect: Connect,
        slot: Slot,
        breaker: Breaker,
        config: BridgeConfig,
        seconds_at: Callable[[float], float],
        redact: Callable[[str], str],
        meter: Meter,
        watch: ChunkWatch,
        log: FilteringBoundLogger,
        segments: int = 0,
    ) -> None:
        """Serve `host`; call `run` beside it.

        Args:
            host: Told what the provider says.
            ledger: What is to be sent.
            parameters: Which the session was granted.
            connect: Opens sockets.
            slot: The session's claim to a place at the provider.
            breaker: The worker's.
            config: The relay's.
            seconds_at: Session seconds of a position, for word times.
            redact: Takes secrets out of texts that came from the provider.
            meter: The worker's.
            watch: Told when the chunk that it watches is sent.
            log: The session's.
            segments: Told of so far; the next one gets this number.
        """
        self._host = host
        self._ledger = ledger
        self._parameters = parameters
        self._dialler = Dialler(
            lambda line: connect(line, parameters),
            breaker,
            timeout=config.opening_timeout,
            meter=meter,
        )
        self._slot = UpstreamSlot(slot, host.uplink_queued)
        self._config = config
        self._loop = asyncio.get_running_loop()
        self._seconds_at = seconds_at
        self._redact = redact
        self._meter = meter
        self._watch = watch
        self._log = log
        self._history = History(segments)
        self._recovery = Recovery(
            speed=REPLAY_SPEED,
            chunk=config.chunk_ms / 1000,
            padding=MIN_COMMIT,
            random=random.random,
        )
        self._lines = Lines(self._new_line)
        self._succession = Succession(
            self,
            self._lines,
            ledger,
            self._dialler,
            slot,
            limit=config.upstream_session_limit,
            meter=meter,
            log=log,
        )
        self._resting: Line | None = None
        self._is_resting = False
        self._heard_end = 0
        self._heard_at = 0.0
        self._broken = asyncio.Event()
        self._has_audio = asyncio.Event()
        self._delay = 0.0
        self._needs_audio = False
        self._failed_since: float | None = None
        self._failure: str = Break.LOST
        self._opened_at = 0.0
        self._error: UpstreamError | None = None
        self._is_given_up = False
        self._resume: asyncio.TimerHandle | None = None

    @property
    def is_queued(self) -> bool:
        """Whether it waits for a place at the provider."""
        return self._slot.is_queued

    @property
    def is_open(self) -> bool:
        """Whether the provider takes audio."""
        return is_ready(self._lines.current)

    @property
    def is_resting(self) -> bool:
        """Whether there is no socket, since there was nothing to say for long."""
        return self._is_resting

    @property
    def is_settled(self) -> bool:
        """Whether all there was to say is sent, answered and handed on."""
        return self._lines.is_settled

    @property
    def samples_sent(self) -> int:
        """Samples sent to the provider, inserted silence included."""
        return self._history.samples_sent

    @property
    def samples_inserted(self) -> int:
        """Silence among them that the relay put in."""
        return self._history.samples_inserted

    @property
    def samples_replayed(self) -> int:
        """Samples of the client's that were sent again."""
        return self._history.samples_replayed

    async def run(self) -> None:
        """Take a place at the provider, and keep a session open there until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_open(), name="keep a socket open")
            group.create_task(self._succession.run(), name="roll over")

    def advance(self) -> None:
        """Hand on what the provider said, and send it what it may have now."""
        lines = self._lines
        for event in lines.leaving.session.events_received() if lines.leaving else ():
            self._hand_on_last(event)
        if lines.part():
            self._succession.turn()
        for event in lines.current.session.events_received():
            self._hand_on(event)
        for event in lines.ahead.session.events_received() if lines.ahead else ():
            self._succession.take(event)
        self._succession.keep_ahead_alive(self._loop.time())
        self._succession.roll()
        self.send()

    def send(self) -> None:
        """Send the provider what it may have now; enough where nothing came from it."""
        if self._needs_audio and self._ledger.has_unsent:
            self._has_audio.set()
        now = self._loop.time()
        while (line := self._lines.current).is_writable:
            message = line.session.message_to_send(now)
            if message is None:
                # A socket that isn't writable says by itself when it is again.
                self._send_again(line.session.resume_at)
                break
            assert line.connection is not None
            line.connection.send(message)
            if self._ledger.reached >= self._watch.until:
                # Not the loop's clock, which stands still while a message is worked on.
                self._meter.added_latency(self._watch.handed_on(perf_counter()))
            self._succession.roll()
            if not self._lines.current.session.has_unsent:
                break

    def tick(self, now: float) -> None:
        """Do what time asks for; then call `advance`."""
        for line in self._lines:
            if not line.is_held:  # what it waits for may be here already
                line.session.tick(now)
        self._rest_if_quiet(now)
        if self._failed_since is None:
            return
        if self.is_open:
            if now - self._opened_at >= HOLDS_AFTER:
                self._failed_since = None
                self._recovery.settle()
        elif self._needs_audio and not self._has_audio.is_set():
            self._failed_since = now  # nothing is tried before there is something to say
        elif now - self._failed_since >= self._config.outage_limit:
            assert self._error is not None
            self._host.uplink_event(Failed(self._error, Break.LOST))

    def introduce(self, text: str) -> None:
        """Tell the provider what was said before the session; call it before the first audio."""
        self._history.introduction = text

    def give_up(self) -> None:
        """Wait no longer for the last words; then call `advance`."""
        self._is_given_up = True
        (self._lines.leaving or self._lines.current).session.give_up()

    def close(self) -> None:
        """Send and receive nothing any more."""
        if self._resume is not None:
            self._resume.cancel()
        self._dialler.abandon()
        self._lines.close()

    async def aclose(self) -> None:
        """Close the sockets."""
        await self._lines.aclose()

    async def _keep_open(self) -> None:
        while True:
            if await self._slot.take():
                self._host.uplink_has_slot()
            is_retry = self._failed_since is not None
            if self._dialler.is_discouraged and not is_retry:
                self._begin_outage(DISCOURAGED)
                self._host.uplink_reconnecting(1, 0.0, str(Break.LOST))
            await self._dialler.until_allowed(self._lines.current, is_retry=is_retry)
            await self.succession_dial(self._lines.current)
            await self._broken.wait()
            self._broken.clear()
            if self._resting is not None:
                await self._lines.hang_up(self._resting)
                self._resting = None
                await self._slot.give_back()
            if self._needs_audio:
                await self._has_audio.wait()
            self._is_resting = False
            await asyncio.sleep(self._delay)

    # The succession calls these.

    async def succession_dial(self, line: Line) -> None:
        """Connect a line; what fails is an event of it."""
        failed = await self._dialler.dial(line)
        if failed is not None and line is self._lines.current:
            self._fail(failed)
        elif failed is not None and line is self._lines.ahead:
            self._succession.take(failed)
        elif failed is None:
            self._host.uplink_moved()

    def succession_segment_due(self) -> None:
        """Let the session end its segment."""
        self._host.uplink_event(SegmentDue())

    def succession_reopen(self) -> None:
        """Connect the current line now."""
        self._delay, self._needs_audio = 0.0, False
        self._broken.set()

    def succession_moved(self) -> None:
        """Let the session go on sending."""
        self._host.uplink_moved()

    def _new_line(self) -> Line:
        session = UpstreamSession(
            self._ledger,
            wire_format=self._config.wire_format,
            is_timed=self._parameters.wants_timed_message,
            extras=self._parameters.extra_messages,
            commit_timeout=self._config.commit_timeout,
            seconds_at=self._seconds_at,
            redact=self._redact,
            history=self._history,
            speed=self._recovery.speed,
            max_chunk=self._recovery.chunk,
            min_commit=self._recovery.padding,
        )
        return Line(session, self._host, clock=self._loop.time, log=self._log)

    def _hand_on_last(self, event: Event) -> None:
        """Hand on what the socket says that leaves; its end is no news if it has said all."""
        leaving = self._lines.leaving
        if not isinstance(event, Failed) or (leaving and not leaving.session.has_answered):
            self._hand_on(event)

    def _hand_on(self, event: Event) -> None:
        match event:
            case Failed() if not self._is_given_up:
                self._fail(event)
                return
            case Failed():
                self._meter.upstream_failed(event.reason)
            case Opened():
                self._opened_at = self._heard_at = self._loop.time()
                self._dialler.succeeded(self._lines.current)
                if self._failed_since is not None:
                    replayed = self._ledger.reached - self._ledger.covered
                    if replayed:
                        self._meter.upstream_replays(self._failure)
                    self._host.uplink_restored(replayed / self._config.wire_format.rate)
            case Final():
                self._failed_since = None
                self._recovery.succeed()
        self._host.uplink_event(event)

    def _fail(self, failed: Failed) -> None:
        """Open a new socket in place of one that failed, if that can help."""
        self._dialler.failed(self._lines.current)
        self._meter.upstream_failed(failed.reason)
        if isinstance(failed.error, UpstreamRejected):
            self._host.uplink_event(failed)
            return
        reopening = self._recovery.fail(failed.reason, self._stretch())
        self._log.warning(
            "upstream broke",
            reason=failed.reason,
            text=str(failed.error),
            attempt=reopening.attempt,
        )
        if reopening.leaves_out:
            self._host.uplink_gap(*self._ledger.leave_out(), failed.reason)
        self._ledger.rewind()
        self._dialler.abandon()
        self._lines.replace()
        self._succession.turn()
        self._begin_outage(failed.error)
        self._failure = failed.reason
        self._meter.upstream_reopens(failed.reason)
        self._delay, self._needs_audio = reopening.delay, reopening.needs_audio
        self._has_audio.clear()
        self._host.uplink_reconnecting(reopening.attempt, reopening.delay, failed.reason)
        self._broken.set()

    def _rest_if_quiet(self, now: float) -> None:
        """Close the socket if there was nothing worth sending for long."""
        if self._ledger.end != self._heard_end:
            self._heard_end, self._heard_at = self._ledger.end, now
        limit, session = self._config.quiet_seconds, self._lines.current.session
        is_quiet = self._ledger.is_withholding or now - self._heard_at >= limit
        if not limit or not is_quiet or not self.is_open or self._ledger.peek() is not None:
            return
        if not session.is_between_segments:
            self._host.uplink_event(SegmentDue())
        elif self.is_settled:
            self._log.info("upstream closed while it is quiet")
            self._meter.upstream_rests()
            self._resting, self._is_resting = self._lines.rest(), True
            self._delay, self._needs_audio = 0.0, True
            self._failed_since = None
            self._has_audio.clear()
            self._succession.turn()
            self._broken.set()

    def _begin_outage(self, error: UpstreamError) -> None:
        self._error = error
        if self._failed_since is None:
            self._failed_since = self._loop.time()

    def _stretch(self) -> Stretch | None:
        if not self._ledger.has_sent:
            return None
        rate, commit = self._config.wire_format.rate, self._ledger.first_commit
        return Stretch(
            self._ledger.covered / rate,
            None if commit is None else commit / rate,
            self._ledger.sent / rate,
        )

    def _send_again(self, at: float | None) -> None:
        if at is not None and self._resume is None:
            self._resume = self._loop.call_at(at, self._resume_sending)

    def _resume_sending(self) -> None:
        self._resume = None
        self._host.uplink_moved()
