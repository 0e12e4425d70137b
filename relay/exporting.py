"""Transcripts from the database into files, a few segments at a time, whatever their length.

Recordings from the disk likewise.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from relay.exports import FORMATS, Archive, Writer
from relay.recording.formats import AUDIO_FORMATS
from relay.recording.shelf import Audio, Shelf
from relay.store.transcripts import Filter, Segment, Transcript, Transcripts

FORMAT_NAMES: Final = (*FORMATS, *AUDIO_FORMATS)

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


async def export_audio(audio: Audio, format_name: str) -> AsyncIterator[bytes]:
    """Give the bytes of a recording in pieces.

    Raises:
        OSError: If it can't be read, or is deleted before it was begun.
    """
    pieces = AUDIO_FORMATS[format_name].pieces(audio)
    loop = asyncio.get_running_loop()
    while piece := await loop.run_in_executor(_WRITING, next, pieces, b""):
        yield piece


async def export_many(
    transcripts: Transcripts,
    wanted: Filter,
    format_name: str,
    on_transcript: Callable[[Transcript], None] = lambda _: None,
    *,
    shelf: Shelf | None = None,
) -> AsyncIterator[bytes]:
    """Give the bytes of a zip file in pieces, with a file for each transcript, the newest first.

    Of audio there are files of those alone that have some in `shelf`.

    Raises:
        OSError: If a recording can't be read; what came by then is no zip file.
        StoreUnavailable: If the database can't be asked; likewise.
    """
    archive = Archive()
    async for transcript in transcripts.each(wanted):
        if format_name in FORMATS:
            yield archive.open(transcript, FORMATS[format_name].extension)
            async for text in export_one(transcripts, transcript, format_name):
                yield await write(archive, text)
            yield archive.close()
        else:
            async for piece in archive_audio(archive, shelf, transcript, format_name):
                yield piece
        on_transcript(transcript)
    yield await asyncio.get_running_loop().run_in_executor(_WRITING, archive.finish)


async def archive_audio(
    archive: Archive,
    shelf: Shelf | None,
    transcript: Transcript,
    format_name: str,
    folder: str = "",
) -> AsyncIterator[bytes]:
    """Give the bytes of a recording's file within a zip file; none where nothing was recorded."""
    audio = None
    if shelf is not None:
        audio = await asyncio.to_thread(shelf.find, transcript.id, transcript.account)
    if audio is None:
        return
    extension = AUDIO_FORMATS[format_name].extension
    yield archive.open(transcript, extension, folder=folder, is_dense=True)
    async for piece in export_audio(audio, format_name):
        yield await write(archive, piece)
    yield archive.close()


async def write(archive: Archive, piece: str | bytes) -> bytes:
    """Write into a zip file; what comes of it."""
    return await asyncio.get_running_loop().run_in_executor(_WRITING, archive.write, piece)


def _add(writer: Writer, page: Sequence[Segment]) -> str:
    return "".join(map(writer.add, page))
