"""One system under one load: from its first session to the proof that everything arrived."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from bench import proof
from bench.load import Load
from bench.provider import Provider
from bench.systems import Running, System

FEW: Final = 20
"""Sessions with which a server is warmed up, and by which its price is guessed."""

SHARE: Final = 0.7
"""Of its core that a server is to be busy."""

NEARLY: Final = 0.94
"""Of a share that counts as having reached it."""

LOAD_SHARE: Final = 0.75
"""Of its core that the load takes at most, or it would measure itself."""

MOST: Final = 1_400
"""Sessions at once that the load and the provider carry together on one core."""

DRAIN: Final = 0.5
"""Seconds in which what was sent arrives."""

STOP_TIMEOUT: Final = 10.0
"""Seconds in which a server that was told so has sent everything and closed."""

MOST_BUSY: Final = 0.9
"""Share of its core that the load may take; beyond it, it measures itself."""


@dataclass(frozen=True)
class Sample:
    """What a server took over some seconds."""

    sessions: int
    begin: float
    end: float
    cpu: float
    """Seconds of processor time."""
    memory: int
    """Bytes at the end."""
    ledger: int
    """Bytes of audio that no final covered, where the server keeps those, at their most: what was
    freed since then isn't given back to the system."""
    load_busy: float
    """Share of the other core that the load and the provider took."""

    @property
    def busy(self) -> float:
        """Share of a core."""
        return self.cpu / (self.end - self.begin)

    @property
    def price(self) -> float:
        """Seconds of processor time per second of a session."""
        return self.busy / self.sessions


@dataclass
class Run:
    """A server and its load."""

    server: Running
    load: Load
    speaking: asyncio.Task[None]

    async def sample(self, seconds: float) -> Sample:
        """Watch for so long."""
        own = time.process_time()
        begin, before = time.perf_counter(), self.server.cpu()
        kept = 0
        while time.perf_counter() < begin + seconds:
            kept = max(kept, self.load.ledger_bytes)
            await asyncio.sleep(seconds / 40)
        end, after = time.perf_counter(), self.server.cpu()
        return Sample(
            sessions=len(self.load.clients),
            begin=begin,
            end=end,
            cpu=after - before,
            memory=self.server.memory(),
            ledger=kept if self.server.keeps_audio else 0,
            load_busy=(time.process_time() - own) / (end - begin),
        )

    async def grow(self, sessions: int) -> None:
        """Open sessions until there are so many, as far as the load carries them."""
        await self.load.open(max(0, min(sessions, MOST) - len(self.load.clients)))

    async def grow_until_busy(self, share: float, guess: Sample) -> None:
        """Open sessions until the server is about so busy, or the load as busy as it may be."""
        # A server that waits for work has more of it in one go as it gets busier, so the price of
        # a few is too high: what it says is believed step by step.
        for part in (0.7, 0.9, 1.0, 1.0):
            for_load = guess.sessions * LOAD_SHARE / guess.load_busy
            await self.grow(round(part * min(share / guess.price, for_load)))
            await asyncio.sleep(0.5)
            guess = await self.sample(1.2)
            if guess.busy > NEARLY * share or guess.load_busy > NEARLY * LOAD_SHARE:
                break

    def latency(self, sample: Sample) -> proof.Latency:
        """Of what arrived in it."""
        return proof.measure(self.load.clients, self.load.message_ms, sample.begin, sample.end)

    async def faults(self, sample: Sample) -> list[str]:
        """End it; why what was measured doesn't count, if it doesn't.

        A server that knows `stop` is told so by every client, and then no sample may be missing.
        """
        self.speaking.cancel()
        lost = self.load.lost
        if self.server.knows_stop:
            for client in self.load.clients:
                client.stop()
            await _until(lambda: all(not each.is_open for each in self.load.clients), STOP_TIMEOUT)
        else:
            await asyncio.sleep(DRAIN)
        found = proof.faults(self.load, sample.begin, sample.end, is_flushed=self.server.knows_stop)
        if lost:
            found.append(f"{lost} connections broke")
        if sample.load_busy > MOST_BUSY:
            found.append(f"the load itself was {sample.load_busy:.0%} busy")
        likeness = proof.likeness(self.load.clients[0])
        if likeness < proof.LEAST_LIKENESS:
            found.append(f"what arrived is like what was said by {likeness:.2f}")
        return found


async def _until(is_so: Callable[[], bool], seconds: float) -> None:
    end = time.perf_counter() + seconds
    while not is_so() and time.perf_counter() < end:  # noqa: ASYNC110  # picows calls back
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(system: System, provider: Provider, message_ms: int) -> AsyncIterator[Run]:
    """Start a server, and let clients speak as they are opened; at the end they all leave."""
    provider.inflows.clear()
    async with system(provider) as server:
        load = Load(server.url, provider, message_ms, server.headers)
        async with asyncio.TaskGroup() as group:
            speaking = group.create_task(load.run())
            gc.collect()
            gc.disable()
            try:
                yield Run(server, load, speaking)
            finally:
                gc.enable()
                speaking.cancel()
        for client in load.clients:
            if client.transport is not None:
                client.transport.disconnect(graceful=False)
