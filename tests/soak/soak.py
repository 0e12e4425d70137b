"""A relay of two workers under load, and what it has meanwhile."""

import asyncio
import re
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.multi.cluster import Cluster, running_cluster
from tests.soak.judge import Look, Rise, judge
from tests.soak.load import Load
from tests.support.waiting import until

PARK_SECONDS: Final = 5

FAULTS: Final = ("--fault", "drop,after_samples=40000,skip=5,count=40")
"""The provider breaks some sockets."""


@dataclass(frozen=True)
class Report:
    """How it went."""

    looks: list[Look]
    rises: list[Rise]
    sessions: int
    holds_nothing: bool
    """Whether no lease, slot or record was left at the end."""

    @property
    def defects(self) -> list[str]:
        """What is wrong."""
        left = [] if self.holds_nothing else ["leases, slots or records are left"]
        return [*(str(rise) for rise in self.rises if rise.is_leak), *left]


def soak(
    seconds: float,
    *,
    sessions: int,
    length: tuple[float, float],
    interval: float,
    warm_up: float,
) -> Report:
    """Keep a relay busy.

    Args:
        seconds: For so long.
        sessions: At once.
        length: Of a session, shortest and longest, in seconds.
        interval: Seconds between two looks.
        warm_up: Share of the time that counts for nothing: pools and allocators settle within the
            first thousand sessions or so.
    """
    with running_cluster(workers=2, simulate=FAULTS, park_seconds=PARK_SECONDS) as cluster:
        return asyncio.run(_soak(cluster, seconds, sessions, length, interval, warm_up))


async def _soak(
    cluster: Cluster,
    seconds: float,
    sessions: int,
    length: tuple[float, float],
    interval: float,
    warm_up: float,
) -> Report:
    key = await cluster.key(sessions=2 * sessions, connects_per_minute=100_000)
    load = Load(cluster.url, key, sessions=sessions, length=length)
    looks: list[Look] = []

    async def look_again() -> None:
        while True:
            await asyncio.sleep(interval)
            looks.append(await asyncio.to_thread(look, cluster))

    async with asyncio.TaskGroup() as group:
        looking = group.create_task(look_again())
        await load.run(seconds)
        looking.cancel()
    try:
        await until(cluster.holds_nothing, "it", seconds=PARK_SECONDS + 20, interval=0.5)
        holds_nothing = True
    except AssertionError:
        holds_nothing = False
    rises = judge(looks, warm_up=warm_up)
    return Report(looks, rises, load.endings.total(), holds_nothing)


def look(cluster: Cluster) -> Look:
    """See what all workers of a relay have."""
    workers = [pid for host in cluster.hosts for pid in host.workers()]
    return Look(
        memory_bytes=sum(map(_resident_bytes, workers)),
        files=sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in workers),
        tasks=sum(_tasks(host.url) for host in cluster.hosts),
    )


def _resident_bytes(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def _tasks(url: str) -> int:
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        found = re.search(r"^relay_event_loop_tasks (\S+)$", answer.read().decode(), re.MULTILINE)
    assert found is not None
    return round(float(found[1]))
