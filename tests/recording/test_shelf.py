"""The folder of recordings, on a real disk."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from structlog.testing import capture_logs

from relay.audio.pcm import Int16
from relay.recording.flac import Flac, length_of, read_blocks, read_info
from relay.recording.formats import AUDIO_FORMATS
from relay.recording.parts import Name, Part, owner_of
from relay.recording.shelf import JOINED_WITHIN, JOINING, Shelf

RATE = 16_000
SESSION = "3f" * 16
ANNA = "user:1"
NAME = Name(SESSION, owner_of(ANNA))


def noise(seconds: float, seed: int = 0) -> Int16:
    made: Int16 = np.random.default_rng(seed).integers(-9000, 9000, round(seconds * RATE), np.int16)
    return made


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "audio")


def put(shelf: Shelf, samples: Int16, *, epoch: int = 1, start: int = 0) -> Path:
    path = shelf.path_of(Part(NAME, epoch, start))
    with Flac(path, RATE) as file:
        file.write(samples)
    return path


def put_torn(shelf: Shelf, samples: Int16, *, lost: int = 0, epoch: int = 1) -> Path:
    """Leave a part as a killed worker does: without an end, or broken off within a block."""
    whole = shelf.path_of(Part(NAME, 999, 0))
    with Flac(whole, RATE) as file:
        file.write(samples)
        content = whole.read_bytes()
    whole.unlink()
    path = shelf.path_of(Part(NAME, epoch, 0))
    path.write_bytes(content[: len(content) - lost])
    return path


def heard(shelf: Shelf) -> Int16:
    audio = shelf.find(SESSION, ANNA)
    assert audio is not None
    samples, rate = soundfile.read(audio.path, dtype="int16")
    assert (rate, len(samples)) == (RATE, audio.samples)
    result: Int16 = samples
    return result


def test_a_part_that_is_all_becomes_the_recording(shelf: Shelf) -> None:
    samples = noise(1.3)
    put(shelf, samples)
    assert shelf.find(SESSION, ANNA) is None
    assert shelf.join(NAME)
    assert (heard(shelf) == samples).all()
    assert not shelf.parts()


def test_parts_are_laid_over_each_other_with_silence_between(shelf: Shelf) -> None:
    first, second, third = noise(1.0, 1), noise(1.0, 2), noise(0.5, 3)
    put(shelf, first)
    put(shelf, second, epoch=2, start=12_000)
    put(shelf, third, epoch=2, start=40_000)
    assert shelf.join(NAME)
    expected = np.zeros(48_000, np.int16)
    for start, samples in ((0, first), (12_000, second), (40_000, third)):
        expected[start : start + samples.size] = samples
    assert (heard(shelf) == expected).all()


@pytest.mark.parametrize("lost", [0, 1000])
def test_what_a_killed_worker_wrote_is_read_but_for_the_last_blocks(
    shelf: Shelf, lost: int
) -> None:
    samples = noise(30)
    path = put_torn(shelf, samples, lost=lost)
    assert read_info(path) == (RATE, 0)
    assert samples.size - length_of(path) <= RATE
    assert shelf.join(NAME)
    found = heard(shelf)
    assert samples.size - found.size <= RATE
    assert (found == samples[: found.size]).all()


def lose_tail(path: Path, size: int) -> None:
    """Leave a file that was closed, but is not all on the disk, as when power fails."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - size)


def test_what_a_parts_head_promises_and_its_file_has_lost_is_silent(shelf: Shelf) -> None:
    first, second, third = noise(3.0, 1), noise(1.0, 2), noise(1.0, 3)
    lose_tail(put(shelf, first), 40_000)
    put(shelf, second, epoch=2, start=32_000)  # of the lost tail, so that some is left before it
    put(shelf, third, epoch=3, start=64_000)
    with capture_logs() as logs:
        assert shelf.join(NAME)
    found = heard(shelf)
    assert found.size == 80_000
    assert (found[32_000:48_000] == second).all()
    assert (found[64_000:] == third).all()
    kept = np.flatnonzero(found[:32_000])[-1] + 1
    assert 8_000 < kept < 32_000
    assert (found[:kept] == first[:kept]).all()
    assert [each["file"] for each in logs] == [Part(NAME, 1, 0).file]
    assert not shelf.parts()


def test_a_damaged_part_that_is_all_becomes_as_long_as_it_says(shelf: Shelf) -> None:
    samples = noise(3.0)
    lose_tail(put(shelf, samples), 40_000)
    assert shelf.join(NAME)
    found = heard(shelf)
    assert found.size == samples.size
    assert (found[:16_000] == samples[:16_000]).all()
    assert not found[-16_000:].any()


def test_as_wav_a_recording_has_the_length_that_was_promised(shelf: Shelf) -> None:
    put(shelf, noise(3.0))
    shelf.join(NAME)
    audio, wav = shelf.find(SESSION, ANNA), AUDIO_FORMATS["wav"]
    assert audio is not None
    assert sum(map(len, wav.pieces(audio))) == wav.size(audio)
    lose_tail(audio.path, 40_000)
    assert sum(map(len, wav.pieces(audio))) == wav.size(audio)


def test_a_recording_takes_in_what_comes_late(shelf: Shelf) -> None:
    first, second = noise(1.0, 1), noise(2.0, 2)
    put(shelf, first)
    shelf.join(NAME)
    put(shelf, second, epoch=2, start=8_000)
    assert shelf.join(NAME)
    assert (heard(shelf) == np.concatenate([first[:8_000], second])).all()


def test_joining_what_it_has_already_changes_nothing(shelf: Shelf) -> None:
    samples = noise(1.0)
    path = put(shelf, samples)
    copy = path.read_bytes()
    shelf.join(NAME)
    path.write_bytes(copy)  # killed between the two
    shelf.join(NAME)
    assert (heard(shelf) == samples).all()
    assert not shelf.join(NAME)


def test_a_part_of_nothing_comes_to_nothing(shelf: Shelf) -> None:
    shelf.path_of(Part(NAME, 1, 0)).touch()
    assert not shelf.join(NAME)
    assert not shelf.everything()


def test_two_dont_join_the_same(shelf: Shelf) -> None:
    put_torn(shelf, noise(1.0))
    target = shelf.folder / SESSION[:2] / f"{NAME.file}{JOINING}"
    target.parent.mkdir()
    target.touch()
    assert not shelf.join(NAME)
    long_ago = target.stat().st_mtime - JOINED_WITHIN - 1
    os.utime(target, (long_ago, long_ago))
    assert shelf.join(NAME)


def test_a_recording_is_its_owners(shelf: Shelf) -> None:
    put(shelf, noise(0.1))
    shelf.join(NAME)
    assert shelf.find(SESSION, ANNA) is not None
    assert shelf.find(SESSION, "user:2") is None
    assert shelf.find("../" + SESSION, ANNA) is None


def test_files_are_for_this_user_alone(shelf: Shelf) -> None:
    path = put(shelf, noise(0.1))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_deleting_leaves_nothing(shelf: Shelf) -> None:
    put(shelf, noise(0.1))
    shelf.join(NAME)
    put(shelf, noise(0.1), epoch=2)
    other = Part(Name("ab" * 16, owner_of("user:2")), 1, 0)
    with Flac(shelf.path_of(other), RATE) as file:
        file.write(noise(0.1))
    assert shelf.delete([SESSION, "../../etc"]) == 2
    assert list(shelf.everything()) == [other.name]


def test_deleting_an_account_finds_what_no_transcript_names(shelf: Shelf) -> None:
    put(shelf, noise(0.1))
    shelf.join(NAME)
    put(shelf, noise(0.1), epoch=2)
    assert shelf.delete_account("user:2") == 0
    assert shelf.delete_account(ANNA) == 2
    assert not shelf.everything()


def test_what_is_no_flac_says_nothing(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"nothing of the kind, and long enough for it")
    assert read_info(tmp_path / "x") is None
    assert read_info(tmp_path / "nowhere") is None
    assert list(read_blocks(tmp_path / "x")) == []
