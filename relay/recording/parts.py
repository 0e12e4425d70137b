"""Parts of recordings: how their files are called, and how they make one recording. Pure."""

import hashlib
import heapq
import re
from collections.abc import Sequence
from typing import Final, NamedTuple, Self

EXTENSION: Final = "flac"

_NAME: Final = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{16})\.(\d{1,9})\.(\d{1,15})\.flac")
_RECORDING: Final = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{16})\.flac")


def owner_of(account: str) -> str:
    """Say whose a recording is, so that its file can be found without a database, and tells nobody.

    Returns:
        16 hexadecimal digits.
    """
    return hashlib.sha256(account.encode()).hexdigest()[:16]


class Name(NamedTuple):
    """Of a recording."""

    session_id: str
    """32 hexadecimal digits."""
    owner: str
    """As `owner_of` says."""

    @property
    def file(self) -> str:
        return f"{self.session_id}.{self.owner}.{EXTENSION}"

    @classmethod
    def parse(cls, file: str) -> Self | None:
        """Read a file's name; None of other files."""
        found = _RECORDING.fullmatch(file)
        return None if found is None else cls(*found.groups())


class Part(NamedTuple):
    """A stretch of a session's audio without a gap; parts stand in the order of their layers."""

    name: Name
    epoch: int
    """Of the session's owner that wrote it."""
    start: int
    """The first sample, on the session's time."""

    @property
    def file(self) -> str:
        session_id, owner = self.name
        return f"{session_id}.{owner}.{self.epoch}.{self.start}.{EXTENSION}"

    @classmethod
    def parse(cls, file: str) -> Self | None:
        """Read a file's name; None of other files."""
        found = _NAME.fullmatch(file)
        if found is None:
            return None
        session_id, owner, epoch, start = found.groups()
        return cls(Name(session_id, owner), int(epoch), int(start))


class Stretch(NamedTuple):
    """What a recording consists of, one after the other."""

    layer: int | None
    """Where it comes from; None is silence."""
    offset: int
    """In samples, from that layer's begin."""
    length: int
    """In samples."""


def lay_over(spans: Sequence[tuple[int, int]]) -> list[Stretch]:
    """Lay stretches of a session's time over each other; the later ones cover the earlier.

    Args:
        spans: Each layer's [start, end), in samples; those at the bottom come first.

    Returns:
        The whole from sample 0 to the last end, with silence where no layer has anything.
    """
    events = sorted(
        (at, is_start, layer)
        for layer, (start, end) in enumerate(spans)
        if start < end
        for at, is_start in ((start, True), (end, False))
    )
    found: list[Stretch] = []
    active: list[int] = []  # a heap of negative numbers: the topmost comes first
    position = 0
    for at, is_start, layer in events:
        if at > position:
            while active and spans[-active[0]][1] <= position:
                heapq.heappop(active)
            _append(found, spans, -active[0] if active else None, position, at)
            position = at
        if is_start:
            heapq.heappush(active, -layer)
    return found


def _append(
    found: list[Stretch],
    spans: Sequence[tuple[int, int]],
    layer: int | None,
    begin: int,
    end: int,
) -> None:
    if found and found[-1].layer == layer:
        found[-1] = found[-1]._replace(length=found[-1].length + end - begin)
        return
    offset = 0 if layer is None else begin - spans[layer][0]
    found.append(Stretch(layer, offset, end - begin))
