import csv
import io
import json
import subprocess
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relay.exports import FORMATS, Archive, escape_formula, file_name
from relay.store.flags import Flag
from relay.store.transcripts import Segment, Transcript

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

TRANSCRIPT = Transcript(
    id="5f",
    account="user:1",
    kind="user",
    name="anna",
    device=None,
    language="en",
    title="Notes <1> & *more*",
    started_at=NOON,
    updated_at=NOON,
    ended_at=NOON,
    audio_ms=3_725_000,
    segments=3,
    words=9,
    flags=("toxic",),
)

WORDS = (
    '[{"text":"Good","start":0.5,"end":0.8,"type":"word"},'
    '{"text":" ","start":0.8,"end":0.9,"type":"spacing"},'
    '{"text":"morning.","start":0.9,"end":1.4,"type":"word","logprob":-0.1}]'
)


FLAGS = (Flag("threat", 0.95, "local"), Flag("toxicity", 0.5, "http"))


def segment(
    number: int, text: str, start: float, *, words: str | None = None, flags: Sequence[Flag] = ()
) -> Segment:
    return Segment(
        number=number,
        text=text,
        language_code=None if number else "en",
        cause="vad",
        starts_at=start,
        ends_at=start + 2.0,
        end_sample=None,
        committed_at=NOON,
        words_json=words,
        flags=flags,
    )


SEGMENTS = (
    segment(0, "Good morning.", 0.0, words=WORDS),
    segment(1, '=1+1 <b>fat</b>\n& 50 % --> "done"', 10.0, flags=FLAGS),
    segment(2, "Прощай. 再见。", 3700.0),
)


def written(name: str, *segments: Segment, transcript: Transcript = TRANSCRIPT) -> str:
    writer = FORMATS[name].writer()
    return writer.begin(transcript) + "".join(map(writer.add, segments)) + writer.end()


def test_words_are_decoded_once() -> None:
    (spoken, *_) = SEGMENTS
    assert spoken.words is spoken.words


def test_txt_is_a_line_a_segment() -> None:
    assert written("txt", *SEGMENTS).splitlines() == [
        "Good morning.",
        '=1+1 <b>fat</b> & 50 % --> "done"',
        "Прощай. 再见。",
    ]


def test_markdown_says_what_is_known_and_nothing_that_was_said_is_markup() -> None:
    assert written("md", *SEGMENTS) == (
        "# Notes &lt;1&gt; &amp; \\*more\\*\n"
        "\n"
        "* Begun: 2026-11-24 12:00:00 UTC\n"
        "* Audio: 1:02:05\n"
        "* Language: en\n"
        "\n**0:00:00** Good morning.\n"
        '\n**0:00:10** =1+1 &lt;b&gt;fat&lt;/b&gt; &amp; 50 % --&gt; "done"\n'
        "\n**1:01:40** Прощай. 再见。\n"
    )


def test_markdown_without_a_title_has_its_time_for_one() -> None:
    untitled = replace(TRANSCRIPT, title=None)
    assert written("md", transcript=untitled).startswith("# 2026-11-24 12:00 UTC\n")


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_holds_everything(count: int) -> None:
    read = json.loads(written("json", *SEGMENTS[:count]))
    assert (read["id"], read["title"], read["flags"]) == ("5f", TRANSCRIPT.title, ["toxic"])
    assert read["ended_at"] == NOON.isoformat()
    assert [each["text"] for each in read["segments"]] == [each.text for each in SEGMENTS[:count]]
    if count:
        assert read["segments"][0]["number"] == 0
        assert read["segments"][0]["words"][2] == {
            "text": "morning.",
            "start": 0.9,
            "end": 1.4,
            "type": "word",
        }
        assert read["segments"][0]["flags"] == []
    if count > 1:
        assert read["segments"][1]["flags"] == [
            {"kind": "threat", "score": 0.95, "analyser": "local"},
            {"kind": "toxicity", "score": 0.5, "analyser": "http"},
        ]


def test_csv_holds_no_formula() -> None:
    head, *rows = csv.reader(io.StringIO(written("csv", *SEGMENTS)))
    assert head == [
        *("transcript", "name", "segment", "at", "start", "end", "language", "text", "flags"),
    ]
    at = NOON.isoformat()
    assert rows[0] == ["5f", "anna", "0", at, "0.500", "2.000", "en", "Good morning.", ""]
    assert rows[1][-2:] == ["'" + SEGMENTS[1].text, "threat=0.95 toxicity=0.50"]
    assert escape_formula("＝1") == "'＝1"
    assert escape_formula(-1) == -1


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_ffmpeg_reads_the_captions(name: str, tmp_path: Path) -> None:
    file = tmp_path / f"captions.{name}"
    file.write_text(written(name, *SEGMENTS))
    command = ["ffmpeg", "-v", "error", "-i", str(file), "-f", "srt", "-"]
    read = subprocess.run(command, capture_output=True, check=True, text=True)
    assert read.stderr == ""
    blocks = [block.splitlines() for block in read.stdout.strip().split("\n\n")]
    assert [block[1] for block in blocks] == [
        "00:00:00,500 --> 00:00:01,500",
        "00:00:10,000 --> 00:00:12,000",
        "01:01:40,000 --> 01:01:41,000",
        "01:01:41,000 --> 01:01:42,000",
    ]
    texts = [" ".join(block[2:]) for block in blocks]
    assert texts[0] == "Good morning."
    assert texts[2:] == ["Прощай.", "再见。"]
    assert "fat" in texts[1]


def test_captions_of_nothing_are_files_too() -> None:
    assert written("srt") == ""
    assert written("vtt") == "WEBVTT\n"


def test_many_make_one_zip_file() -> None:
    archive = Archive()
    pieces = []
    for number in range(2):
        each = replace(TRANSCRIPT, id=f"s{number}")
        pieces.append(archive.open(each, "txt"))
        pieces += [archive.write(f"line {line}\n") for line in range(3)]
        pieces.append(archive.close())
    pieces.append(archive.finish())
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as files:
        assert files.testzip() is None
        assert files.namelist() == ["2026-11-24_120000_s0.txt", "2026-11-24_120000_s1.txt"]
        assert files.read(files.namelist()[1]) == b"line 0\nline 1\nline 2\n"
        assert files.infolist()[0].date_time == (2026, 11, 24, 12, 0, 0)


def test_a_files_name_is_safe_anywhere() -> None:
    odd = replace(TRANSCRIPT, id='../"a\n')
    assert file_name(odd, "txt") == "2026-11-24_120000_____a_.txt"
