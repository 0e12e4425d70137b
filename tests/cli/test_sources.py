from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from relay.cli.exits import CommandFailed
from relay.cli.sources import CHUNK, SLACK, Pace, open_audio

RATE = 16_000
Write: TypeAlias = Callable[..., Path]


def tone(seconds: float, rate: int = RATE, channels: int = 1) -> NDArray[np.float32]:
    """A tone of 440 Hz, quieter in each further channel; shape (frames, channels)."""
    time = np.arange(round(seconds * rate)) / rate
    wave = 0.5 * np.sin(2 * np.pi * 440 * time)
    return np.stack([wave / (1 + index) for index in range(channels)], axis=1).astype(np.float32)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_audio(
        samples: NDArray[np.float32], name: str = "a.wav", rate: int = RATE, **options: str
    ) -> Path:
        soundfile.write(tmp_path / name, samples, rate, **options)
        return tmp_path / name

    return write_audio


def read(path: Path) -> NDArray[np.float32]:
    """All that the relay would get; shape (frames, channels)."""
    with open_audio(path) as audio:
        joined = b"".join(audio.chunks())
        return np.frombuffer(joined, "<f4").reshape(-1, audio.channels)


@pytest.mark.parametrize("channels", [1, 2])
def test_samples_come_as_they_are_in_the_file(write: Write, channels: int) -> None:
    samples = tone(0.25, channels=channels)
    assert np.array_equal(read(write(samples, subtype="FLOAT")), samples)


@pytest.mark.parametrize("name", ["a.mp3", "a.flac", "a.ogg"])
def test_reading_in_chunks_loses_nothing(write: Write, name: str) -> None:
    path = write(tone(3.0), name)
    whole, _ = soundfile.read(path, dtype="float32", always_2d=True)
    assert read(path) == pytest.approx(whole, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.flac", {}),
        ("a.ogg", {"subtype": "VORBIS"}),
        ("a.opus", {"format": "OGG", "subtype": "OPUS"}),
        ("a.mp3", {}),
        ("a.aiff", {}),
        ("a.au", {}),
    ],
)
def test_other_formats_are_read_too(write: Write, name: str, options: dict[str, str]) -> None:
    samples = tone(1.0)
    heard = read(write(samples, name, **options))
    assert abs(len(heard) - len(samples)) < 0.1 * RATE
    assert np.std(heard) == pytest.approx(np.std(samples), rel=0.1)


def test_more_than_two_channels_are_mixed_down_to_one(write: Write) -> None:
    samples = tone(0.25, channels=6)
    heard = read(write(samples, subtype="FLOAT"))
    assert heard.shape == (len(samples), 1)
    assert heard[:, 0] == pytest.approx(samples.mean(axis=1), abs=1e-6)


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 96000, 192000])
def test_chunks_are_of_equal_length_but_for_the_last(write: Write, rate: int) -> None:
    with open_audio(write(tone(0.35, rate), rate=rate)) as audio:
        lengths = [audio.seconds(chunk) for chunk in audio.chunks()]
        assert audio.rate == rate
        assert audio.duration == pytest.approx(0.35, abs=1e-3)
    assert lengths[:-1] == pytest.approx([CHUNK] * 3, abs=1e-4)
    assert sum(lengths) == pytest.approx(0.35, abs=1e-3)


@pytest.mark.parametrize("rate", [4000, 200_000])
def test_rate_that_the_relay_does_not_take_is_refused(write: Write, rate: int) -> None:
    path = write(tone(0.1, rate), rate=rate)
    with (
        pytest.raises(CommandFailed, match=rf"has {rate} Hz.*Convert it: ffmpeg"),
        open_audio(path),
    ):
        pass


def test_missing_file_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(CommandFailed, match=r"none\.wav can't be read: No such file"),
        open_audio(tmp_path / "none.wav"),
    ):
        pass


def test_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="is a folder"), open_audio(tmp_path):
        pass


@pytest.mark.parametrize("name", ["a.wav", "a.raw", "a.txt"])
def test_what_is_no_audio_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"spoken words" * 100)
    with (
        pytest.raises(CommandFailed, match="is not audio that can be read here"),
        open_audio(tmp_path / name),
    ):
        pass


def test_damaged_end_is_told_after_what_could_be_read(write: Write) -> None:
    rng = np.random.default_rng(1)
    path = write(rng.normal(0, 0.1, (5 * RATE, 1)).astype(np.float32), "a.flac")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = bytes(2000)
    path.write_bytes(content)
    heard: list[bytes] = []
    with open_audio(path) as audio, pytest.raises(CommandFailed, match=r"a\.flac is damaged"):
        heard.extend(audio.chunks())
    assert len(heard) > 10


def test_pace_sends_at_its_speed() -> None:
    pace = Pace(4.0, now=100.0)
    assert pace.delay(0.0, now=100.0) == 0.0
    assert pace.delay(1.0, now=100.0) == pytest.approx(0.25)
    assert pace.delay(2.0, now=100.5) == 0.0


def test_pace_catches_up_on_a_short_delay() -> None:
    pace = Pace(1.0, now=0.0)
    assert pace.delay(1.0, now=1.0 + SLACK) == 0.0
    assert pace.delay(1.0 + SLACK, now=1.0 + SLACK) == 0.0
    assert pace.delay(2.0, now=1.0 + SLACK) == pytest.approx(1.0 - SLACK)


def test_pace_stays_behind_after_a_long_delay() -> None:
    pace = Pace(1.0, now=0.0)
    assert pace.delay(1.0, now=50.0) == 0.0
    assert pace.delay(3.0, now=50.0) == pytest.approx(2.0 - SLACK)
