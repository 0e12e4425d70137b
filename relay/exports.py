"""Transcripts as files, a segment at a time: txt, md, json, srt, vtt, csv; zip for many. Pure.

writer = FORMATS["srt"].writer()
text = writer.begin(transcript) + "".join(map(writer.add, segments)) + writer.end()
"""

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, Final, Protocol, cast

from relay.captions import VTT_HEAD, Cue, CueCutter, describe, one_line, srt_block, vtt_block
from relay.store.flags import Flag
from relay.store.transcripts import Segment, Transcript

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""What spreadsheets take for a formula. *Source*: OWASP, CSV injection."""

_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]#|~])")


class Writer(Protocol):
    """Writes one transcript; each method gives the text that comes next."""

    def begin(self, transcript: Transcript) -> str: ...
    def add(self, segment: Segment) -> str: ...
    def end(self) -> str: ...


@dataclass(frozen=True)
class Format:
    """A kind of file."""

    extension: str
    media_type: str
    writer: Callable[[], Writer]


class TextWriter:
    """A line for each segment."""

    def begin(self, transcript: Transcript) -> str:
        return ""

    def add(self, segment: Segment) -> str:
        return f"{one_line(segment.text)}\n"

    def end(self) -> str:
        return ""


class MarkdownWriter(TextWriter):
    """A title, what is known of the session, and a paragraph with its time for each segment."""

    def begin(self, transcript: Transcript) -> str:
        title = transcript.title or f"{transcript.started_at:%Y-%m-%d %H:%M} UTC"
        facts = {
            "Begun": f"{transcript.started_at:%Y-%m-%d %H:%M:%S} UTC",
            "Audio": _clock(transcript.audio_ms / 1000),
            "Language": transcript.language,
            "Device": transcript.device,
        }
        lines = [f"* {name}: {_markdown(value)}" for name, value in facts.items() if value]
        return "\n".join([f"# {_markdown(title)}", "", *lines, ""])

    def add(self, segment: Segment) -> str:
        return f"\n**{_clock(segment.start)}** {_markdown(segment.text)}\n"


class JsonWriter:
    """Everything that is known; times in seconds."""

    def __init__(self) -> None:
        self._separator = ""

    def begin(self, transcript: Transcript) -> str:
        head = json.dumps(describe_transcript(transcript), ensure_ascii=False, indent=2)
        return head.removesuffix("\n}") + ',\n  "segments": ['

    def add(self, segment: Segment) -> str:
        separator, self._separator = self._separator, ","
        flags = [describe_flag(flag) for flag in segment.flags]
        described = {"number": segment.number, **describe(segment), "flags": flags}
        return f"{separator}\n    {json.dumps(described, ensure_ascii=False)}"

    def end(self) -> str:
        return "\n  ]\n}\n"


class SrtWriter:
    """SubRip."""

    def __init__(self) -> None:
        self._cutter = CueCutter()
        self._count = 0

    def begin(self, transcript: Transcript) -> str:
        return ""

    def add(self, segment: Segment) -> str:
        return "".join(map(self._block, self._cutter.push(segment)))

    def end(self) -> str:
        return "".join(map(self._block, self._cutter.finish()))

    def _block(self, cue: Cue) -> str:
        self._count += 1
        return ("\n" if self._count > 1 else "") + srt_block(self._count, cue)


class VttWriter:
    """WebVTT."""

    def __init__(self) -> None:
        self._cutter = CueCutter()

    def begin(self, transcript: Transcript) -> str:
        return VTT_HEAD

    def add(self, segment: Segment) -> str:
        return "".join(f"\n{vtt_block(cue)}" for cue in self._cutter.push(segment))

    def end(self) -> str:
        return "".join(f"\n{vtt_block(cue)}" for cue in self._cutter.finish())


class CsvWriter:
    """A row for each segment."""

    def __init__(self) -> None:
        self._id = self._name = ""

    def begin(self, transcript: Transcript) -> str:
        self._id, self._name = transcript.id, transcript.name
        return _row(
            ["transcript", "name", "segment", "at", "start", "end", "language", "text", "flags"]
        )

    def add(self, segment: Segment) -> str:
        times = [f"{segment.start:.3f}", f"{segment.end:.3f}"]
        language = segment.language_code or ""
        at = segment.committed_at.isoformat()
        flags = " ".join(f"{flag.kind}={flag.score:.2f}" for flag in segment.flags)
        head = [self._id, self._name, segment.number, at]
        return _row([*head, *times, language, segment.text, flags])

    def end(self) -> str:
        return ""


FORMATS: Final = {
    "txt": Format("txt", "text/plain; charset=utf-8", TextWriter),
    "md": Format("md", "text/markdown; charset=utf-8", MarkdownWriter),
    "json": Format("json", "application/json", JsonWriter),
    "srt": Format("srt", "application/x-subrip; charset=utf-8", SrtWriter),
    "vtt": Format("vtt", "text/vtt; charset=utf-8", VttWriter),
    "csv": Format("csv", "text/csv; charset=utf-8", CsvWriter),
}
"""By name."""


class Archive:
    """A zip file given away while it is made; each method gives the bytes that come next."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(cast(IO[bytes], self._sink), "w", zipfile.ZIP_DEFLATED)
        self._file: Any = None

    def open(
        self, transcript: Transcript, extension: str, *, folder: str = "", is_dense: bool = False
    ) -> bytes:
        """Begin the file of a transcript."""
        name = folder + file_name(transcript, extension)
        return self.open_named(name, transcript.started_at.timetuple()[:6], is_dense=is_dense)

    def open_named(self, name: str, made_at: tuple[int, ...], *, is_dense: bool = False) -> bytes:
        """Begin a file.

        Args:
            name: Its path in the archive.
            made_at: Year, month, day, hour, minute, second.
            is_dense: Whether compressing it would only take time, as of FLAC.
        """
        year, month, day, hour, minute, second = max(made_at, (1980, 1, 1, 0, 0, 0))
        info = zipfile.ZipInfo(name, (year, month, day, hour, minute, second))
        info.compress_type = zipfile.ZIP_STORED if is_dense else zipfile.ZIP_DEFLATED
        # How long an hour of audio will be nobody knows yet.
        self._file = self._zip.open(info, "w", force_zip64=is_dense)
        return self._sink.take()

    def write(self, piece: str | bytes) -> bytes:
        """Go on with it."""
        self._file.write(piece.encode() if isinstance(piece, str) else piece)
        return self._sink.take()

    def close(self) -> bytes:
        """End it."""
        self._file.close()
        return self._sink.take()

    def finish(self) -> bytes:
        """End the archive."""
        self._zip.close()
        return self._sink.take()


class _Sink:
    """A file that nobody can seek in, as the network is."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """There is nothing behind it."""

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def file_name(transcript: Transcript, extension: str) -> str:
    """Name the file of a transcript: unique, in the order of time, and safe anywhere."""
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", transcript.id)
    return f"{transcript.started_at:%Y-%m-%d_%H%M%S}_{safe}.{extension}"


def describe_transcript(transcript: Transcript) -> dict[str, Any]:
    """Say what is known of a transcript, in terms of JSON."""
    ended_at = transcript.ended_at
    return {
        "id": transcript.id,
        "title": transcript.title,
        "account": transcript.account,
        "kind": transcript.kind,
        "name": transcript.name,
        "device": transcript.device,
        "language": transcript.language,
        "started_at": transcript.started_at.isoformat(),
        "updated_at": transcript.updated_at.isoformat(),
        "ended_at": None if ended_at is None else ended_at.isoformat(),
        "audio_ms": transcript.audio_ms,
        "segments_count": transcript.segments,
        "words_count": transcript.words,
        "flags": list(transcript.flags),
    }


def describe_flag(flag: Flag) -> dict[str, Any]:
    """Say what was raised for a segment, in terms of JSON."""
    return {"kind": flag.kind, "score": flag.score, "analyser": flag.analyser}


def escape_formula(value: object) -> object:
    """Keep spreadsheets from taking a text for a formula."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def _row(values: list[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(map(escape_formula, values))
    return text.getvalue()


def _markdown(text: str) -> str:
    escaped = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", escaped)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
