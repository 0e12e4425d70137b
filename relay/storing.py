"""Brings what is said from Redis into the database, beside the sessions.

An entry is let go only after the database has it. So while the database is away entries wait; those
that a dead worker took become another one's; and one that comes twice is written once, since
`Segments.record` puts everything where it belongs whatever is there already.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import structlog

from relay.errors import StateUnavailable, StoreRefused, StoreUnavailable
from relay.redaction.redactor import Redactor
from relay.registry import Entry, Unstored
from relay.registry.unstored import TAKEN_AT_ONCE
from relay.store.segments import Record, Said, Segments

POLL_INTERVAL: Final = 0.25
"""Seconds between two looks for what is to be stored; what Redis loses at once, if it loses all.

What comes meanwhile shares one transaction, most of whose cost is its own.
"""

RETRY_INTERVAL: Final = 1.0
"""Seconds between two attempts while Redis or the database is away."""

FINISH_TIMEOUT: Final = 5.0
"""Seconds for what is left when a worker ends; after that another worker, or the next start, does
it, unless the engine ends with the process."""

UNREADABLE: Final = "[redacted]"
"""In the place of a text that could not be looked through."""

SEGMENT_TYPES: Final = frozenset({"committed_transcript", "committed_transcript_with_timestamps"})

_log = structlog.get_logger("relay.transcripts")


class Storing:
    """One worker's share of the work; call `run` beside its sessions."""

    def __init__(
        self,
        unstored: Unstored,
        segments: Segments,
        *,
        redactor: Redactor | None = None,
        on_stored: Callable[[], None] = lambda: None,
        poll_interval: float = POLL_INTERVAL,
        retry_interval: float = RETRY_INTERVAL,
    ) -> None:
        """Write what `unstored` has into `segments`, without what `redactor` finds in it.

        `on_stored` is called when some is written.
        """
        self._redactor = redactor
        self._unstored = unstored
        self._segments = segments
        self._on_stored = on_stored
        self._poll_interval = poll_interval
        self._retry_interval = retry_interval
        self._one_at_a_time = asyncio.Lock()
        self._is_away = False
        self._lost: int | None = None

    async def run(self) -> None:
        """Store until cancelled; what was taken and not stored then is another worker's later."""
        while True:
            try:
                is_all = await self.store_some() < TAKEN_AT_ONCE
            except StateUnavailable:
                is_all = True  # the sessions' renewal says so in the log
                await asyncio.sleep(self._retry_interval)
            except Exception as error:
                # Its text might quote what was said.
                _log.error("transcripts can't be stored", error=type(error).__name__)
                is_all = True
                await asyncio.sleep(self._retry_interval)
            if is_all:
                await asyncio.sleep(self._poll_interval)

    async def finish(self) -> None:
        """Store what is left, and be forgotten; to be called when no session is left."""
        try:
            async with asyncio.timeout(FINISH_TIMEOUT):
                while await self.store_some():
                    pass
                await self._unstored.leave()
        except (StateUnavailable, TimeoutError):
            _log.warning("not all that was said is stored yet")
        except Exception as error:
            # The worker has more to close. Its text might quote what was said.
            _log.error("transcripts can't be stored", error=type(error).__name__)

    async def store_some(self) -> int:
        """Take some entries, and let them go once the database has them.

        Returns:
            How many there were.

        Raises:
            StateUnavailable: If Redis can't be asked; they come again then.
        """
        async with self._one_at_a_time:
            entries = await self._unstored.take()
            if not entries:
                return 0
            if records := [record for each in entries if (record := record_of(each))]:
                if self._redactor is not None:
                    # Not on the loop, which carries audio: a segment takes a millisecond.
                    records = await asyncio.to_thread(redacted, records, self._redactor)
                await self._write(records)
                self._on_stored()
            self._note_lost(await self._unstored.stored(entries))
            return len(entries)

    async def _write(self, records: Sequence[Record]) -> None:
        """Write all of them, however long that takes."""
        while True:
            try:
                left_out = await self._segments.record(records)
            except StoreRefused as error:
                # Where it takes nothing else either, it is not them.
                if await self._segments.is_writable():
                    await self._write_apart(records, str(error))
                    return
                self._note_away(str(error))
            except StoreUnavailable as error:
                self._note_away(str(error))
            else:
                self._note_back()
                if left_out:
                    _log.info("late events of what was erased are not stored", events=left_out)
                return
            await asyncio.sleep(self._retry_interval)

    async def _write_apart(self, records: Sequence[Record], text: str) -> None:
        """Find out which of them the database doesn't take, so that they don't hold up others."""
        if len(records) > 1:
            for record in records:
                await self._write([record])
            return
        _log.error("an event can't be stored", session_id=records[0].session_id, text=text)

    def _note_lost(self, lost: int) -> None:
        if self._lost is not None and lost > self._lost:
            _log.error(
                "the database was away for too long: events are lost to it",
                events=lost - self._lost,
            )
        self._lost = lost

    def _note_away(self, text: str) -> None:
        if not self._is_away:
            _log.warning("transcripts wait for the database", text=text)
        self._is_away = True

    def _note_back(self) -> None:
        if self._is_away:
            _log.info("transcripts are stored again")
        self._is_away = False


class _Committed(msgspec.Struct, frozen=True):
    """What a committed event says, as far as it is stored."""

    message_type: str
    segment: int | None = None
    text: str = ""
    end_sample: int | None = None
    cause: str | None = None
    language_code: str | None = None
    words: msgspec.Raw = msgspec.Raw(b"null")


_decoder: Final = msgspec.json.Decoder(_Committed)


def record_of(entry: Entry) -> Record | None:
    """Read what the database is to know; None of an event that isn't stored."""
    said = None
    if entry.event:
        said = _said(entry)
        if said is None:
            return None
    heading, progress = entry.heading, entry.progress
    return Record(
        session_id=entry.session_id,
        epoch=entry.epoch,
        is_fenced=entry.is_fenced,
        account=heading.account,
        kind=heading.kind,
        name=_storable(heading.name),
        # People speak from wherever they are; a kiosk is a place.
        device=_storable(heading.name) if heading.kind == "kiosk" else None,
        language=heading.language,
        started_at=datetime.fromtimestamp(heading.started_at, UTC),
        at=datetime.fromtimestamp(entry.at, UTC),
        audio_ms=progress.usage.get("received_ms", 0),
        segments=progress.segments,
        words=progress.words,
        has_ended=not entry.event,
        said=said,
    )


def _said(entry: Entry) -> Said | None:
    try:
        event = _decoder.decode(entry.event)
    except msgspec.MsgspecError:
        _log.error("an event can't be read, and is not stored", session_id=entry.session_id)
        return None
    if event.message_type not in SEGMENT_TYPES or event.segment is None:
        return None
    words = bytes(event.words).decode()
    return Said(
        number=event.segment,
        text=_storable(event.text),
        language=event.language_code,
        cause=event.cause,
        starts_at=entry.starts_at,
        ends_at=entry.ends_at,
        end_sample=event.end_sample,
        words=None if words == "null" else words,
    )


def redacted(records: Sequence[Record], redactor: Redactor) -> list[Record]:
    """Give what is to be stored without personal data; words keep their times."""
    return [
        record if record.said is None else replace(record, said=_surely_redacted(record, redactor))
        for record in records
    ]


def _surely_redacted(record: Record, redactor: Redactor) -> Said:
    assert record.said is not None
    try:
        return _redacted(record.said, redactor)
    except Exception as error:
        # A fault of ours may neither hold up what others said nor let this through.
        _log.error(
            "a segment can't be redacted, and is stored without its text",
            session_id=record.session_id,
            segment=record.said.number,
            error=type(error).__name__,
        )
        return replace(record.said, text=UNREADABLE, words=None)


def _redacted(said: Said, redactor: Redactor) -> Said:
    text, words = redactor.text(said.text), said.words
    if words is not None:
        try:
            spoken = redactor.words(msgspec.json.decode(words, type=list[dict[str, Any]]))
        except msgspec.MsgspecError:
            return replace(said, text=text, words=None)
        # Rather no times than words in which something was overlooked that the text has shown.
        is_safe = text == said.text or _letters(_joined(spoken)) == _letters(text)
        words = msgspec.json.encode(spoken).decode() if is_safe else None
    return replace(said, text=text, words=words)


def _joined(words: Sequence[Mapping[str, Any]]) -> str:
    return "".join(str(word.get("text", "")) for word in words)


def _letters(text: str) -> str:
    return "".join(text.split())


def _storable(text: str) -> str:
    """PostgreSQL takes any character but one."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
