from pathlib import Path

import click
import pytest

from relay.cli.exits import CommandFailed
from relay.cli.targets import plan_targets, write_target

A, B = Path("in/a.wav"), Path("in/b.mp3")


def test_one_file_is_printed_in_any_format() -> None:
    assert plan_targets([A], None, "srt") == [None]


def test_several_files_are_printed_as_text() -> None:
    assert plan_targets([A, B], None, "txt") == [None, None]


@pytest.mark.parametrize("file_format", ["json", "srt", "vtt"])
def test_several_files_of_other_formats_need_a_folder(file_format: str) -> None:
    with pytest.raises(click.UsageError, match="need --output FOLDER"):
        plan_targets([A, B], None, file_format)


def test_one_file_goes_where_output_says(tmp_path: Path) -> None:
    assert plan_targets([A], tmp_path / "x.txt", "srt") == [tmp_path / "x.txt"]


def test_one_file_goes_into_a_folder_under_its_own_name(tmp_path: Path) -> None:
    assert plan_targets([A], tmp_path, "srt") == [tmp_path / "a.srt"]


def test_several_files_go_into_a_folder_that_need_not_exist(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert plan_targets([A, B], folder, "vtt") == [folder / "a.vtt", folder / "b.vtt"]


def test_files_of_one_stem_keep_their_suffixes(tmp_path: Path) -> None:
    files = [Path("a.wav"), Path("a.mp3"), Path("b.wav")]
    names = [target.name for target in plan_targets(files, tmp_path, "txt") if target]
    assert names == ["a.wav.txt", "a.mp3.txt", "b.txt"]


def test_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match=r"Two files are called a\.wav"):
        plan_targets([Path("x/a.wav"), Path("y/a.wav")], tmp_path, "txt")


def test_several_files_into_one_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(click.UsageError, match="need a folder"):
        plan_targets([A, B], tmp_path / "out", "txt")


def test_folders_are_made(tmp_path: Path) -> None:
    write_target(tmp_path / "a" / "b" / "c.txt", "grüß\n")
    assert (tmp_path / "a" / "b" / "c.txt").read_text(encoding="utf-8") == "grüß\n"


def test_target_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandFailed, match=r"x\.txt can't be written"):
        write_target(tmp_path / "file" / "x.txt", "")
