"""Judges what is stored, beside the sessions: neither audio nor storing waits for it.

What is to be judged waits in the database (`relay.store.analyses`), so an analyser that is away, or
a worker that dies, only delays it. Each analyser has a loop of its own, so none waits for another.
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final, Protocol

import structlog

from relay.analysis.moderation import read_answer, write_request
from relay.analysis.posting import Poster, PostFailed
from relay.analysis.retrying import JUDGING, Retries, pause
from relay.analysis.scores import Score, TextAnalyser
from relay.errors import StoreUnavailable
from relay.meter import Meter
from relay.store.analyses import Analyses, Finding, Waiting

POLL_INTERVAL: Final = 2.0
"""Seconds between two looks for what other workers left; what this one stored it is told of."""

GATHER_INTERVAL: Final = 1.0
"""Seconds between a look that found all there was and the next one: what comes meanwhile is judged
together, in three transactions however much it is."""

RETRY_INTERVAL: Final = 2.0
"""Seconds between two attempts while the database is away."""

BACKLOG_INTERVAL: Final = 5.0
"""Seconds between two looks at how much waits."""

LOCAL_TIMEOUT: Final = 5.0
"""Seconds that the lists have for a segment; they take a millisecond."""

MARGIN: Final = 30.0
"""Seconds beyond an analyser's time before another worker takes its segments."""

TOO_LONG: Final = 413
"""What a service answers when it will never take this text."""

FAULTY: Final = (400, 422)
"""What it answers then too, but also to every text if its model is misspelt."""

_log = structlog.get_logger("relay.analysis")


class Analyser(Protocol):
    """Somebody who judges texts, and may take a while."""

    @property
    def name(self) -> str: ...
    @property
    def timeout(self) -> float:
        """Seconds that it has for one."""

    @property
    def at_once(self) -> int:
        """How many it may be given at once."""

    async def scores(self, text: str, language: str | None) -> Sequence[Score]:
        """Judge a text; cancelling is safe.

        Raises:
            PostFailed: If it can't, now or ever.
        """

    async def aclose(self) -> None: ...


class InThread:
    """An analyser that computes, in a thread of its own: the loop carries audio."""

    timeout: Final = LOCAL_TIMEOUT
    at_once: Final = 64

    def __init__(self, analyser: TextAnalyser) -> None:
        self._analyser = analyser
        # One: texts of all sessions are judged one after the other, whatever they take.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="analysis")

    @property
    def name(self) -> str:
        return self._analyser.name

    async def scores(self, text: str, language: str | None) -> Sequence[Score]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._analyser.analyse, text, language)

    async def aclose(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


class Moderation:
    """An analyser that asks a service in the moderation format."""

    name: Final = "http"
    at_once: Final = 4

    def __init__(self, poster: Poster, model: str | None) -> None:
        self._poster = poster
        self._model = model

    @property
    def timeout(self) -> float:
        return self._poster.timeout

    async def scores(self, text: str, language: str | None) -> Sequence[Score]:
        answer = await self._poster.post(write_request(text, self._model))
        try:
            return read_answer(answer)
        except ValueError as error:
            raise PostFailed(str(error)) from None

    async def aclose(self) -> None:
        await self._poster.aclose()


class Analysing:
    """One worker's share of the judging; call `run` beside its sessions."""

    def __init__(
        self,
        analyses: Analyses,
        analysers: Sequence[Analyser],
        *,
        thresholds: Mapping[str, float],
        is_told: bool,
        meter: Meter,
        poll_interval: float = POLL_INTERVAL,
        gather_interval: float = GATHER_INTERVAL,
        retries: Retries = JUDGING,
    ) -> None:
        """Judge with `analysers`.

        Args:
            analyses: What waits.
            analysers: Of different names.
            thresholds: From which score on a flag is raised, by kind; other kinds are left out.
            is_told: Whether raised flags are queued for the webhook.
            meter: Is told what happens.
            poll_interval: Seconds.
            gather_interval: Seconds.
            retries: Of a segment.
        """
        self._analyses = analyses
        self._analysers = analysers
        self._thresholds = thresholds
        self._is_told = is_told
        self._meter = meter
        self._poll_interval = poll_interval
        self._gather_interval = gather_interval
        self._retries = retries
        self._stored = {each.name: asyncio.Event() for each in analysers}
        self._are_away: set[str] = set()
        self._have_judged: set[str] = set()

    @property
    def names(self) -> Sequence[str]:
        """Of those who judge."""
        return [each.name for each in self._analysers]

    def wake(self) -> None:
        """Look now: something was stored."""
        for event in self._stored.values():
            event.set()

    async def run(self) -> None:
        """Judge until cancelled; what was taken then is another worker's later."""
        try:
            await self._forget_others()
            async with asyncio.TaskGroup() as group:
                for analyser in self._analysers:
                    group.create_task(self._keep_judging(analyser), name=f"judge {analyser.name}")
                if self._analysers:
                    group.create_task(self._watch_backlog(), name="watch what waits to be judged")
        finally:
            for analyser in self._analysers:
                await analyser.aclose()

    async def _forget_others(self) -> None:
        try:
            await self._analyses.forget_others(self.names)
        except StoreUnavailable:
            _log.debug("what waits for former analysers is kept until the next start")
        except Exception as error:
            # The worker has sessions, which this must not end. Its text might quote what was said.
            _log.error("former analysers can't be forgotten", error=type(error).__name__)

    async def _keep_judging(self, analyser: Analyser) -> None:
        failures = 0
        stored = self._stored[analyser.name]
        while True:
            stored.clear()
            wait = self._poll_interval
            try:
                taken, judged = await self.judge_some(analyser)
            except StoreUnavailable:
                wait = RETRY_INTERVAL  # storing says so in the log
            except Exception as error:
                # Its text might quote what was said.
                _log.error("segments can't be judged", error=type(error).__name__)
                wait = RETRY_INTERVAL
            else:
                failures = failures + 1 if taken and not judged else 0
                if failures:
                    await asyncio.sleep(pause(failures))
                if taken:
                    if taken < analyser.at_once:
                        await asyncio.sleep(self._gather_interval)
                    continue
            await _wait_for(stored, wait)

    async def judge_some(self, analyser: Analyser) -> tuple[int, int]:
        """Take a few segments and judge them.

        Returns:
            How many were taken, and how many of them were judged.

        Raises:
            StoreUnavailable: If the database can't be asked; they are taken again later.
        """
        some = await self._analyses.take(
            analyser.name,
            datetime.now(UTC),
            lasts=analyser.timeout + MARGIN,
            limit=analyser.at_once,
        )
        if not some:
            return 0, 0
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._judge(analyser, each)) for each in some]
        outcomes = [task.result() for task in tasks]
        findings = [each for each in outcomes if isinstance(each, Finding)]
        if findings:
            await self._record(analyser, findings)
        for waiting, outcome in zip(some, outcomes, strict=True):
            if isinstance(outcome, PostFailed):
                await self._try_later(analyser, waiting, outcome)
        return len(some), len(findings)

    async def _judge(self, analyser: Analyser, waiting: Waiting) -> Finding | PostFailed:
        if not waiting.text:
            # It was taken back, and with it goes what was found in it.
            return Finding(waiting, {}, frozenset())
        begin = monotonic()
        try:
            async with asyncio.timeout(analyser.timeout):
                scores = await analyser.scores(waiting.text, waiting.language)
        except PostFailed as error:
            return error
        except Exception as error:
            return PostFailed(type(error).__name__)
        self._have_judged.add(analyser.name)
        self._meter.segment_judged(analyser.name, monotonic() - begin)
        wanted = {each.kind: each.value for each in scores if each.kind in self._thresholds}
        raised = {kind for kind, score in wanted.items() if score >= self._thresholds[kind]}
        return Finding(waiting, wanted, frozenset(raised))

    async def _record(self, analyser: Analyser, findings: Sequence[Finding]) -> None:
        written = await self._analyses.record(
            analyser.name, findings, datetime.now(UTC), is_told=self._is_told
        )
        for finding in written:
            for kind in finding.raised:
                self._meter.flag_raised(analyser.name, kind)
        if analyser.name in self._are_away:
            self._are_away.discard(analyser.name)
            _log.info("an analyser is back", analyser=analyser.name)

    async def _try_later(self, analyser: Analyser, waiting: Waiting, error: PostFailed) -> None:
        now = datetime.now(UTC)
        age = (now - waiting.created_at).total_seconds()
        delay = self._retries.delay(waiting.attempt, age, error.retry_after)
        if delay is None or self._is_refused_for_good(analyser, error):
            self._meter.judging_failed(analyser.name, is_final=True)
            _log.error(
                "a segment is not judged",
                analyser=analyser.name,
                session_id=waiting.transcript_id,
                reason=error.reason,
            )
            await self._analyses.give_up(waiting)
            return
        self._meter.judging_failed(analyser.name, is_final=False)
        if analyser.name not in self._are_away:
            self._are_away.add(analyser.name)
            _log.warning("an analyser fails", analyser=analyser.name, reason=error.reason)
        await self._analyses.postpone(waiting, now + timedelta(seconds=delay))

    def _is_refused_for_good(self, analyser: Analyser, error: PostFailed) -> bool:
        if error.status in FAULTY:
            # Who has judged others since the start doesn't mean our settings but this text.
            return analyser.name in self._have_judged
        return error.status == TOO_LONG

    async def _watch_backlog(self) -> None:
        while True:
            for analyser in self._analysers:
                try:
                    count, since = await self._analyses.backlog([analyser.name])
                except StoreUnavailable:
                    continue
                except Exception as error:
                    _log.error("what waits can't be counted", error=type(error).__name__)
                    continue
                age = (datetime.now(UTC) - since).total_seconds() if since else 0.0
                self._meter.segments_wait(analyser.name, count, max(0.0, age))
            await asyncio.sleep(BACKLOG_INTERVAL)


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
