"""All that is known of a user: taken along as a zip file, or deleted for good."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final

from relay.erasing import delete_transcripts
from relay.exporting import archive_audio, export_one, write
from relay.exports import Archive, file_name
from relay.recording.shelf import Shelf
from relay.store import Database, Kiosks, Usage, User, Users
from relay.store.erasure import Erasure
from relay.store.transcripts import Filter, Transcript, Transcripts

SESSIONS_END_WITHIN: Final = 6.0
"""Seconds in which the live sessions of somebody who was removed end; five are promised."""

FIRST_DAY: Final = date(1970, 1, 1)
LAST_DAY: Final = date(9999, 12, 31)


@dataclass(frozen=True, slots=True)
class Erased:
    """What was deleted of somebody."""

    transcripts: int
    usage_rows: int
    """Of the ledger: one for each session and day."""
    is_account: bool
    """Whether there was an account to delete."""


class PersonalData:
    """What the database knows of each user, and what was heard of them."""

    def __init__(self, database: Database, shelf: Shelf, erasure: Erasure | None = None) -> None:
        """Read and delete what is in `database`, by `erasure` if there is one already.

        Recordings are in `shelf`.
        """
        self._database = database
        self._shelf = shelf
        self._erasure = erasure or Erasure(database)

    def wanted(self, user_id: str) -> Filter:
        """A user's transcripts."""
        return Filter(account=f"user:{user_id}")

    async def count(self, user_id: str) -> int:
        """How many transcripts there are of a user."""
        return await Transcripts(self._database).count(self.wanted(user_id))

    async def days_of_use(self, user_id: str) -> int:
        """On how many days a user has used the relay."""
        account = f"user:{user_id}"
        return len(await Usage(self._database).per_day(FIRST_DAY, LAST_DAY, account))

    async def export(
        self, user: User, on_transcript: Callable[[Transcript], object] = lambda _: None
    ) -> AsyncIterator[bytes]:
        """Give the bytes of a zip file in pieces.

        Account, usage, the kiosks that they approved, and transcripts are in it as JSON; and audio.

        Raises:
            OSError: If a recording can't be read; what came by then is no zip file.
            StoreUnavailable: If the database can't be asked; likewise.
        """
        archive, transcripts = Archive(), Transcripts(self._database)
        wanted = self.wanted(user.id)
        account = {
            "id": user.id,
            "name": user.name,
            "is_operator": user.is_operator,
            "created_at": user.created_at,
        }
        rows = await Usage(self._database).per_day(FIRST_DAY, LAST_DAY, wanted.account)
        approved = [
            {"id": kiosk.id, "name": kiosk.name, "approved_at": kiosk.created_at}
            for kiosk in await Kiosks(self._database).approved_by(user.name)
        ]
        for name, known in (
            ("account", account),
            ("usage", [asdict(row) for row in rows]),
            ("kiosks", approved),
        ):
            yield archive.open_named(f"{name}.json", user.created_at.timetuple()[:6])
            yield archive.write(json.dumps(known, ensure_ascii=False, indent=2, default=_in_json))
            yield archive.close()
        async for transcript in transcripts.each(wanted):
            moment = transcript.started_at.timetuple()[:6]
            yield archive.open_named(f"transcripts/{file_name(transcript, 'json')}", moment)
            async for text in export_one(transcripts, transcript, "json"):
                yield await write(archive, text)
            yield archive.close()
            async for piece in archive_audio(archive, self._shelf, transcript, "flac", "audio/"):
                yield piece
            on_transcript(transcript)
        yield archive.finish()

    async def erase(
        self,
        user_id: str,
        *,
        wait: float,
        on_deleted: Callable[[Sequence[str]], object] = lambda _: None,
    ) -> Erased:
        """Delete a user and all that is known of them, also of one who was removed before.

        The account goes last but for what live sessions leave behind: whoever is interrupted before
        can sign in and go on, and after that sweeps do.

        Args:
            user_id: Whose.
            wait: Seconds in which their live sessions end, before what these leave behind goes too.
            on_deleted: Told which transcripts were deleted, a few at a time.
        """
        usage, account = Usage(self._database), f"user:{user_id}"
        # While there is something that has their name.
        await Kiosks(self._database).forget_approvers(await self._names_of(user_id))
        count = await self._delete_transcripts(user_id, on_deleted)
        usage_rows = await usage.erase(account)
        is_account = await Users(self._database).remove(user_id)
        if is_account:
            await asyncio.sleep(wait)
            count += await self._delete_transcripts(user_id, on_deleted)
            # Their live sessions went on counting; a row of the same day comes twice so.
            usage_rows += await usage.erase(account)
        await self._database.forget_deleted()
        return Erased(count, usage_rows, is_account)

    async def _names_of(self, user_id: str) -> set[str]:
        """What a user is called; of one who was removed, what they were, if nobody else is now."""
        users = Users(self._database)
        if (user := await users.get(user_id)) is not None:
            return {user.name}
        account = f"user:{user_id}"
        rows = await Usage(self._database).per_day(FIRST_DAY, LAST_DAY, account)
        return {name for name in {row.name for row in rows} if await users.find(name) is None}

    async def _delete_transcripts(
        self, user_id: str, on_deleted: Callable[[Sequence[str]], object]
    ) -> int:
        return await delete_transcripts(
            self._database,
            self._shelf,
            self.wanted(user_id),
            blocks=True,
            erasure=self._erasure,
            on_deleted=on_deleted,
        )


def _in_json(value: Any) -> str:
    assert isinstance(value, datetime | date)
    return value.isoformat()
