"""Deletes transcripts together with their audio."""

import asyncio
from collections.abc import Callable, Sequence

from relay.recording.shelf import Shelf
from relay.store import Database
from relay.store.erasure import Erasure
from relay.store.transcripts import Filter, Transcripts


async def delete_transcripts(
    database: Database,
    shelf: Shelf,
    wanted: Filter,
    *,
    blocks: bool,
    erasure: Erasure | None = None,
    on_deleted: Callable[[Sequence[str]], object] = lambda _: None,
) -> int:
    """Delete all that a filter lists; call `Database.forget_deleted` then.

    Args:
        database: With the transcripts.
        shelf: With their audio.
        wanted: Which.
        blocks: Whether nothing of the account's present sessions is stored any more either, and
            all audio of the account's goes; for filters that list all of an account's.
        erasure: By which, if there is one already.
        on_deleted: Told which transcripts were deleted, a few at a time.

    Returns:
        How many there were.

    Raises:
        OSError: If a recording can't be deleted; its transcript is gone then.
        StoreUnavailable: If the database can't be asked.
    """
    erasure, count = erasure or Erasure(database), 0
    blocked = wanted.account if blocks else None
    if blocked is not None:
        # What is said in sessions that go on isn't stored from here on.
        await erasure.block_account(blocked)
    conditions = Transcripts(database).conditions(wanted)
    while some := await erasure.delete_some(*conditions):
        await asyncio.to_thread(shelf.delete, some)
        count += len(some)
        on_deleted(some)
    if blocked is not None:
        await asyncio.to_thread(shelf.delete_account, blocked)
    return count
