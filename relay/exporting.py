"""Transcripts from the database into files, a few segments at a time, whatever their length."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from relay.exports import FORMATS, Archive, Writer
from relay.store.transcripts import Filter, Segment, Transcript, Transcripts

_WRITING: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="export")
"""Where files are written: not on the loop, which carries audio, and all exports in turn, a page at
a time, so that however many there are take one thread, and none of those that others wait for."""


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
        yield await asyncio.get_running_loop().run_in_executor(_WRITING, _add, writer, page)
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
    loop = asyncio.get_running_loop()
    archive = Archive()
    async for transcript in transcripts.each(wanted):
        yield archive.open(transcript, FORMATS[format_name].extension)
        async for text in export_one(transcripts, transcript, format_name):
            yield await loop.run_in_executor(_WRITING, archive.write, text)
        yield archive.close()
        on_transcript(transcript)
    yield await loop.run_in_executor(_WRITING, archive.finish)


def _add(writer: Writer, page: Sequence[Segment]) -> str:
    return "".join(map(writer.add, page))
