"""What one owner writes down, the next one reads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from relay.registry import Journal, Ownership, Tenure
from relay.registry.ownership import Claimed, Piece, Progress, Resumable, Snapshot
from relay.state import SharedState

DIGEST = "5f" * 32
BEFORE: tuple[Piece, ...] = ((48_000, 0, 0), (44_100, 96_000, 32_000))
SESSION = Resumable(
    session_id="s1",
    worker="host:1",
    account="user:1",
    token_digest=DIGEST,
    snapshot=Snapshot(query=(), bearer={}, origin=None, rate_out=16_000, started_at=0.0),
    pieces=BEFORE,
)


@asynccontextmanager
async def owned(ownership: Ownership) -> AsyncIterator[Tenure]:
    journal = Journal(ownership)
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(journal.run())
        tenure = Tenure(ownership, journal, SESSION)
        await tenure.begin()
        yield tenure
        writing.cancel()


async def claimed(ownership: Ownership) -> Claimed:
    found = await ownership.claim("s1", worker="host:2", token_digest=DIGEST)
    assert isinstance(found, Claimed)
    return found


@pytest.mark.parametrize(
    "pieces",
    [
        (*BEFORE, (48_000, 192_000, 66_830)),
        # As many as before: the last one was forgotten, and another one has begun.
        (BEFORE[0], (44_100, 91_190, 30_397)),
    ],
)
async def test_a_timeline_that_has_changed_is_written(
    state: SharedState, pieces: tuple[Piece, ...]
) -> None:
    ownership = Ownership(state)
    async with owned(ownership) as tenure:
        await tenure.write(Progress(covered=96_000), [], BEFORE)
        await tenure.write(Progress(covered=200_000), [], pieces)
        assert (await claimed(ownership)).pieces == pieces
