"""The thread that writes, on a real disk; the shelf is looked at when it is done."""

import errno
import resource
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from relay.audio.pcm import Int16
from relay.metrics import Metrics
from relay.recording.parts import Name, Part, owner_of
from relay.recording.recorder import Recorder, Recording
from relay.recording.shelf import Shelf

RATE = 16_000
SESSION = "3f" * 16
ANNA = "user:1"
NAME = Name(SESSION, owner_of(ANNA))


class Studio:
    """A recorder, and what it counted."""

    def __init__(self, folder: Path, **bounds: float) -> None:
        self.shelf, self.metrics = Shelf(folder), Metrics()
        self.recorder = Recorder(self.shelf, meter=self.metrics, **bounds)  # type: ignore[arg-type]

    def begin(self, epoch: int = 1) -> Recording:
        return self.recorder.begin(SESSION, ANNA, epoch=epoch, rate=RATE)

    def finish(self) -> None:
        assert self.recorder.finish(20)

    def seconds(self, name: str, **labels: str) -> float:
        (found,) = (
            value
            for key, value in self.metrics.values().items()
            if key.family == f"relay_{name}" and dict(key.labels) == labels
        )
        return found

    def heard(self) -> Int16:
        audio = self.shelf.find(SESSION, ANNA)
        assert audio is not None
        samples: Int16 = soundfile.read(audio.path, dtype="int16")[0]
        return samples


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


def noise(seconds: float, seed: int = 0) -> Int16:
    made: Int16 = np.random.default_rng(seed).integers(-9000, 9000, round(seconds * RATE), np.int16)
    return made


def speak(recording: Recording, samples: Int16, at: int = 0, piece: int = 777) -> None:
    for begin in range(0, samples.size, piece):
        recording.take(at + begin, samples[begin : begin + piece])


def test_what_is_handed_over_is_in_the_file(studio: Studio) -> None:
    samples, recording = noise(3.3), studio.begin()
    speak(recording, samples[:30_000])
    recording.flush()
    recording.take(30_000, samples[:0])
    speak(recording, samples[30_000:], at=30_000)
    recording.end(is_over=True)
    recording.take(samples.size, samples)  # nobody is there any more
    recording.end(is_over=True)
    studio.finish()
    assert (studio.heard() == samples).all()
    assert studio.seconds("recorded_audio_seconds_total") == pytest.approx(3.3)
    assert studio.shelf.parts() == {}


def test_what_is_left_out_becomes_silence(studio: Studio) -> None:
    samples, recording = noise(1), studio.begin()
    at = [0, RATE + 100, 5 * RATE]  # a short gap stays in its file, a long one doesn't
    for begin in at:
        speak(recording, samples, at=begin)
    recording.flush()
    recording.end(is_over=False)
    studio.finish()
    assert len(list((studio.shelf.folder / "open").iterdir())) == 2
    studio.shelf.join(NAME)
    expected = np.zeros(6 * RATE, np.int16)
    for begin in at:
        expected[begin : begin + RATE] = samples
    assert (studio.heard() == expected).all()


def test_pieces_of_a_timeline_may_overlap_by_a_sample(studio: Studio) -> None:
    samples, recording = noise(2), studio.begin()
    recording.take(0, samples[:RATE])
    recording.take(RATE - 1, samples[RATE - 1 :])
    recording.take(0, samples[:10])
    recording.end(is_over=True)
    studio.finish()
    assert (studio.heard() == samples).all()


def test_another_owner_goes_on(studio: Studio) -> None:
    samples = noise(4)
    first = studio.begin()
    speak(first, samples[: 3 * RATE])
    first.end(is_over=False)
    second = studio.begin(epoch=2)
    speak(second, samples[2 * RATE :], at=2 * RATE)
    second.end(is_over=True)
    studio.finish()
    assert (studio.heard() == samples).all()


def test_what_was_deleted_is_not_gone_on_with(studio: Studio) -> None:
    recording = studio.begin()
    speak(recording, noise(1))
    recording.flush()
    studio.finish()
    assert studio.shelf.delete([SESSION]) == 1
    speak(recording, noise(1), at=RATE)
    recording.flush()
    speak(recording, noise(1), at=2 * RATE)
    recording.end(is_over=True)
    studio.finish()
    assert studio.shelf.everything() == {}


def test_who_was_taken_for_over_goes_on_with_another_part(studio: Studio) -> None:
    samples, recording = noise(3), studio.begin()
    speak(recording, samples[: 2 * RATE])
    recording.flush()
    studio.finish()
    assert studio.shelf.join(NAME)
    joined = studio.heard()
    speak(recording, samples[2 * RATE :], at=2 * RATE)
    recording.end(is_over=True)
    studio.finish()
    heard = studio.heard()
    assert (heard[: joined.size] == samples[: joined.size]).all()
    assert (heard[2 * RATE :] == samples[2 * RATE :]).all()
    assert 2 * RATE - joined.size < RATE / 2  # what the encoder had not written then


def test_audio_that_the_disk_is_too_slow_for_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = Studio(tmp_path, max_waiting_bytes=3 * RATE)  # 1.5 s
    recording, answers = studio.begin(), threading.Event()
    path_of = studio.shelf.path_of

    def wait(part: Part) -> Path:
        answers.wait(20)
        return path_of(part)

    monkeypatch.setattr(studio.shelf, "path_of", wait)
    for begin in range(4):
        speak(recording, noise(1, begin), at=begin * RATE)
        recording.flush()
    answers.set()
    studio.finish()
    speak(recording, noise(1, 4), at=4 * RATE)
    recording.end(is_over=True)
    studio.finish()
    assert studio.seconds("recording_lost_seconds_total", reason="slow") == pytest.approx(3)
    silence = np.zeros(3 * RATE, np.int16)
    assert (studio.heard() == np.concatenate([noise(1, 0), silence, noise(1, 4)])).all()


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file of this process gets longer than 64 kB, as on a disk that is full by then."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_keeps_what_it_has_and_is_tried_again(
    tmp_path: Path, small_files: None
) -> None:
    studio = Studio(tmp_path, retry_interval=0)
    samples, recording = noise(8), studio.begin()
    for begin in range(0, samples.size, RATE):
        speak(recording, samples[begin : begin + RATE], at=begin)
        recording.flush()
    recording.end(is_over=False)
    studio.finish()
    lost = studio.seconds("recording_lost_seconds_total", reason="disk")
    assert 0 < lost < 8
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert studio.shelf.join(NAME)
    heard = studio.heard()
    is_there = heard != 0
    assert (heard[is_there] == samples[: heard.size][is_there]).all()
    assert is_there.sum() > samples.size / 2


def test_a_full_disk_is_not_tried_all_the_time(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(studio.shelf, "path_of", refuse)
    recording = studio.begin()
    for begin in range(3):
        speak(recording, noise(1), at=begin * RATE)
        recording.flush()
    recording.end(is_over=True)
    studio.finish()
    assert studio.seconds("recording_lost_seconds_total", reason="disk") == pytest.approx(3)
    assert studio.shelf.everything() == {}
