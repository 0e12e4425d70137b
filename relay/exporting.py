"""Transcripts from the database into files, a few segments at a time, whatever their length."""

from collections.abc import AsyncIterator, Callable

from relay.exports import FORMATS, Archive
from relay.store.transcripts import Filter, Transcript, Transcripts


async def export_one(
    transcripts: Transcripts, transcript: Transcript, format_name: str
) -> AsyncIterator[str]:
    """Give the text of a file in pieces.

    Raises:
        StoreUnavailable: If the database can't be asked; what came by then is a part of the file.
    """
    writer = FORMATS[format_name].writer()
    yield writer.begin(transcript)
    async for page in transcripts.pages_of_segments(transcript.id):
        yield "".join(map(writer.add, page))
    yield writer.end()


async def export_many(
    transcripts: Transcripts,
    wanted: Filter,
    format_name: str,
    on_transcript: Callable[[Transcript], None] = lambda _: None,
) -> AsyncIterator[bytes]:
    """Give the bytes of a zip file in pieces, with a file for each transcript, the newest first.

    Raises:
        StoreUnavailable: If the database can't be asked; what came by then is no zip file.
    """
    archive = Archive()
    async for transcript in transcripts.each(wanted):
        yield archive.open(transcript, FORMATS[format_name].extension)
        async for text in export_one(transcripts, transcript, format_name):
            yield archive.write(text)
        yield archive.close()
        on_transcript(transcript)
    yield archive.finish()
