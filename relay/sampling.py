"""Looks at a worker from time to time, so that what is looked at needs to count nothing itself."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from relay.errors import RelayError, StateUnavailable
from relay.limits.limiter import Limiter
from relay.metrics import Exchange, Metrics
from relay.metrics.figures import SPAN, tally
from relay.metrics.values import merge, write_exposition
from relay.registry import FigureHistory
from relay.sessions import LiveSessions
from relay.upstream.breaker import Breaker

SAMPLE_INTERVAL: Final = 1.0
"""Seconds between two looks at the sessions, which other workers see."""

LAG_INTERVAL: Final = 0.25
"""Seconds between two looks at how late timers are."""

PROBE_INTERVAL: Final = 5.0
"""Seconds between two questions to Redis and the database."""

UPSTREAM_INTERVAL: Final = 60.0
"""Seconds between two connections to the provider, and before the first: they are its own."""

FIGURES_DELAY: Final = 0.25
"""Seconds after a span's end at which it is written down, by a clock that others may have set a
little differently."""

STATM: Final = Path("/proc/self/statm")
PAGE_BYTES: Final = 4096

Check = Callable[[], Awaitable[None]]
"""Raises a `RelayError` if something can't be used."""

_log = structlog.get_logger("relay.metrics")


class Sampler:
    """Keeps a worker's gauges true, and puts them together with those of the other workers."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        sessions: LiveSessions,
        breaker: Breaker,
        limiter: Limiter,
        checks: Mapping[str, Check],
        check_upstream: Check,
        certificate_end: Callable[[], float | None],
        figures: FigureHistory,
        folder: Path | None = None,
    ) -> None:
        """Call `run` beside the sessions.

        Args:
            metrics: Of this worker.
            sessions: Of this worker.
            breaker: Of this worker.
            limiter: Knows the budget of everybody together.
            checks: By what they look at: Redis and the database.
            check_upstream: Connects to the provider.
            certificate_end: Of the provider, as that has shown it; seconds since 1970.
            figures: Told what this worker counts, for charts of all workers.
            folder: Shared with the other workers of this host, if there are any.
        """
        self._metrics = metrics
        self._sessions = sessions
        self._breaker = breaker
        self._limiter = limiter
        self._checks = checks
        self._check_upstream = check_upstream
        self._certificate_end = certificate_end
        self._figures = figures
        self._exchange = None if folder is None else Exchange(folder)
        self._cpu_seconds = 0.0
        self._can_publish = True

    async def run(self) -> None:
        """Look until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch_lag(), name="watch the event loop")
                group.create_task(self._probe_upstream(), name="probe the provider")
                budget = _every(PROBE_INTERVAL, self._look_at_budget)
                group.create_task(budget, name="look at the budget")
                group.create_task(self._keep_figures(), name="keep figures")
                for name, check in self._checks.items():
                    probing = _every(PROBE_INTERVAL, partial(self._probe, name, check))
                    group.create_task(probing, name=f"probe {name}")
                if self._exchange is not None:
                    publishing = _every(SAMPLE_INTERVAL, partial(self._publish, self._exchange))
                    group.create_task(publishing, name="publish metrics")
        finally:
            if self._exchange is not None:
                self.sample()
                with suppress(OSError):
                    self._exchange.publish(self._metrics.values(), time.monotonic())
                self._exchange.close()

    async def expose(self) -> bytes:
        """What all workers of this host have counted, in Prometheus's text format."""
        self.sample()
        parts = [self._metrics.values()]
        if self._exchange is not None:
            others = await asyncio.to_thread(self._exchange.others, time.monotonic())
            # This one has come round, or it wouldn't be here.
            self._metrics.set(
                "event_loop_stalled_seconds", max(0.0, others.stillest - SAMPLE_INTERVAL)
            )
            parts = [self._metrics.values(), *others.live, others.departed]
        return write_exposition(merge(parts))

    def sample(self) -> None:
        """Look at everything that can be looked at without asking anybody."""
        metrics, sessions = self._metrics, self._sessions
        states: Counter[str] = Counter()
        outbox_bytes = ledger_bytes = 0
        for bridge in sessions.bridges():
            states[bridge.state] += 1
            outbox_bytes += bridge.outbox_bytes
            ledger_bytes += bridge.ledger_bytes
            metrics.session_used(bridge, bridge.consumption())
        metrics.set_states(states)
        metrics.set("sessions_limit", sessions.limit)
        metrics.set("outbox_bytes", outbox_bytes)
        metrics.set("ledger_bytes", ledger_bytes)
        metrics.set("usage_unwritten_rows", sessions.unwritten_rows)
        metrics.set("upstream_breakers_open", self._breaker.is_open)
        metrics.set("event_loop_tasks", len(asyncio.all_tasks()))
        cpu_seconds = time.process_time()
        metrics.count("cpu_seconds_total", by=cpu_seconds - self._cpu_seconds)
        self._cpu_seconds = cpu_seconds
        with suppress(OSError):  # there is none elsewhere than on Linux
            pages = int(STATM.read_text().split()[1])
            metrics.set("resident_memory_bytes", pages * PAGE_BYTES)

    async def _publish(self, exchange: Exchange) -> None:
        self.sample()
        values = self._metrics.values()
        try:
            # A disk may take its time, and sessions have none to wait.
            await asyncio.to_thread(exchange.publish, values, time.monotonic())
            self._can_publish = True
        except OSError as error:
            if self._can_publish:
                _log.warning("other workers can't see this one's metrics", text=str(error))
            self._can_publish = False

    async def _keep_figures(self) -> None:
        before = self._metrics.values()
        while True:
            span = int(time.time() // SPAN)
            await asyncio.sleep((span + 1) * SPAN + FIGURES_DELAY - time.time())
            self.sample()
            now = self._metrics.values()
            try:
                await self._figures.add(span, tally(before, now))
            except StateUnavailable:
                pass  # the chart has a gap then, and others say why
            except Exception:
                _log.exception("figures could not be written down")
            before = now

    async def _watch_lag(self) -> None:
        while True:
            # Not the loop's own clock, which stands still while a callback runs.
            due = time.monotonic() + LAG_INTERVAL
            await asyncio.sleep(LAG_INTERVAL)
            self._metrics.observe("event_loop_lag_seconds", time.monotonic() - due)

    async def _probe(self, name: str, check: Check) -> None:
        begin, is_up = time.monotonic(), False
        try:
            with suppress(RelayError):
                await check()
                is_up = True
        finally:
            self._metrics.set("dependency_up", is_up, name)
            self._metrics.observe("dependency_probe_seconds", time.monotonic() - begin, name)

    async def _probe_upstream(self) -> None:
        # Workers that start together don't connect together.
        interval = UPSTREAM_INTERVAL * random.uniform(1, 1.2)  # noqa: S311  # jitter
        await asyncio.sleep(interval)
        await _every(interval, self._look_at_upstream)

    async def _look_at_upstream(self) -> None:
        await self._probe("upstream", self._check_upstream)
        if (end := self._certificate_end()) is not None:
            self._metrics.set("certificate_end_timestamp_seconds", end, "upstream")

    async def _look_at_budget(self) -> None:
        with suppress(StateUnavailable):
            if (budget := await self._limiter.budget()) is not None:
                self._metrics.set("budget_seconds", budget[0])
                self._metrics.set("budget_used_seconds", budget[1])


async def _every(interval: float, act: Callable[[], Awaitable[None]]) -> None:
    """Act again and again; a fault of ours is logged and costs one turn, never a session."""
    while True:
        try:
            await act()
        except Exception:
            _log.exception("metrics could not be taken")
        await asyncio.sleep(interval)
