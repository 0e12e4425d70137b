"""What is measured, one question each; every answer is plain data for JSON."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import numpy as np

from bench import runs, systems
from bench.load import SENTENCE
from bench.proof import Latency
from bench.provider import Provider
from bench.runs import FEW, SHARE, Run, Sample, running
from bench.systems import RedisUse, Relay, System

MESSAGES: Final = (20, 50, 100)
"""Milliseconds of audio in a client's message."""

SYSTEMS: Final[dict[str, System]] = {
    "floor": systems.floor,
    "relay": Relay(),
    "relay, voice activity": Relay(query="sample_rate=48000&commit_strategy=vad"),
    "node": systems.node,
    "pipecat": systems.pipecat,
}

RELAYS: Final = ("floor", "relay", "node", "pipecat")
"""Those that differ in more than an option."""

SIZES: Final = (20, 50, 100, 200)
"""Milliseconds of audio in a client's message, for what the length alone costs."""

ALIKE: Final = 120
"""Sessions of which each has the same number, where what one costs is compared; as many as the load
carries with the shortest messages."""

STEPS: Final = (10, 40, 160, 320)
"""Numbers of sessions for which their price is looked at, before the most that a core carries."""

WARM_UP: Final = 1.5
GUESS: Final = 2.0
MEASURE: Final = 5.0
"""Seconds: of each part of a run; what is measured is as long as a sentence."""

Answer = dict[str, Any]


def _milli(latency: Latency) -> Answer:
    return {name: round(value, 3) for name, value in vars(latency).items()}


def _answer(sample: Sample, faults: list[str]) -> Answer:
    return {
        "sessions": sample.sessions,
        "busy": round(sample.busy, 3),
        "load_busy": round(sample.load_busy, 3),
        "cpu_us": round(sample.price * 1e6, 1),
        "void": faults,
    }


async def busy_core(name: str, message_ms: int, provider: Provider) -> Answer:
    """A system with as many sessions as take 70 % of its core."""
    async with running(SYSTEMS[name], provider, message_ms) as run:
        await run.grow(FEW)
        await asyncio.sleep(WARM_UP)
        few = await run.sample(GUESS)
        await run.grow_until_busy(SHARE, few)
        sample = await run.sample(MEASURE)
        latency = run.latency(sample)
        faults = await run.faults(sample)
        if latency.p99 > message_ms:
            faults.append("audio piled up: the next message came before the last had gone on")
        return {
            **_answer(sample, faults),
            "sessions_per_core": round(1 / sample.price),
            "latency_ms": _milli(latency),
            "memory_kb": round(_memory(few, sample) / 1000, 1),
        }


def _memory(few: Sample, many: Sample) -> float:
    """Bytes that a session takes beside its uncommitted audio."""
    grown = (many.memory - many.ledger) - (few.memory - few.ledger)
    return grown / max(1, many.sessions - few.sessions)


async def first_audio(name: str, provider: Provider, times: int = 30) -> Answer:
    """Seconds from beginning to connect until the first audio is at the provider."""
    async with running(SYSTEMS[name], provider, 100) as run:
        await run.grow(1)
        taken = []
        for _ in range(times):
            known, begin = len(provider.inflows), time.perf_counter()
            client = await run.load.connect()
            for _ in range(3):
                client.speak()  # what was said while it connected
            await _until_heard(provider, known)
            taken.append(provider.inflows[known].times[0] - begin)
            assert client.transport is not None
            client.transport.disconnect(graceful=False)
        p50, p99 = np.quantile(taken, (0.5, 0.99))
        return {"p50_ms": round(p50 * 1000, 2), "p99_ms": round(p99 * 1000, 2)}


async def _until_heard(provider: Provider, index: int) -> None:
    async with asyncio.timeout(10):
        while len(provider.inflows) <= index or not provider.inflows[index].times:  # noqa: ASYNC110  # picows calls back
            await asyncio.sleep(0.0005)


async def openings(name: str, provider: Provider, number: int = 200, at_once: int = 16) -> Answer:
    """How many sessions can be opened in a second, audio at the provider included."""
    async with running(SYSTEMS[name], provider, 100) as run:
        await run.grow(1)
        known = len(provider.inflows)
        waiting = iter(range(number))

        async def open_some() -> None:
            for _ in waiting:
                client = await run.load.connect()
                for _ in range(3):
                    client.speak()

        cpu, begin = run.server.cpu(), time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(open_some())
        async with asyncio.timeout(20):
            while sum(bool(each.times) for each in provider.inflows[known:]) < number:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        seconds = time.perf_counter() - begin
        spent = run.server.cpu() - cpu
        return {
            "per_second": round(number / seconds, 1),
            "cpu_ms": round(spent / number * 1000, 2),
        }


async def growth(name: str, provider: Provider, steps: tuple[int, ...] = STEPS) -> Answer:
    """What a session costs as there are more of them, up to what one core carries."""
    points = []
    async with running(SYSTEMS[name], provider, 100) as run:
        for sessions in steps:
            await run.grow(sessions)
            await asyncio.sleep(0.7)
            points.append(await _point(run))
        sample = points[-1][1]
        while sample.busy < 0.93 and not points[-1][0]["void"]:
            await run.grow(max(sample.sessions + 10, round(0.96 / sample.price)))
            await asyncio.sleep(0.7)
            points.append(await _point(run))
            sample = points[-1][1]
            if len(points) > len(steps) + 3:
                break
        sound = [sample for point, sample in points if not point["void"]]
        faults = await run.faults(sound[-1])
    return {"points": [point for point, _ in points], "void": faults}


async def _point(run: Run) -> tuple[Answer, Sample]:
    sample = await run.sample(2.5)
    busy = f"the load itself was {sample.load_busy:.0%} busy"
    faults = [busy] if sample.load_busy > runs.MOST_BUSY else []
    return {**_answer(sample, faults), "latency_ms": _milli(run.latency(sample))}, sample


async def size(name: str, message_ms: int, provider: Provider, sessions: int = ALIKE) -> Answer:
    """What a session costs with messages of another length."""
    async with running(SYSTEMS[name], provider, message_ms) as run:
        await run.grow(sessions)
        await asyncio.sleep(1.0)
        sample = await run.sample(2.0)
        return _answer(sample, await run.faults(sample))


async def workers(number: int, provider: Provider, sessions: int = 100) -> Answer:
    """What a session costs where several processes share a core: what sharing itself costs."""
    async with running(Relay(workers=number), provider, 100) as run:
        await run.grow(sessions)
        await asyncio.sleep(WARM_UP)
        before = {pid: systems.cpu_of(pid) for pid in run.server.pids()}
        sample = await run.sample(4.0)
        spent = {pid: systems.cpu_of(pid) - seconds for pid, seconds in before.items()}
        latency = run.latency(sample)  # before all end: their last chunks have other lengths
        return {
            **_answer(sample, await run.faults(sample)),
            "latency_ms": _milli(latency),
            "memory_mb": round(run.server.memory() / 1e6),
            "shares": sorted(round(each / max(sample.cpu, 1e-9), 2) for each in spent.values()),
        }


async def soak(provider: Provider, sessions: int = 60, sentences: int = 8) -> Answer:
    """Whether memory or price grow while sessions go on."""
    async with running(Relay(), provider, 100) as run:
        await run.grow(sessions)
        await asyncio.sleep(10.0)  # until each has kept as much as it ever does
        samples = [await run.sample(SENTENCE) for _ in range(sentences)]
        faults = await run.faults(samples[-1])
    at = np.array([each.end for each in samples])
    memory = np.array([each.memory - each.ledger for each in samples])
    price = np.array([each.price for each in samples])
    return {
        **_answer(samples[-1], faults),
        "memory_kb_per_session_minute": round(
            float(np.polyfit(at, memory, 1)[0]) * 60 / sessions / 1000, 2
        ),
        "cpu_percent_per_minute": round(
            float(np.polyfit(at, price, 1)[0] / price.mean()) * 6000, 1
        ),
    }


async def redis_use(provider: Provider, few: int = 20, many: int = 140) -> Answer:
    """What sessions ask of Redis, while they are opened and while they go on.

    A worker asks for something whatever it has; what a session adds, two numbers of them tell.
    """
    async with running(Relay(), provider, 100) as run:
        redis = run.server.redis
        assert redis is not None
        await run.grow(few)
        await asyncio.sleep(WARM_UP)
        first, _ = await _redis_minute(run, redis)
        before = redis.calls()
        await run.load.open(many - few)
        opened = _difference(before, redis.calls())
        await asyncio.sleep(WARM_UP)
        second, sample = await _redis_minute(run, redis)
        names = sorted(second["commands"])
        added = {
            name: (second["commands"][name] - first["commands"].get(name, 0)) / (many - few)
            for name in names
        }
        each = {
            name: (second[name] - first[name]) / (many - few) for name in ("calls", "all", "cpu")
        }
        return {
            **_answer(sample, await run.faults(sample)),
            "opening": {name: round(n / (many - few), 1) for name, n in opened.items()},
            "per_session_minute": {name: round(n, 1) for name, n in added.items() if n > 0.05},
            "calls_per_session_minute": round(each["calls"], 1),
            "commands_per_session_minute": round(each["all"], 1),
            "commands_per_worker_minute": round(first["all"] - few * each["all"]),
            "commands_per_opening": round(sum(opened.values()) / (many - few), 1),
            "redis_cpu_us_per_session_second": round(each["cpu"] / 60 * 1e6, 1),
        }


async def _redis_minute(run: Run, redis: RedisUse) -> tuple[Answer, Sample]:
    """What is asked of Redis in a minute, from some seconds of it."""
    before, cpu, called = redis.calls(), redis.cpu(), redis.called()
    sample = await run.sample(MEASURE)
    share = (sample.end - sample.begin) / 60
    commands = _difference(before, redis.calls())
    asked: Answer = {
        "commands": {name: n / share for name, n in commands.items()},
        "all": sum(commands.values()) / share,
        "calls": (redis.called() - called) / share,
        "cpu": (redis.cpu() - cpu) / share,
    }
    return asked, sample


def _difference(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    grown = {name: calls - before.get(name, 0) for name, calls in after.items()}
    return {name: calls for name, calls in sorted(grown.items()) if calls}


Step = tuple[str, str, Callable[[Provider], Awaitable[Answer]]]


def steps() -> list[Step]:
    """All of them: section, name, and what to call."""
    return [
        *(
            (f"messages of {message_ms} ms", name, partial(busy_core, name, message_ms))
            for message_ms in MESSAGES
            for name in SYSTEMS
            if name in RELAYS or message_ms == max(MESSAGES)
        ),
        *(("first audio", name, partial(first_audio, name)) for name in RELAYS),
        *(("openings", name, partial(openings, name)) for name in RELAYS),
        *(("growth", name, partial(growth, name)) for name in ("floor", "relay")),
        *(
            ("sizes", f"{name} {message_ms}", partial(size, name, message_ms))
            for name in ("floor", "relay")
            for message_ms in SIZES
        ),
        *(("workers", str(number), partial(workers, number)) for number in (1, 2)),
        ("redis", "relay", redis_use),
        ("soak", "relay", soak),
    ]
