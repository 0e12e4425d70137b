"""`scribe-relay transcribe` as people run it."""

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from relay.cli.exits import Exit
from relay.cli.local import default_engine
from relay.scribe.errors import ErrorType
from relay.simulator.faults import Fault, FaultKind
from relay.simulator.server import Simulator
from tests.support.audio_files import write_audio, write_tone, write_two_sentences
from tests.support.invoked import invoke, invoke_beside
from tests.support.ports import free_port
from tests.support.relay import Relay
from tests.support.settings import KEY
from tests.support.signals import rms
from tests.support.spawned import Ended, command, run
from tests.support.speech import ALSA_RECORDINGS, alsa_recording, flite
from tests.support.words import word_error_rate

SENTENCE = "please open the window because it is very warm in here"

FORMATS = ("flac", "mp3", "ogg")

needs_recogniser = pytest.mark.skipif(
    default_engine() != "pocketsphinx", reason="there is no wheel for this Python"
)


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    return write_tone(tmp_path / "tone.wav")


async def transcribe(*arguments: str | Path, relay: Relay) -> Ended:
    return await invoke_beside("transcribe", *arguments, "--url", relay.url, "--key", relay.key)


# Alone, with nothing else running.


@needs_recogniser
async def test_words_that_were_spoken_are_printed(tmp_path: Path) -> None:
    spoken = write_audio(tmp_path / "spoken.wav", *flite(SENTENCE, "rms"))
    ended = await run("transcribe", spoken)
    assert ended.code == Exit.OK
    assert word_error_rate(SENTENCE, ended.stdout) < 0.2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("The simulator answers: it recognises English speech offline, roughly.")


@needs_recogniser
async def test_a_recorded_voice_is_understood() -> None:
    ended = await run("transcribe", ALSA_RECORDINGS / "Front_Center.wav")
    assert ended.code == Exit.OK
    assert ended.stdout.split()[-1] == "center"


@needs_recogniser
async def test_words_are_the_same_whatever_the_file_format(tmp_path: Path) -> None:
    voice = alsa_recording("Front_Center")
    files = [write_audio(tmp_path / f"spoken.{suffix}", *voice) for suffix in FORMATS]
    folder = tmp_path / "transcripts"
    ended = await run("transcribe", *files, "--output", folder)
    assert ended.code == Exit.OK
    assert ended.stdout == ""
    assert sorted(path.name for path in folder.iterdir()) == [
        f"spoken.{suffix}.txt" for suffix in FORMATS
    ]
    for path in folder.iterdir():
        assert path.read_text().split()[-1] == "center"


async def test_with_a_key_the_provider_answers(tone: Path, simulator: Simulator) -> None:
    settings = tone.with_name("settings")
    settings.write_text(f"ELEVENLABS_API_KEY={KEY}\nRELAY_UPSTREAM_URL={simulator.url}\n")
    ended = await run("transcribe", tone, "--env-file", settings)
    assert ended.code == Exit.OK
    assert ended.stdout == "hello world\n"
    assert ended.stderr == f"The provider answers ({simulator.url}).\n"


async def test_simulator_can_be_asked_for_although_there_is_a_key(tone: Path) -> None:
    environment = {"ELEVENLABS_API_KEY": KEY, "RELAY_UPSTREAM_URL": "ws://127.0.0.1:1"}
    ended = await run("transcribe", tone, "--simulator", environment=environment)
    assert ended.code == Exit.OK
    assert ended.stderr.startswith("The simulator answers")


async def test_refused_key_is_told_and_never_shown(tone: Path) -> None:
    secret = "sk-wrong-0123456789"
    async with Simulator(api_keys=("another",)) as simulator:
        environment = {"ELEVENLABS_API_KEY": secret, "RELAY_UPSTREAM_URL": simulator.url}
        ended = await run("transcribe", tone, "--verbose", environment=environment)
    assert ended.code == Exit.UNREACHABLE
    assert len(ended.complaints) == 1
    assert ended.complaints[0].startswith(f"{tone}: ")
    assert "auth_error" in ended.complaints[0]
    assert secret not in ended.stdout + ended.stderr


def test_wrong_settings_are_all_named(tone: Path) -> None:
    environment = {"RELAY_CHUNK_MS": "1", "RELAY_MAX_SESSIONS": "none"}
    ended = invoke("transcribe", tone, environment=environment)
    assert ended.code == Exit.CONFIG
    assert [line.split(" ", 1)[0] for line in ended.complaints] == [
        "RELAY_CHUNK_MS",
        "RELAY_MAX_SESSIONS",
    ]


# Through a running relay.


async def test_transcript_alone_goes_to_standard_output(tone: Path, relay: Relay) -> None:
    ended = await run("transcribe", tone, "--url", relay.url, "--key", relay.key)
    assert ended == Ended(Exit.OK, "hello world\n", "", "")


async def test_each_segment_is_a_line(tmp_path: Path, relay: Relay) -> None:
    ended = await transcribe(write_two_sentences(tmp_path / "two.wav"), relay=relay)
    assert ended.stdout == "hello world\ngood bye\n"


async def test_silence_gives_nothing(tmp_path: Path, relay: Relay) -> None:
    silence = write_audio(tmp_path / "silence.wav", np.zeros(16_000, np.float32))
    assert await transcribe(silence, relay=relay) == Ended(Exit.OK, "", "", "")


async def test_empty_file_gives_nothing(tmp_path: Path, relay: Relay) -> None:
    empty = write_audio(tmp_path / "empty.wav", np.zeros(0, np.float32))
    assert await transcribe(empty, relay=relay) == Ended(Exit.OK, "", "", "")


async def test_several_files_are_told_apart(tmp_path: Path, relay: Relay) -> None:
    first, second = (write_tone(tmp_path / name) for name in ("a.wav", "b.wav"))
    ended = await transcribe(first, second, relay=relay)
    assert ended.stdout == f"{first}:\nhello world\n\n{second}:\nhello world\n"


async def test_srt_is_printed(tone: Path, relay: Relay) -> None:
    ended = await transcribe(tone, "--format", "srt", relay=relay)
    assert re.fullmatch(r"1\n00:00:00,000 --> 00:00:01,\d{3}\nhello world\n", ended.stdout)


async def test_vtt_is_printed(tone: Path, relay: Relay) -> None:
    ended = await transcribe(tone, "--format", "vtt", relay=relay)
    assert ended.stdout.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.")
    assert ended.stdout.endswith("\nhello world\n")


async def test_json_has_the_words_and_their_times(tone: Path, relay: Relay) -> None:
    ended = await transcribe(tone, "--format", "json", relay=relay)
    (segment,) = json.loads(ended.stdout)["segments"]
    assert segment["text"] == "hello world"
    words = [word for word in segment["words"] if word["type"] == "word"]
    assert [word["text"] for word in words] == ["hello", "world"]
    assert [word["start"] for word in words] == pytest.approx([0.0, 0.5], abs=0.02)


@pytest.mark.parametrize("file_format", ["txt", "json", "srt", "vtt"])
async def test_transcript_is_written_to_a_file(tone: Path, relay: Relay, file_format: str) -> None:
    target = tone.with_name("out")
    ended = await transcribe(tone, "--format", file_format, "--output", target, relay=relay)
    assert ended == Ended(Exit.OK, "", f"{target} written\n", "")
    assert "hello" in target.read_text()


async def test_transcripts_of_several_files_are_written_to_a_folder(
    tmp_path: Path, relay: Relay
) -> None:
    files = [write_tone(tmp_path / name) for name in ("a.wav", "b.flac")]
    folder = tmp_path / "new" / "folder"
    ended = await transcribe(*files, "--format", "srt", "--output", folder, relay=relay)
    assert ended.code == Exit.OK
    assert sorted(path.name for path in folder.iterdir()) == ["a.srt", "b.srt"]


async def test_target_that_cannot_be_written_is_told(tone: Path, relay: Relay) -> None:
    target = tone / "out.txt"
    ended = await transcribe(tone, "--output", target, relay=relay)
    assert ended.code == Exit.FAILURE
    assert len(ended.complaints) == 1
    assert f"{target} can't be written" in ended.complaints[0]


async def test_full_disk_behind_standard_output_is_told(tone: Path, relay: Relay) -> None:
    ended = await run(
        "transcribe", tone, "--url", relay.url, "--key", relay.key, stdout=Path("/dev/full")
    )
    assert ended.code == Exit.FAILURE
    assert ended.stderr == "error: Standard output can't be written: No space left on device.\n"


async def test_reader_that_leaves_early_is_no_trouble(tmp_path: Path, relay: Relay) -> None:
    two = write_two_sentences(tmp_path / "two.wav")
    words = [
        sys.executable,
        "-m",
        "relay",
        "transcribe",
        str(two),
        "--url",
        relay.url,
        "--key",
        relay.key,
    ]
    ended = await run(program=("sh", "-c", f"{shlex.join(words)} | head -n 1"))
    assert ended == Ended(Exit.OK, "hello world\n", "", "")


async def test_options_reach_the_provider(tone: Path, relay: Relay, simulator: Simulator) -> None:
    ended = await transcribe(
        tone, "--language", "de", "--option", "no_verbatim=true", "--format", "json", relay=relay
    )
    assert ended.code == Exit.OK
    asked_for = dict(simulator.connections[0].query)
    assert asked_for["language_code"] == "de"
    assert asked_for["no_verbatim"] == "true"
    assert asked_for["include_timestamps"] == "true"


async def test_manual_strategy_leaves_pauses_alone(tmp_path: Path, relay: Relay) -> None:
    two = write_two_sentences(tmp_path / "two.wav")
    ended = await transcribe(two, "--commit-strategy", "manual", relay=relay)
    assert ended.stdout == "hello world\n"


@pytest.mark.parametrize(
    ("gains", "level"),
    [((1.0,), 1.0), ((1.0, 0.0), 0.5), ((1.0, 1.0, 1.0, 0.0, 0.0, 0.0), 0.5)],
    ids=["mono", "stereo", "six channels"],
)
async def test_channels_are_mixed(
    tmp_path: Path,
    relay: Relay,
    simulator: Simulator,
    gains: tuple[float, ...],
    level: float,
) -> None:
    path = write_tone(tmp_path / "tone.wav", gains=gains)
    assert (await transcribe(path, relay=relay)).stdout == "hello world\n"
    expected, _ = soundfile.read(path, dtype="int16", always_2d=True)
    assert rms(simulator.connections[0].audio) == pytest.approx(
        level * rms(expected[:, 0]), rel=0.02
    )


@pytest.mark.parametrize(("flags", "is_live"), [((), False), (("--realtime",), True)])
async def test_realtime_takes_as_long_as_it_was_spoken(
    tmp_path: Path,
    relay: Relay,
    simulator: Simulator,
    flags: tuple[str, ...],
    is_live: bool,
) -> None:
    ended = await transcribe(write_tone(tmp_path / "tone.wav", 2.0), *flags, relay=relay)
    assert ended.code == Exit.OK
    (record,) = simulator.connections
    await simulator.wait_for(lambda: not record.is_open)
    assert record.closed is not None
    assert (record.closed - record.opened > 1.8) is is_live


# What goes wrong.


async def test_relay_that_does_not_run_is_told_once(tone: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    ended = await run("transcribe", tone, tone, "--url", url)
    assert ended.code == Exit.UNREACHABLE
    stream = f"{url.replace('http', 'ws')}/v1/stream"
    assert ended.stderr == f"error: No relay can be reached at {stream}: Connection refused.\n"


def test_address_that_is_none_is_told(tone: Path) -> None:
    ended = invoke("transcribe", tone, "--url", "localhost:8000")
    assert ended.code == Exit.UNREACHABLE
    (complaint,) = ended.complaints
    assert "the URL must look like http://host:port" in complaint


async def test_bad_files_are_told_and_the_others_go_on(tmp_path: Path, relay: Relay) -> None:
    text = tmp_path / "text.wav"
    text.write_text("no audio at all")
    missing, good = tmp_path / "missing.wav", write_tone(tmp_path / "good.wav")
    folder = tmp_path / "out"
    ended = await transcribe(missing, text, tmp_path, good, "--output", folder, relay=relay)
    assert ended.code == Exit.FAILURE
    assert ended.complaints == [
        f"{missing} can't be read: No such file or directory.",
        f"{text} is not audio that can be read here (wav, flac, ogg, mp3, …). "
        f"Convert it: ffmpeg -i '{text}' converted.wav",
        f"{tmp_path} is a folder. Name audio files, such as '{tmp_path}'/*.wav",
    ]
    assert [path.name for path in folder.iterdir()] == ["good.txt"]


async def test_damaged_file_is_told_and_the_others_go_on(tmp_path: Path, relay: Relay) -> None:
    damaged, good = write_damaged(tmp_path / "damaged.flac"), write_tone(tmp_path / "good.wav")
    ended = await transcribe(damaged, good, "--output", tmp_path / "out", relay=relay)
    assert ended.code == Exit.FAILURE
    (complaint,) = ended.complaints
    assert complaint.startswith(f"{damaged} is damaged: ")
    assert (tmp_path / "out" / "good.txt").read_text() == "hello world\n"


def write_damaged(path: Path) -> Path:
    noise = np.random.default_rng(1).normal(0, 0.1, 5 * 16_000).astype(np.float32)
    content = bytearray(write_audio(path, noise).read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    path.write_bytes(content)
    return path


async def test_what_came_before_the_provider_broke_is_kept(
    tmp_path: Path, relay: Relay, simulator: Simulator
) -> None:
    # Nothing less than a refusal breaks a session: all else the relay mends.
    refusal: dict[str, Any] = {"error_type": ErrorType.AUTH_ERROR, "after_finals": 1}
    simulator.faults.add(Fault(FaultKind.ERROR, after_samples=5 * 16_000, **refusal))
    two, other = (write_two_sentences(tmp_path / name) for name in ("two.wav", "other.wav"))
    ended = await transcribe(two, other, "--output", tmp_path / "out", relay=relay)
    assert ended.code == Exit.UNREACHABLE
    (complaint,) = ended.complaints
    assert complaint.startswith(f"{two}: ")
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == {
        "two.txt": "hello world\n"
    }


async def test_session_that_the_relay_refuses_is_told(tone: Path, relay: Relay) -> None:
    ended = await transcribe(tone, "--option", "keyterms=Kyiv", relay=relay)
    assert ended.code == Exit.FAILURE
    (complaint,) = ended.complaints
    assert complaint.startswith(f"{tone}: ")
    assert "keyterms" in complaint


@pytest.mark.parametrize("as_flag", [True, False])
async def test_key_that_the_relay_refuses_is_not_shown(
    tone: Path, relay: Relay, as_flag: bool
) -> None:
    secret = "rk-0123456789"
    flags = ("--key", secret) if as_flag else ()
    environment = {} if as_flag else {"RELAY_KEY": secret}
    ended = await invoke_beside(
        "transcribe", tone, "--url", relay.url, "-v", *flags, environment=environment
    )
    assert ended.code == Exit.FAILURE
    assert "unauthorized" in ended.complaints[0]
    assert secret not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--option", "no_verbatim"), "give NAME=VALUE"),
        (("--option", "colour=red"), "colour is not a parameter"),
        (("--option", "no_verbatim=perhaps"), "no_verbatim"),
        (("--option", "language_code=en", "--language", "en"), "language_code"),
        (("--format", "docx"), "'docx' is not one of"),
    ],
)
def test_wrong_option_is_an_error_of_usage(tone: Path, flags: tuple[str, ...], says: str) -> None:
    ended = invoke("transcribe", tone, *flags)
    assert ended.code == Exit.USAGE
    assert says in ended.stderr
    assert ended.stdout == ""


def test_no_file_is_an_error_of_usage() -> None:
    ended = invoke("transcribe")
    assert ended.code == Exit.USAGE
    assert "Missing argument 'FILE…'" in ended.stderr


async def test_interrupt_ends_at_once_and_keeps_what_came(
    tmp_path: Path, relay: Relay, simulator: Simulator
) -> None:
    two, target = write_two_sentences(tmp_path / "two.wav"), tmp_path / "two.txt"
    arguments = (
        "transcribe",
        two,
        "--url",
        relay.url,
        "--key",
        relay.key,
        "--output",
        target,
        "--verbose",
    )
    async with command(*arguments) as running:
        await running.says("segment 0, committed by vad")
        running.interrupt()
        ended = await running.ended(5)
    assert ended.code == Exit.INTERRUPTED
    assert ended.complaints == []
    assert target.read_text() == "hello world\n"
    await simulator.wait_for(lambda: not simulator.connections[0].is_open)


@needs_recogniser
async def test_interrupt_ends_the_relay_inside_too(tmp_path: Path) -> None:
    arguments = ("transcribe", write_tone(tmp_path / "long.wav", 30), "--realtime", "--verbose")
    async with command(*arguments) as running:
        await running.says("session started")
        running.interrupt()
        ended = await running.ended(10)
    assert ended.code == Exit.INTERRUPTED


# On a terminal.


async def test_bar_and_words_so_far_are_shown_on_a_terminal(tmp_path: Path, relay: Relay) -> None:
    long = write_two_sentences(tmp_path / "long.wav")
    ended = await run(
        "transcribe", long, "--url", relay.url, "--key", relay.key, on_terminal=("stderr",)
    )
    assert ended.code == Exit.OK
    assert ended.stdout == "hello world\ngood bye\n"
    lines = shown(ended.screen)
    assert any(re.fullmatch(r"long\.wav ━.* 0:0[1-7] of 0:08", line) for line in lines)
    assert "hello world" in lines
    assert "good bye" in lines


async def test_transcript_stands_above_the_bar_where_both_are_on_one_terminal(
    tone: Path, relay: Relay
) -> None:
    ended = await run(
        "transcribe", tone, "--url", relay.url, "--key", relay.key, on_terminal=("stdout", "stderr")
    )
    assert ended.stdout == ""
    assert "hello world" in shown(ended.screen)


def shown(screen: str) -> list[str]:
    """The lines that a terminal was sent, without what steers it."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen)
    return [line.strip() for line in re.split(r"[\r\n]+", text)]


async def test_terminal_without_colours_is_respected(tone: Path, relay: Relay) -> None:
    ended = await run(
        "transcribe",
        tone,
        "--url",
        relay.url,
        "--key",
        relay.key,
        on_terminal=("stderr",),
        environment={"NO_COLOR": "1"},
    )
    assert not re.search(r"\x1b\[3\dm", ended.screen)


async def test_verbose_prints_every_event(tone: Path, relay: Relay) -> None:
    ended = await transcribe(tone, "--verbose", relay=relay)
    assert ended.stdout == "hello world\n"
    lines = ended.stderr.splitlines()
    assert re.fullmatch(r"session \w+ started", lines[0])
    assert "segment 0, committed by client: hello world" in lines
    assert lines[-1] == "session ended: stopped, 1000 ms of audio, 1 segments"
