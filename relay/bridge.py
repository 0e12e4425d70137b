"""One session: introduces the client's side, the audio chain and the provider's side."""

import asyncio
import time
from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from relay.audio.chain import AudioChain
from relay.audio.pcm import NonFinite, PartialFrame
from relay.bridge_config import BridgeConfig, Consumption
from relay.downstream.connection import ClientLeft, DownstreamConnection
from relay.downstream.outbox import Outbox
from relay.downstream.request import StreamRequest
from relay.downstream.session import DownstreamSession, Input
from relay.errors import (
    ClientError,
    InputError,
    InvalidRequest,
    LimitExceeded,
    MessageTooBig,
    RelayError,
)
from relay.limits.limiter import Grant
from relay.limits.slots import Place
from relay.limits.terms import Notice, Terms, Verdict
from relay.protocol.close_codes import CloseCode
from relay.protocol.messages import (
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
from relay.protocol.refusal import SLOW_READER, refuse
from relay.translator import Ending, Fault, Finished, Left, Refused, Translator
from relay.uplink import Connect, Slot, Uplink
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

FAREWELL_TIMEOUT = 5.0
"""Seconds that a client has to take the last messages."""


class Bridge:
    """One client's session, from its admission to its end.

    Audio is worked on where it arrives, and the provider's messages where they do: between the
    client's message and the provider's socket there is one await, the one that waits for the
    message. Tasks only read the client, write to it, connect, and watch the clock.
    """

    def __init__(
        self,
        client: DownstreamConnection,
        request: StreamRequest,
        *,
        session_id: str,
        connect: Connect,
        slot: Slot,
        breaker: Breaker,
        terms: Terms,
        config: BridgeConfig,
        redact: Callable[[str], str],
        log: FilteringBoundLogger,
    ) -> None:
        self._client = client
        self._request = request
        self._session_id = session_id
        self._terms = terms
        self._config = config
        self._log = log
        self._loop = asyncio.get_running_loop()

        rate = config.wire_format.rate
        self._chain = AudioChain(
            request.sample_rate,
            encoding=request.encoding,
            channels=request.channels,
            wire_format=config.wire_format,
            quality=config.quality,
        )
        self._ledger = Ledger(bound=round(config.ledger_seconds * rate))
        self._feed = Feed.build(
            self._ledger,
            request.parameters,
            wire_format=config.wire_format,
            chunk_ms=config.chunk_ms,
            quiet=config.quiet_seconds,
        )
        self._uplink = Uplink(
            self,
            self._ledger,
            request.parameters,
            connect=connect,
            slot=slot,
            breaker=breaker,
            config=config,
            seconds_at=self._chain.timeline.seconds_at,
            redact=redact,
            log=log,
        )
        self._outbox = Outbox(config.outbox_bytes)
        self._translator = Translator(self._chain, self._ledger)
        self._downstream = DownstreamSession(self._outbox, max_message_bytes=config.message_bytes)

        self._ending: asyncio.Future[Ending] = self._loop.create_future()
        self._mail = asyncio.Event()
        self._room = asyncio.Event()
        self._finishing: Finished | Refused | None = None
        self._finish_by = 0.0
        self._waits_for_slot = True
        self._is_expelled = False
        self._began_at = self._heard_at = self._loop.time()
        self._allowed = asyncio.Event()

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
        """`queued`, `opening`, `open` or `ending`, for people who look on."""
        if self._finishing is not None or self._ending.done():
            return "ending"
        if self._uplink.is_queued:
            return "queued"
        return "open" if self._uplink.is_open or self._uplink.is_resting else "opening"

    def consumption(self) -> Consumption:
        """What was used so far."""
        rate = self._config.wire_format.rate
        received = self._chain.timeline.seconds_of_frame(self._chain.frames_received)
        return Consumption(
            received_ms=round(received * 1000),
            sent_ms=round(self._uplink.samples_sent / rate * 1000),
            replayed_ms=round(self._uplink.samples_replayed / rate * 1000),
            silence_ms=round(self._uplink.samples_inserted / rate * 1000),
            connected_ms=round((self._loop.time() - self._began_at) * 1000),
        )

    def renew(self, grant: Grant | None) -> None:
        """Go on with a further piece of audio; None where nobody could be asked."""
        self._obey(self._terms.renew(grant, time.time()))
        if not self._terms.must_wait:
            self._allowed.set()

    def leave(self, reason: str) -> None:
        """End in order because somebody else says so: commit, await the final, close."""
        self._finish(Finished(reason, CloseCode.ENDED), waits_for_slot=False)
        self._advance()

    def expel(self, error: RelayError) -> None:
        """End soon, also what is ending already: whoever this is may no longer be here."""
        if self._is_expelled:
            return
        self._is_expelled = True
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

    async def run(self) -> Ending:
        """Serve the session until it ends; both sockets are closed on return."""
        limits = SessionLimits(self._terms.minutes_left, self._terms.max_seconds)
        self._say(SessionStarted(self._session_id, self._request.config(), limits))
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
        ending: Ending = Fault()
        try:
            async with asyncio.TaskGroup() as group:
                pumps = [
                    group.create_task(self._pump_client(), name="client to relay"),
                    group.create_task(self._pump_outbox(), name="relay to client"),
                    group.create_task(self._uplink.run(), name="provider"),
                    group.create_task(self._watch_clock(), name="clock"),
                ]
                ending = await self._ending
                for pump in pumps:
                    pump.cancel()
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

    async def _pump_client(self) -> None:
        messages = 0
        try:
            while True:
                message = await self._client.receive()
                self._heard_at = self._loop.time()
                messages += 1
                if messages % MESSAGES_AT_ONCE == 0:
                    await asyncio.sleep(0)
                await self._until_allowed(message)
                try:
                    self._receive(self._downstream.receive_message(message))
                except InputError as error:
                    self._say(refuse(error)[0])
                except (InvalidRequest, MessageTooBig) as error:
                    self._refuse(error)
                await self._until_ready(message)
        except ClientLeft as left:
            self._end(Left(left.code))

    async def _until_allowed(self, message: bytes | str) -> None:
        """Take no audio that isn't reserved; messages that steer the session need none."""
        if self._finishing is not None or not isinstance(message, bytes):
            return
        self._terms.expect(self._chain.seconds_of(message))
        while self._terms.must_wait and self._finishing is None:
            self._allowed.clear()
            await self._allowed.wait()

    async def _until_ready(self, message: bytes | str) -> None:
        """Read no further before there is room, and before it is time."""
        used = self._chain.seconds_of(message) if isinstance(message, bytes) else MESSAGE_PRICE
        if (delay := self._terms.take(used, self._loop.time())) > 0:
            await asyncio.sleep(delay)
        if self._ledger.is_full:
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
                self._feed.push(self._chain.change_rate(sample_rate))
            case Commit():
                self._feed.commit(Cause.CLIENT)
            case Mute():
                if self._feed.uncommitted:
                    self._feed.commit(Cause.CLIENT)
            case Unmute():
                pass  # audio says it as well
            case Stop():
                self._finish(Finished("stopped", CloseCode.ENDED))
        self._advance()

    def _receive_audio(self, message: bytes) -> None:
        try:
            samples = self._chain.push(message)
        except PartialFrame as error:
            # The client's count and ours differ from here on: no position would be true.
            raise InvalidRequest(f"{error}.") from error
        except NonFinite as error:
            samples = self._chain.push_silence(error.frames)
            self._say(refuse(InputError(f"{error}."))[0])
        self._feed.push(samples)

    async def _pump_outbox(self) -> None:
        try:
            while True:
                await self._send_outbox()
                self._mail.clear()
                await self._mail.wait()
        except ClientLeft as left:
            self._end(Left(left.code))

    async def _send_outbox(self) -> None:
        while (text := self._outbox.peek()) is not None:
            await self._client.send(text)
            self._outbox.pop()

    def _say(self, message: ServerMessage) -> None:
        self._downstream.send_message(message)
        self._mail.set()
        if self._outbox.is_over and not self._ending.done():
            self._log.info("client reads too slowly")
            self._end(Refused(CloseCode.FAULT, "slow_reader", SLOW_READER))

    # The provider's side; the uplink calls these.

    def uplink_event(self, event: Event) -> None:
        """Hand on what the provider said."""
        match event:
            case Opened(session_id):
                self._log.info("upstream opened", upstream_session_id=session_id)
                self._allow_for_last_words()
            case Passed() | Final():
                self._say(self._translator.translate(event))
            case Complaint(text):
                self._log.warning("upstream refused a message", text=text)
            case SegmentDue():
                self._feed.commit(Cause.RELAY)
            case Failed(error):
                self._end(error)

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

    def uplink_crashed(self, error: Exception) -> None:
        """End the session by an exception, which would else vanish in the event loop."""
        if not self._ending.done():
            self._ending.set_exception(error)

    def _advance(self) -> None:
        """Hand on what the provider said, and send it what it may have now."""
        self._uplink.advance()
        if not self._ledger.is_full:
            self._room.set()
        if self._finishing is not None and self._uplink.is_settled:
            self._end(self._finishing)

    # Time, and the end.

    async def _watch_clock(self) -> None:
        frames = 0
        while True:
            await asyncio.sleep(TICK)
            now = self._loop.time()
            if frames == self._chain.frames_received:
                self._feed.flush()
            frames = self._chain.frames_received
            if (acknowledged := self._translator.acknowledge()) is not None:
                self._say(acknowledged)
            self._uplink.tick(now)
            self._advance()
            if self._ledger.is_full or self._terms.must_wait:
                self._heard_at = now  # it is us who don't listen
            self._obey(self._terms.watch(now - self._began_at))
            if now - self._heard_at >= self._config.idle_timeout:
                self._finish(Finished("idle", CloseCode.IDLE))
                self._advance()
            is_waiting = not self._uplink.is_open and self._waits_for_slot
            if self._finishing is not None and not is_waiting and now >= self._finish_by:
                self._uplink.give_up()
                self._advance()

    def _obey(self, verdict: Verdict) -> None:
        """Say or do what the session's terms ask for."""
        match verdict:
            case Notice(code, text):
                self._say(Warn(code, text))
            case LimitExceeded():
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
        async with asyncio.TaskGroup() as group:
            group.create_task(self._uplink.aclose(), name="close upstream")
            if not isinstance(ending, Left):
                group.create_task(self._take_leave(ending), name="close downstream")

    async def _take_leave(self, ending: Ending) -> None:
        messages, code = self._translator.last_words(ending)
        for message in messages:
            self._downstream.send_message(message)
        try:
            async with asyncio.timeout(FAREWELL_TIMEOUT):
                await self._send_outbox()
                await self._client.close(code)
        except TimeoutError:
            self._log.info("client did not take the last messages")
            self._client.abort()
        except ClientLeft:
            self._log.info("client left before the last messages")
