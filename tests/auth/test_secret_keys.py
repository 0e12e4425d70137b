import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.auth.secret_keys import FILE_NAME, MAX_BYTES, load_or_create
from relay.auth.signing import MIN_KEY_LENGTH, Signer
from relay.errors import ConfigError

KEY, OLDER = "k" * 40, "o" * 40

WORKER = """
import sys
from pathlib import Path
from relay.auth.secret_keys import load_or_create
print("ready", flush=True)
sys.stdin.readline()
print(load_or_create(Path(sys.argv[1])))
"""


@pytest.fixture(autouse=True)
def generous_umask() -> Iterator[None]:
    """Leave nothing to a umask that happens to be strict."""
    before = os.umask(0)
    yield
    os.umask(before)


def write(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / FILE_NAME
    path.write_bytes(content)
    path.chmod(mode)
    return path


def refusal(folder: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_or_create(folder)
    (sentence,) = caught.value.faults
    assert sentence.startswith("RELAY_DATA_DIR: ")
    assert sentence.endswith(".")
    assert FILE_NAME in sentence
    return sentence


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_key_is_made_where_there_is_none_and_stays(tmp_path: Path) -> None:
    keys = load_or_create(tmp_path)
    assert load_or_create(tmp_path) == keys
    (key,) = keys
    assert len(key) >= MIN_KEY_LENGTH
    Signer(keys)


def test_each_folder_has_a_key_of_its_own(tmp_path: Path) -> None:
    assert load_or_create(tmp_path / "a") != load_or_create(tmp_path / "b")


def test_nobody_else_can_read_file_or_folder(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    load_or_create(folder)
    assert mode_of(folder / FILE_NAME) == 0o600
    assert mode_of(folder) == 0o700


def test_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    load_or_create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_eight_workers_that_start_at_once_have_the_same_keys(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    command = [sys.executable, "-c", WORKER, str(folder)]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    answers = {worker.communicate(timeout=30)[0] for worker in workers}
    assert answers == {f"{load_or_create(folder)}\n"}
    assert [path.name for path in folder.iterdir()] == [FILE_NAME]


def test_a_worker_that_comes_second_takes_what_the_first_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, KEY.encode())
    # It looked just before the file was there.
    monkeypatch.setattr(Path, "exists", lambda path: False)
    assert load_or_create(tmp_path) == [KEY]
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_file_may_hold_older_keys_too(tmp_path: Path) -> None:
    write(tmp_path, f"{KEY}\n\n  {OLDER}\r\n".encode())
    assert load_or_create(tmp_path) == [KEY, OLDER]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620, 0o777])
def test_a_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path, KEY.encode(), mode)
    sentence = refusal(tmp_path)
    assert f"mode {mode:04o}" in sentence
    assert f"chmod 600 {path}" in sentence
    assert KEY not in sentence


def test_a_file_that_its_owner_cannot_write_is_fine(tmp_path: Path) -> None:
    write(tmp_path, KEY.encode(), 0o400)
    assert load_or_create(tmp_path) == [KEY]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no key"),
        (b" \n\n", "holds no key"),
        (b"secret", "6 characters"),
        (KEY.encode() + b"\nsecret", "6 characters"),
        ("ключ".encode() * 20, "no list of keys"),
        (b"k" * (MAX_BYTES + 1), "no list of keys"),
    ],
)
def test_a_file_without_good_keys_is_refused_and_not_quoted(
    tmp_path: Path, content: bytes, said: str
) -> None:
    write(tmp_path, content)
    sentence = refusal(tmp_path)
    assert said in sentence
    assert "secret'" not in sentence.replace(FILE_NAME, "")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "RELAY_SECRET_KEYS" in refusal(tmp_path / "file" / "data")
    assert "RELAY_SECRET_KEYS" in refusal(tmp_path / "file")


def test_something_else_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    assert "directory" in refusal(tmp_path)


def test_a_file_system_without_links_is_told_and_left_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(path: Path, target: Path) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    assert "Operation not supported" in refusal(tmp_path)
    assert list(tmp_path.iterdir()) == []
