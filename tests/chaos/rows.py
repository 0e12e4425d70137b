"""The fault table: what happens to a session, and when."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from relay.scribe.errors import ErrorType
from relay.simulator.faults import Fault, FaultKind
from relay.upstream.recovery import REMEDIES
from tests.chaos.chaos_client import ChaosClient
from tests.chaos.rig import Rig
from tests.support.proxy import Direction

SCRIBE_RATE: Final = 16_000
"""Hz, of what the simulator counts."""

SLOW_FROM: Final = 9.0
"""Seconds of speech from which a row is no part of the short form."""

RECONNECTING: Final = "upstream_reconnecting"
RESUMED: Final = "session_resumed"

MOMENT: Final = 1.2
"""Seconds after the begin at which things happen, unless chance says otherwise."""


@dataclass(frozen=True)
class Scene:
    """What a row has before it."""

    rig: Rig
    client: ChaosClient
    moment: float
    """Seconds after the session's begin."""
    random: Random

    async def reach(self, moment: float) -> None:
        """Wait until the session is so old."""
        await self.client.started.wait()
        await asyncio.sleep(moment)


Happening = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True)
class Row:
    """One way in which a session is disturbed."""

    name: str
    faults: Callable[[float], Sequence[Fault]] = lambda moment: ()
    """What the provider does, to the connections from the session's first on."""
    happens: Happening | None = None
    """What happens beside it."""
    seconds: float = 4.0
    """Of speech."""
    hosts: tuple[int, ...] = (0,)
    """Which the client knows, in the order in which it tries them."""
    shows: str = ""
    """What the client must hear, since else nothing has happened at all."""

    @property
    def needs(self) -> frozenset[str]:
        """What a second row must not take away meanwhile.

        A new owner knows a session from Redis alone. With Redis emptied and the owner dead at once,
        nobody is left who has it. And no relay starts without its database.
        """
        starts = "restart" in self.name
        takes_redis = "Redis" in self.name or len(self.hosts) > 1 or starts
        named = {"redis": takes_redis, "database": "database" in self.name or starts}
        return frozenset(name for name, is_so in named.items() if is_so)

    @property
    def is_slow(self) -> bool:
        return self.seconds > SLOW_FROM


def _samples(seconds: float) -> int:
    return round(seconds * SCRIBE_RATE)


def _reset_at(moment: float) -> Fault:
    return Fault(FaultKind.DROP, after_samples=_samples(moment))


def _line_cut(seconds: float) -> Happening:
    async def happens(scene: Scene) -> None:
        await scene.reach(scene.moment)
        for line in scene.rig.lines:
            line.refuse(seconds)
            line.cut()

    return happens


async def _cut_once(scene: Scene) -> None:
    await scene.reach(scene.moment)
    scene.rig.lines[0].cut()


async def _upstream_cut(scene: Scene) -> None:
    await scene.reach(scene.moment)
    scene.rig.upstream.cut()


async def _terminate(scene: Scene) -> None:
    await scene.reach(scene.moment)
    if scene.rig.hosts[0].is_running:
        scene.rig.hosts[0].terminate()


async def _kill(scene: Scene) -> None:
    await scene.reach(scene.moment)
    scene.rig.kill(0)


def _restart(end: Callable[[Rig], None]) -> Happening:
    """The only worker ends, and is started again; clients know no other."""

    async def happens(scene: Scene) -> None:
        await scene.reach(scene.moment)
        end(scene.rig)
        host = scene.rig.hosts[0]
        await asyncio.to_thread(host.wait)
        await asyncio.to_thread(host.start)

    return happens


async def _kill_then_reset(scene: Scene) -> None:
    await scene.reach(scene.moment)
    # The next connection to the provider is the new owner's.
    scene.rig.simulator.faults.add(_reset_at(0.3))
    scene.rig.kill(0)


def _redis_away(seconds: float) -> Happening:
    async def happens(scene: Scene) -> None:
        await scene.reach(scene.moment)
        async with scene.rig.without_redis():
            await asyncio.sleep(seconds)

    return happens


async def _redis_away_and_upstream_cut(scene: Scene) -> None:
    await scene.reach(scene.moment)
    async with scene.rig.without_redis():
        await asyncio.sleep(1)
        scene.rig.upstream.cut()
        await asyncio.sleep(3)


async def _database_away(scene: Scene) -> None:
    await scene.reach(scene.moment)
    async with scene.rig.without_database():
        await asyncio.sleep(4)


async def _kill_without_database(scene: Scene) -> None:
    """What the worker had taken to store is left behind, and nobody can store it yet."""
    await scene.reach(scene.moment)
    async with scene.rig.without_database():
        await asyncio.sleep(3)
        scene.rig.kill(0)
        await asyncio.sleep(3)


async def _slow_reader(scene: Scene) -> None:
    await scene.reach(scene.moment)
    line = scene.rig.lines[0]
    line.throttle(400, Direction.DOWN)
    await asyncio.sleep(5)
    line.restore()


async def _slow_upstream(scene: Scene) -> None:
    await scene.reach(scene.moment)
    # Audio at 16 kHz takes about 45 kB/s on this line.
    scene.rig.upstream.throttle(25_000, Direction.UP)
    await asyncio.sleep(4)
    scene.rig.upstream.restore()


async def _upstream_held(scene: Scene) -> None:
    await scene.reach(scene.moment)
    scene.rig.upstream.hold()
    await asyncio.sleep(8)
    scene.rig.upstream.restore()


def _both(*happenings: Happening) -> Happening:
    async def happens(scene: Scene) -> None:
        async with asyncio.TaskGroup() as group:
            for each in happenings:
                group.create_task(_run(each, scene))

    return happens


async def _run(happening: Happening, scene: Scene) -> None:
    await happening(scene)


def _reset(name: str, faults: Callable[[float], Sequence[Fault]]) -> Row:
    return Row(name, faults, shows=RECONNECTING)


def _error(kind: ErrorType) -> Row:
    return Row(
        f"provider says {kind}",
        lambda moment: (Fault(FaultKind.ERROR, error_type=kind, after_samples=_samples(moment)),),
        seconds=3,
        shows=RECONNECTING,
    )


UPSTREAM: Final = (
    _reset("upstream reset at the handshake", lambda _: (Fault(FaultKind.RESET_HANDSHAKE),)),
    _reset("upstream reset at open", lambda _: (Fault(FaultKind.DROP),)),
    _reset("upstream reset in mid-utterance", lambda moment: (_reset_at(moment),)),
    _reset("upstream reset after a commit", lambda _: (Fault(FaultKind.DROP, after_commits=1),)),
    _reset(
        "upstream reset between plain and timed final",
        lambda _: (Fault(FaultKind.DROP, after_finals=1),),
    ),
    _reset(
        "upstream reset during the replay",
        lambda moment: (
            _reset_at(moment),
            Fault(FaultKind.DROP, after_samples=_samples(0.2), skip=1),
        ),
    ),
    Row("upstream line cut", happens=_upstream_cut, shows=RECONNECTING),
    Row(
        "upstream stall",
        lambda _: (Fault(FaultKind.STALL, after_commits=1),),
        seconds=8,
        shows=RECONNECTING,
    ),
    Row("upstream line held 8 s", happens=_upstream_held, seconds=12, shows=RECONNECTING),
    Row("slow upstream", happens=_slow_upstream, seconds=8),
    *(_error(kind) for kind in ErrorType if not REMEDIES[kind].ends and not REMEDIES[kind].goes_on),
    Row("rollover every 10 s", seconds=24),
)

CLIENT: Final = (
    Row("client line cut 1 s", happens=_line_cut(1), shows=RESUMED),
    Row("client line cut 10 s", happens=_line_cut(10), seconds=13, shows=RESUMED),
    Row("client line cut 25 s", happens=_line_cut(25), seconds=30, shows=RESUMED),
    Row("client back on another worker", happens=_cut_once, hosts=(0, 1), shows=RESUMED),
    Row("slow reader", happens=_slow_reader, seconds=9),
)

HOSTS: Final = (
    Row("SIGTERM", happens=_terminate, hosts=(0, 1), seconds=8, shows=RESUMED),
    Row("SIGKILL", happens=_kill, hosts=(0, 1), shows=RESUMED),
    Row(
        "SIGTERM and restart of the only worker",
        happens=_restart(lambda rig: rig.hosts[0].terminate()),
        seconds=10,
        shows=RESUMED,
    ),
    Row(
        "SIGKILL and restart of the only worker",
        happens=_restart(lambda rig: rig.kill(0)),
        seconds=10,
        shows=RESUMED,
    ),
    Row("Redis stopped 20 s", happens=_redis_away(20), seconds=24),
    Row("database stopped 4 s", happens=_database_away, seconds=8),
)

PAIRS: Final = (
    Row(
        "upstream reset + client line cut",
        lambda moment: (_reset_at(moment),),
        _line_cut(1),
        shows=RESUMED,
    ),
    Row(
        "SIGKILL + upstream reset at the new owner",
        happens=_kill_then_reset,
        hosts=(0, 1),
        shows=RESUMED,
    ),
    Row(
        "SIGKILL while the database is stopped",
        happens=_kill_without_database,
        hosts=(0, 1),
        seconds=10,
        shows=RESUMED,
    ),
    Row(
        "Redis stopped + upstream reset",
        happens=_redis_away_and_upstream_cut,
        seconds=8,
        shows=RECONNECTING,
    ),
    Row(
        "SIGTERM + slow upstream",
        happens=_both(_slow_upstream, _terminate),
        hosts=(0, 1),
        shows=RESUMED,
    ),
)

TABLE: Final = (*UPSTREAM, *CLIENT, *HOSTS, *PAIRS)
