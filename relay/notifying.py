"""Calls the operator's webhook when a segment is flagged, at least once for each time.

What is to be told waits in the database (`relay.store.deliveries`) from the transaction that raises
the flag until the webhook has answered with success, so no crash loses it.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from relay.analysis.posting import Poster, PostFailed
from relay.analysis.retrying import TELLING, Retries, pause
from relay.analysis.webhooks import MAX_TEXT, sign, write_message
from relay.errors import StoreUnavailable
from relay.meter import Meter
from relay.store.deliveries import Deliveries, Delivery

POLL_INTERVAL: Final = 1.0
"""Seconds between two looks for what is to be told."""

AT_ONCE: Final = 4
"""Messages on their way at the same time, of each worker."""

MARGIN: Final = 30.0
"""Seconds beyond the webhook's time before another worker sends a message again."""

_log = structlog.get_logger("relay.analysis")


class Notifying:
    """One worker's share of the messages; call `run` beside its sessions."""

    def __init__(
        self,
        deliveries: Deliveries,
        poster: Poster | None,
        key: bytes,
        *,
        includes_text: bool,
        meter: Meter,
        poll_interval: float = POLL_INTERVAL,
        retries: Retries = TELLING,
    ) -> None:
        """Tell whoever `poster` posts to.

        Args:
            deliveries: What waits.
            poster: None where nobody is to be told.
            key: Signs the messages.
            includes_text: Whether they hold what was said.
            meter: Is told what happens.
            poll_interval: Seconds.
            retries: Of a message.
        """
        self._deliveries = deliveries
        self._poster = poster
        self._key = key
        self._includes_text = includes_text
        self._meter = meter
        self._poll_interval = poll_interval
        self._retries = retries
        self._is_away = False

    async def run(self) -> None:
        """Tell until cancelled; what was on its way then is another worker's later."""
        if self._poster is None:
            await self._forget_all()
            return
        failures = 0
        try:
            while True:
                try:
                    taken, told = await self.tell_some(self._poster)
                except StoreUnavailable:
                    taken = told = 0
                except Exception as error:
                    # Its text might quote what was said.
                    _log.error("the webhook can't be called", error=type(error).__name__)
                    taken = told = 0
                failures = failures + 1 if taken and not told else 0
                if failures:
                    await asyncio.sleep(pause(failures))
                elif taken < AT_ONCE:
                    await asyncio.sleep(self._poll_interval)
        finally:
            await self._poster.aclose()

    async def _forget_all(self) -> None:
        try:
            await self._deliveries.forget_all()
        except StoreUnavailable:
            pass  # storing says so in the log; it is done at the next start
        except Exception as error:
            # The worker has sessions, which this must not end. Its text might quote what was said.
            _log.error("messages can't be forgotten", error=type(error).__name__)

    async def tell_some(self, poster: Poster) -> tuple[int, int]:
        """Send a few messages.

        Returns:
            How many were taken, and how many of them were received.

        Raises:
            StoreUnavailable: If the database can't be asked.
        """
        some = await self._deliveries.take(
            datetime.now(UTC), lasts=poster.timeout + MARGIN, limit=AT_ONCE
        )
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._tell(poster, each)) for each in some]
        waiting = await self._deliveries.count()
        self._meter.messages_wait(waiting)
        return len(some), sum(task.result() for task in tasks)

    async def _tell(self, poster: Poster, delivery: Delivery) -> bool:
        try:
            return await self._send(poster, delivery)
        except StoreUnavailable:
            # It is sent again then; others are on their way beside it.
            return False

    async def _send(self, poster: Poster, delivery: Delivery) -> bool:
        if not delivery.flags:
            # They were taken back: somebody has said something else since.
            await self._deliveries.done(delivery)
            return True
        body = write_message(delivery.created_at.isoformat(), self._data(delivery))
        now = datetime.now(UTC)
        headers = sign(self._key, delivery.id, int(now.timestamp()), body)
        try:
            await poster.post(body, headers)
        except PostFailed as error:
            await self._try_later(delivery, error)
            return False
        await self._deliveries.done(delivery)
        self._meter.message_sent("delivered")
        if self._is_away:
            _log.info("the webhook answers again")
        self._is_away = False
        return True

    async def _try_later(self, delivery: Delivery, error: PostFailed) -> None:
        now = datetime.now(UTC)
        age = (now - delivery.created_at).total_seconds()
        delay = self._retries.delay(delivery.attempt, age, error.retry_after)
        if delay is None:
            self._meter.message_sent("given_up")
            _log.error("the webhook is not told", id=delivery.id, reason=error.reason)
            await self._deliveries.done(delivery)
            return
        self._meter.message_sent("failed")
        if not self._is_away:
            _log.warning("the webhook fails", reason=error.reason)
        self._is_away = True
        await self._deliveries.postpone(delivery, now + timedelta(seconds=delay))

    def _data(self, delivery: Delivery) -> dict[str, Any]:
        data = {
            "session_id": delivery.transcript_id,
            "segment": delivery.number,
            "account": delivery.account,
            "kind": delivery.kind,
            "device": delivery.device,
            "language_code": delivery.language,
            "start": delivery.starts_at,
            "end": delivery.ends_at,
            "committed_at": delivery.committed_at.isoformat(),
            "flags": [
                {"kind": flag.kind, "score": flag.score, "analyser": flag.analyser}
                for flag in delivery.flags
            ],
        }
        if self._includes_text:
            data["text"] = delivery.text[:MAX_TEXT]
        return data
