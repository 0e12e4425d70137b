"""What measuring costs: in the path of a message, once a second, and at a scrape.

python -m bench.metrics
"""

import asyncio
import logging
import time
import timeit
from collections.abc import Callable
from contextlib import AsyncExitStack

import structlog

from relay.audio.pcm import WireFormat
from relay.latencies import ChunkWatch
from relay.metrics.values import encode, write_exposition
from relay.sampling import Sampler
from relay.scribe.parameters import Parameters
from relay.upstream.feed import Feed
from relay.upstream.ledger import Ledger
from tests.support.relay import Relay, relay_to
from tests.support.settings import KEY
from tests.support.talk import caller, speak

from relay.simulator.server import Simulator  # isort: skip

SESSIONS = 40
"""Live while it is measured; what they cost is told for ten times as many."""

REPEATS = 50


def per_message() -> float:
    """Microseconds of all questions that a message of audio, and the chunk it completes, ask."""
    watch, ledger = ChunkWatch(), Ledger(bound=960_000)
    feed = Feed.build(
        ledger, Parameters(), wire_format=WireFormat.PCM_16000, chunk_ms=100, quiet=60.0
    )
    committed = feed.committed

    def ask() -> list[bool]:
        return [
            watch.is_armed,
            watch.is_armed and not ledger.is_withholding,
            feed.committed != committed,
            ledger.reached >= watch.until,
        ]

    def ask_nothing() -> list[bool]:
        return [False, False, False, False]

    times = [min(timeit.repeat(each, number=200_000, repeat=5)) for each in (ask, ask_nothing)]
    return (times[0] - times[1]) / 200_000 * 1e6


async def _settled() -> None:
    raise AssertionError("nothing is probed here")


def _sampler(relay: Relay) -> Sampler:
    services = relay.services
    return Sampler(
        services.metrics,
        sessions=services.sessions,
        breaker=services.breaker,
        limiter=services.limiter,
        checks={},
        check_upstream=_settled,
        certificate_end=lambda: None,
        figures=services.figures,
    )


def _median_ms(act: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        begin = time.process_time()
        act()
        times.append(time.process_time() - begin)
    return sorted(times)[REPEATS // 2] * 1000


async def per_second() -> list[tuple[str, float]]:
    """Milliseconds of processor time of what is done from time to time, with live sessions."""
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(Simulator(api_keys=(KEY,)))
        relay = await stack.enter_async_context(relay_to(simulator.url))
        sampler, metrics = _sampler(relay), relay.services.metrics
        empty = _median_ms(sampler.sample)
        for _ in range(SESSIONS):
            client = await stack.enter_async_context(caller(relay.url, relay.key))
            await client.event("session_started")
            await speak(client, 0.2, speed=None)
        full = _median_ms(sampler.sample)
        values = metrics.values()
        return [
            ("a look at 400 sessions", empty + (full - empty) * 400 / SESSIONS),
            ("writing it down for other workers", _median_ms(lambda: encode(metrics.values(), 0))),
            ("a scrape of two workers", _median_ms(lambda: write_exposition(metrics.values()))),
            ("lines in an exposition", float(len(values))),
        ]


def main() -> None:
    """Print the table of docs/operations/README.md."""
    # What the relay logs would bury it.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print("\n| | |\n|---|---|")
    print(f"| in the path of a message | {per_message():.2f} µs |")
    for what, milliseconds in asyncio.run(per_second()):
        print(f"| {what} | {milliseconds:.2f} |")


if __name__ == "__main__":
    main()
