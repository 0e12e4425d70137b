import asyncio
import io
import threading
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from relay.exporting import export_many, export_one
from relay.exports import FORMATS, Format, TextWriter
from relay.store import Database
from relay.store.segments import Record, Said, Segments
from relay.store.transcripts import SEGMENTS_AT_ONCE, Filter, Segment, Transcript, Transcripts

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

COUNT = SEGMENTS_AT_ONCE + 1


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    made = Database("sqlite+aiosqlite://")
    await made.start()
    yield made
    await made.aclose()


@pytest.fixture
async def transcript(database: Database) -> Transcript:
    """One with more segments than are written at once."""
    await Segments(database).record(
        [
            Record(
                session_id="s1",
                epoch=1,
                is_fenced=True,
                account="user:anna",
                kind="user",
                name="anna",
                device=None,
                language="en",
                started_at=NOON,
                at=NOON,
                audio_ms=1000 * number,
                segments=number + 1,
                words=number + 1,
                said=Said(number=number, text=f"word{number}", starts_at=float(number)),
            )
            for number in range(COUNT)
        ]
    )
    found = await Transcripts(database).find("s1", None)
    assert found is not None
    return found


@dataclass
class PatientWriter(TextWriter):
    """Goes on with each segment when the loop has had a turn."""

    loop: asyncio.AbstractEventLoop

    def add(self, segment: Segment) -> str:
        turned = threading.Event()
        self.loop.call_soon_threadsafe(turned.set)
        assert turned.wait(5), "the loop waits for the writer"
        return super().add(segment)


async def test_the_loop_goes_on_while_a_page_is_written(
    database: Database, transcript: Transcript, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    patient = Format("txt", "text/plain", lambda: PatientWriter(loop))
    monkeypatch.setitem(FORMATS, "patient", patient)
    pieces = [piece async for piece in export_one(Transcripts(database), transcript, "patient")]
    assert "".join(pieces).split() == [f"word{number}" for number in range(COUNT)]


async def test_exports_at_once_are_each_as_they_were_alone(
    database: Database, transcript: Transcript
) -> None:
    async def archive(name: str) -> bytes:
        pieces = export_many(Transcripts(database), Filter(), name)
        return b"".join([piece async for piece in pieces])

    async def file(name: str) -> str:
        return "".join([piece async for piece in export_one(transcripts, transcript, name)])

    transcripts = Transcripts(database)
    for name in FORMATS:
        alone, first, second = await file(name), *await asyncio.gather(archive(name), archive(name))
        for content in (first, second):
            with zipfile.ZipFile(io.BytesIO(content)) as files:
                assert files.testzip() is None
                assert files.read(files.namelist()[0]).decode() == alone
