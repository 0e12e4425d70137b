"""One session that is disturbed, and what becomes of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.chaos.chaos_client import ChaosClient, Log, Speech
from tests.chaos.judge import Evidence, Verdict, judge
from tests.chaos.rig import Rig
from tests.chaos.rows import MOMENT, TABLE, Row, Scene
from tests.chaos.stored import find_unstored
from tests.support.signals import identifiable_noise

TIME: Final = 110.0
"""Seconds that a session has; whatever isn't told by then is lost."""

RATES: Final = (16_000, 44_100, 48_000)
MESSAGES: Final = (0.01, 0.02, 0.05, 0.1, 0.25)
"""Seconds in one message."""


@dataclass(frozen=True)
class Plan:
    """One session: what happens to it, and what is said meanwhile."""

    name: str
    rows: tuple[Row, ...]
    seed: int
    moments: tuple[float, ...]
    """When each row happens."""
    rate: int = 48_000
    message: float = 0.05
    """Seconds in one."""
    shows: tuple[str, ...] = ()
    """What the client must hear; of rows at random nobody knows whether they meet the session."""
    is_random: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of it."""

    plan: Plan
    verdict: Verdict
    log: Log
    faults: Sequence[str] = ()
    """Errors in the relays' logs."""
    unstored: Sequence[str] = ()
    """What the database has otherwise than the client heard it."""

    @property
    def defects(self) -> list[str]:
        """What is wrong, in words; empty if nothing is."""
        found = [f"{count} {name}" for name, count in self.verdict.defects.items()]
        if self.log.lost:
            found.append(self.log.lost)
        found += [f"log: {line}" for line in self.faults]
        found += self.unstored
        return found + [f"no {each}" for each in self.plan.shows if not self.log.of(each)]


def plan_row(row: Row, seed: int) -> Plan:
    """The row as the table has it; seeds other than 0 move it a little."""
    moment = MOMENT if seed == 0 else Random(seed).uniform(0.3, row.seconds / 2)
    return Plan(row.name, (row,), seed, (moment,), shows=(row.shows,) if row.shows else ())


def plan_at_random(seed: int, *, with_slow: bool = False) -> Plan:
    """Draw one or two rows, when they happen, and how is spoken."""
    random = Random(seed)
    able = [row for row in TABLE if with_slow or not row.is_slow]
    first = random.choice(able)
    others = [row for row in able if row is not first and not row.needs & first.needs]
    rows = (first, *random.sample(others, random.choice((0, 1, 1))))
    return Plan(
        f"random {seed}: {' + '.join(row.name for row in rows)}",
        rows,
        seed,
        tuple(random.uniform(0.2, 3.5) for _ in rows),
        random.choice(RATES),
        random.choice(MESSAGES),
        is_random=True,
    )


async def run(rig: Rig, plan: Plan) -> Outcome:
    """Speak while it happens, and judge."""
    await rig.prepare()
    random = Random(plan.seed)
    speech = _speech(plan, random)
    hosts = max((row.hosts for row in plan.rows), key=len)
    client = ChaosClient(rig.urls(hosts), rig.key, speech, random)
    for row, moment in zip(plan.rows, plan.moments, strict=True):
        rig.simulator.faults.add(*row.faults(moment))
    try:
        async with asyncio.timeout(TIME), asyncio.TaskGroup() as group:
            happening = [
                group.create_task(_happen(row, Scene(rig, client, moment, random)))
                for row, moment in zip(plan.rows, plan.moments, strict=True)
            ]
            await client.run()
            if not client.has_ended:
                # What waits for a moment of the session would wait for ever.
                client.started.set()
            await asyncio.gather(*happening)
    except TimeoutError:
        client.log.lost = client.log.lost or f"no end within {TIME:g} s"
    except ExceptionGroup as group:
        # The other sessions are worth knowing of all the same.
        client.log.lost = f"what should happen failed: {group.exceptions[0]!r}"
    evidence = Evidence(
        rig.sockets(),
        client.log.heard,
        speech.samples,
        speech.rate,
        client.log.reconnects,
        client.has_ended,
    )
    tolerance = 1 if client.log.of("session_resumed") else 0
    verdict = judge(evidence, tolerance=tolerance)
    unstored = await find_unstored(rig.database_url, client.log.heard)
    return Outcome(plan, verdict, client.log, rig.faults(), unstored)


async def _happen(row: Row, scene: Scene) -> None:
    if row.happens is not None:
        await row.happens(scene)


def _speech(plan: Plan, random: Random) -> Speech:
    seconds = max(row.seconds for row in plan.rows)
    return Speech(
        identifiable_noise(seconds, plan.rate, seed=plan.seed),
        plan.rate,
        _commits(seconds, plan.rate, random),
        frames_per_message=round(plan.message * plan.rate),
    )


def _commits(seconds: float, rate: int, random: Random) -> Sequence[int]:
    """Ends of segments of 0.1 to 2.5 s; the last one is the stop's."""
    ends = []
    end = random.uniform(0.5, 1.5)
    while end < seconds - 0.1:
        ends.append(round(end * rate))
        end += random.uniform(0.1, 2.5)
    return ends
