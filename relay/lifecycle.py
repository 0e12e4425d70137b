"""How one session comes to its end: acts on both sides as `lifetime` decides."""

import asyncio
import random
from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from relay.bridge_config import BridgeConfig
from relay.downlink import Downlink
from relay.downstream.dialect import ClientSession
from relay.errors import ClientError, LimitExceeded, RelayError
from relay.intake import Intake
from relay.lifetime import EXPEL_TIMEOUT, MOVE_TIMEOUT, STOPPED, Departure, Lifetime
from relay.limits.terms import Notice, Terms, Verdict
from relay.meter import Meter
from relay.protocol.close_codes import CloseCode
from relay.protocol.messages import Warn
from relay.protocol.refusal import refuse
from relay.translator import Ending, Fault, Finished, Moved, Refused
from relay.uplink import Uplink
from relay.upstream.ledger import Ledger

MOVED = "moved"
"""The reason of an end where the worker leaves, and the client can't come back to another one."""

MOVE_SPREAD = 2.0
"""Seconds over which the clients of a worker that leaves are spread when they come back."""


class Lifecycle:
    """Ends a session, or lets it move: once everything is said that there is to say.

    Whatever happens to the session, `advance` it; `watch` it now and then.
    """

    def __init__(
        self,
        *,
        age: float,
        can_resume: bool,
        ledger: Ledger,
        intake: Intake,
        uplink: Uplink,
        downstream: ClientSession,
        downlink: Downlink,
        terms: Terms,
        config: BridgeConfig,
        meter: Meter,
        log: FilteringBoundLogger,
    ) -> None:
        """Begin with a session that is `age` seconds old, whose client comes back if it can."""
        self._ledger = ledger
        self._intake = intake
        self._uplink = uplink
        self._downstream = downstream
        self._downlink = downlink
        self._terms = terms
        self._config = config
        self._meter = meter
        self._can_resume = can_resume
        self._log = log
        loop = asyncio.get_running_loop()
        self._now: Callable[[], float] = loop.time
        self._began_at = loop.time() - age
        self._lifetime = Lifetime(
            now=loop.time(),
            park_seconds=config.park_seconds if can_resume else 0.0,
            idle_timeout=config.idle_timeout,
        )
        self._departure: Departure | None = None
        self._ending: asyncio.Future[Ending] = loop.create_future()
        self._is_expelled = False

    @property
    def age(self) -> float:
        """Seconds since the session began, at whatever worker."""
        return self._now() - self._began_at

    @property
    def has_ended(self) -> bool:
        return self._ending.done()

    @property
    def ending(self) -> Ending:
        """How it has ended; where its worker ends first, another one goes on with it."""
        is_known = self._ending.done() and not self._ending.cancelled()
        return self._ending.result() if is_known else Moved(0)

    @property
    def is_finishing(self) -> bool:
        """Whether nothing more is taken from the client, since it ends."""
        return self._lifetime.finishing is not None

    @property
    def is_awaited(self) -> bool:
        """Whether a client that is away may still come back, be it for its last words."""
        return self._lifetime.is_awaited(self._now(), self._downlink.absent_since)

    @property
    def may_come_back(self) -> bool:
        """Whether a client that comes back to this worker has something to come back to."""
        return not self.has_ended and self._lifetime.may_come_back

    async def wait(self) -> None:
        """Wait for the end."""
        await self._ending

    def heard(self) -> None:
        """Note that the client said something."""
        self._lifetime.heard(self._now())

    def stop(self) -> None:
        """End because the client has said all."""
        self._finish(Finished(STOPPED, CloseCode.ENDED))

    def leave(self, reason: str) -> None:
        """End in order because somebody else says so: commit, await the final, close."""
        self._finish(Finished(reason, CloseCode.ENDED))
        self._lifetime.hasten(self._now(), self._last_words_timeout)
        self.advance()

    def refuse(self, error: ClientError) -> None:
        """Say what is wrong, and end; what came before it still gets its final."""
        failure, code = refuse(error)
        self._downlink.say(failure)
        self._finish(Refused(code, failure.error_type))
        self.advance()

    def expel(self, error: RelayError) -> None:
        """End soon, also what is ending already: whoever this is may no longer be here."""
        if self._is_expelled:
            return
        self._is_expelled = True
        failure, code = refuse(error)
        self._downlink.say(failure)
        self._finish(ending := Refused(code, failure.error_type))
        self._lifetime.replace(ending)
        self._lifetime.hasten(self._now(), EXPEL_TIMEOUT)
        self.advance()

    def move(self) -> None:
        """Hand the session on to another worker, since this one leaves.

        The segment ends at the next pause; when it has its final, the client is sent elsewhere.
        """
        if self.is_finishing:
            self._lifetime.hasten(self._now(), MOVE_TIMEOUT)  # it would hold the worker up
        elif self._departure is None:
            self._departure = Departure(self._intake.committed, now=self._now())
            self._intake.hurry()
        self.advance()

    def client_left(self, *, in_order: bool) -> None:
        """Park the session, or finish it where nobody will come back."""
        if in_order or self._lifetime.is_parked_too_long(self._now(), self._downlink.absent_since):
            self._leave_for_good("left")

    def obey(self, verdict: Verdict) -> None:
        """Say or do what the session's terms ask for."""
        match verdict:
            case Notice(code, text):
                self._downlink.say(Warn(code, text))
            case LimitExceeded():
                self._meter.limit_hit(verdict.limit, "session")
                failure, close_code = refuse(verdict)
                self._finish(Refused(close_code, failure.error_type, failure))
                self.advance()

    def allow_for_last_words(self) -> None:
        """Give `stop` its time from now on; before, the provider could not answer it."""
        self._lifetime.extend(self._now(), self._last_words_timeout)

    def end(self, ending: Ending) -> None:
        """End at once."""
        finishing = self._lifetime.finishing
        if isinstance(finishing, Refused) and isinstance(ending, RelayError):
            # What the client did wrong stays the reason, whatever the provider does now.
            ending = finishing
        if not self._ending.done():
            self._ending.set_result(ending)
            # A socket that is about to open breaks now, which is no news to anybody.
            self._uplink.close()

    def crash(self, error: BaseException) -> None:
        """End by a fault of ours, which would else vanish in the event loop."""
        if not self._ending.done():
            self._log.error("session failed", exc_info=error)
            self._ending.set_result(Fault())

    def advance(self) -> None:
        """Hand on what the provider said, send it what it may have now, and end if that was all."""
        self._uplink.advance()
        self._intake.go_on()
        finishing = self._lifetime.finishing
        if finishing is None:
            self._depart()
        elif self._uplink.is_settled and not self.is_awaited:
            self.end(finishing)

    def send(self) -> None:
        """Send the provider what the client has just said, which is all there is to do mostly."""
        if self._departure is None and self._lifetime.finishing is None:
            self._uplink.send()
        else:
            self.advance()

    def watch(self) -> None:
        """Look at the clock."""
        now = self._now()
        self._watch_client(now)
        self._watch_departure(now)
        self.obey(self._terms.watch(self.age))
        is_late = self._lifetime.is_late(now, is_open=self._uplink.is_open)
        if is_late and not self._uplink.is_settled:
            self._uplink.give_up()
            self.advance()

    def _watch_client(self, now: float) -> None:
        if self._intake.is_waiting or not self._downlink.is_attached:
            self._lifetime.heard(now)  # it is us who don't listen
        if self._lifetime.is_parked_too_long(now, self._downlink.absent_since):
            self._leave_for_good("parked_too_long")
        if self._lifetime.is_idle(now):
            self._finish(Finished("idle", CloseCode.IDLE))
            self.advance()

    def _watch_departure(self, now: float) -> None:
        departure = self._departure
        if departure is None:
            return
        if departure.is_overdue(now) and self._can_resume:
            self.end(Moved(0))
        elif departure.wants_commit(self._intake.committed, self._intake.uncommitted, now):
            self._intake.commit()
            self.advance()

    def _leave_for_good(self, reason: str) -> None:
        self._lifetime.waits_no_longer()
        self._finish(Finished(reason, CloseCode.ENDED))
        self.advance()

    def _depart(self) -> None:
        """Hand the session on, if its worker leaves and its segment has ended."""
        departure = self._departure
        if departure is None:
            return
        if not departure.may_go(self._intake.committed, self._intake.uncommitted):
            return
        if not self._can_resume:
            self._finish(Finished(MOVED, CloseCode.RESTARTING))
            self._lifetime.hasten(self._now(), departure.remaining(self._now()))
            return
        self._intake.close()  # what comes from here on is the next owner's
        self._downstream.end()
        if self._uplink.is_settled:
            self.end(Moved(round(random.uniform(0, MOVE_SPREAD) * 1000)))  # noqa: S311  # jitter

    def _finish(self, ending: Finished | Refused) -> None:
        """Send everything up, and end when every commit is answered; the first ending counts."""
        if self._lifetime.finish(ending):
            self._downstream.end()
            self._intake.end()
            self._lifetime.extend(self._now(), self._last_words_timeout)

    @property
    def _last_words_timeout(self) -> float:
        """Seconds for the last final, with the time that a backlog takes."""
        backlog = self._ledger.samples / self._config.wire_format.rate
        return self._config.stop_timeout + backlog
