"""Whether a relay that was busy for a while has grown. Pure.

Of what was seen after the warm-up, the second half is compared with the first: a leak shows as a
rise from one to the other, whatever the level and however fast the machine. Medians, so that one
look at a bad moment decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final


@dataclass(frozen=True)
class Look:
    """What the workers of a relay had at one moment, together."""

    memory_bytes: int
    files: int
    tasks: int
    """Of asyncio."""


@dataclass(frozen=True)
class Room:
    """By how much something may rise from one half to the other."""

    share: float
    least: float
    """Whatever the share comes to."""


ROOM: Final = {
    "memory_bytes": Room(0.04, 4 * 1024 * 1024),
    "files": Room(0.08, 10),
    "tasks": Room(0.08, 20),
}
"""Sessions come and go, so their number isn't quite the same in both halves, and allocators round.
What each of a thousand sessions leaves behind would have to be below 5 kB to go unseen in memory,
and nothing of a file or a task."""


@dataclass(frozen=True)
class Rise:
    """How something was in both halves."""

    name: str
    first: float
    second: float

    @property
    def is_leak(self) -> bool:
        room = ROOM[self.name]
        return self.second - self.first > max(room.share * self.first, room.least)

    def __str__(self) -> str:
        return f"{self.name}: {self.first:,.0f}, then {self.second:,.0f}"


def judge(looks: Sequence[Look], *, warm_up: float) -> list[Rise]:
    """Compare the halves.

    Args:
        looks: In order, at even distances.
        warm_up: Share of them that counts for nothing.

    Raises:
        ValueError: If too few are left to judge by.
    """
    rest = looks[round(len(looks) * warm_up) :]
    half = len(rest) // 2
    if half < 5:
        raise ValueError(f"{len(rest)} looks are too few to judge by")
    return [
        Rise(
            name,
            median(getattr(look, name) for look in rest[:half]),
            median(getattr(look, name) for look in rest[half:]),
        )
        for name in ROOM
    ]
