import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from relay.recording.flac import Flac
from relay.recording.parts import Name, Part, owner_of
from relay.recording.shelf import Shelf
from relay.store import Database, Usage, UsageRow, User, Users
from relay.store.segments import Said, Segments
from relay.store.transcripts import Filter, Transcripts
from tests.store.test_transcripts import NOON, record
from tests.support.commands import in_store, invoke, on_terminal, succeed

pytestmark = pytest.mark.usefixtures("folder")

ONE = "a" * 32


@pytest.fixture
def anna() -> User:
    """A user with two transcripts, beside a kiosk's."""
    succeed("user", "add", "anna")

    async def write(database: Database) -> User:
        user = await Users(database).find("anna")
        assert user is not None
        account = f"user:{user.id}"
        await Segments(database).record(
            [
                record(ONE, Said(number=0, text="Good morning"), account=account),
                record("b" * 32, Said(number=0, text="再见"), account=account, minutes=1),
                record("c" * 32, Said(number=0, text="Good day"), account="kiosk:lobby", minutes=2),
            ]
        )
        row = UsageRow(
            session_id=ONE, day=NOON.date(), account=account, kind="user", name="anna", sent_ms=5
        )
        await Usage(database).record([row])
        return user

    return in_store(write)


def ids(*arguments: str) -> list[str]:
    listed = succeed("history", "search", "--json", *arguments)
    return [json.loads(line)["id"][0] for line in listed.splitlines()]


def test_transcripts_are_listed_and_searched(anna: User) -> None:
    assert ids() == ["c", "b", "a"]
    assert ids("good") == ["c", "a"]
    assert ids("good", "--user", "anna") == ["a"]
    assert ids("--user", anna.id, "--limit", "1") == ["b"]
    assert ids("--kiosk", "lobby") == ["c"]
    assert ids("--account", "kiosk:lobby", "--since", "2026-11-24", "--until", "2026-11-24") == [
        "c"
    ]
    assert ids("--since", "2026-11-25") == []
    (line,) = succeed("history", "search", "见", "--json").splitlines()
    found: dict[str, Any] = json.loads(line)
    assert (found["found"], found["first"], found["name"]) == (1, "再见", "anna")
    assert "No transcripts." in invoke("history", "search", "nothing").stderr


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("search", "?"), 2, "A search needs a letter or a digit."),
        (("search", "--user", "ben"), 1, "There is no user 'ben'"),
        (("search", "--key", "ben"), 1, "give --account key:ID"),
        (("search", "--user", "anna", "--kiosk", "lobby"), 2, "Give one of --user"),
        (("export", "x", "--device", "lobby"), 2, "not both"),
        (("export", "x"), 1, "There is no transcript 'x'"),
        (("export", "-o", "nowhere/x.zip"), 1, "nowhere/x.zip can't be written"),
        (("delete",), 2, "Give an ID, flags that say which, or --all."),
        (("delete", "x", "--all"), 2, "Give an ID, flags that say which, or --all."),
        (("delete", "x"), 1, "There is no transcript 'x'"),
    ],
)
def test_what_cant_be_done_is_said(
    anna: User, arguments: tuple[str, ...], code: int, text: str
) -> None:
    result = invoke("history", *arguments)
    assert result.exit_code == code, result.output
    assert text in result.stderr


def ids_of(kind: str, name: str) -> list[str]:
    listed = succeed(kind, "list", "--all", "--json").splitlines()
    rows = [json.loads(line) for line in listed]
    return [row["id"] for row in rows if row["name"].lower() == name]


def test_a_name_that_was_given_again_means_who_has_it_now(folder: Path) -> None:
    succeed("key", "create", "crm")
    (old,) = ids_of("key", "crm")
    succeed("key", "revoke", "crm", "--yes")
    succeed("key", "create", "CRM")
    (new,) = set(ids_of("key", "crm")) - {old}

    async def write(database: Database) -> None:
        said = Said(number=0, text="Good day")
        await Segments(database).record(
            [
                record("a" * 32, said, account=f"key:{old}", kind="key", name="crm"),
                record("b" * 32, said, account=f"key:{new}", kind="key", name="CRM"),
            ]
        )

    in_store(write)
    assert ids("--key", "crm") == ids("--key", new) == ["b"]
    assert ids("--key", old) == ["a"]
    succeed("key", "revoke", "crm", "--yes")
    refused = invoke("history", "delete", "--key", "Crm", "--yes")
    assert refused.exit_code == 1
    assert f"key:{old}" in refused.stderr
    assert f"key:{new}" in refused.stderr
    assert ids() == ["b", "a"]
    assert ids("--account", f"key:{old}") == ["a"]


def test_one_transcript_is_exported_as_it_is_and_many_as_a_zip_file(
    anna: User, folder: Path
) -> None:
    assert succeed("history", "export", ONE) == "Good morning\n"
    assert json.loads(succeed("history", "export", ONE, "-f", "json"))["id"] == ONE
    result = invoke("history", "export", "--user", "anna", "-f", "srt", "-o", "anna.zip")
    assert "2 transcripts exported to anna.zip." in result.stderr
    with zipfile.ZipFile(folder / "anna.zip") as files:
        assert files.testzip() is None
        assert [name[-4:] for name in files.namelist()] == [".srt", ".srt"]
    assert [path.name for path in folder.iterdir() if path.suffix == ".part"] == []


def test_long_work_shows_how_far_it_is(anna: User) -> None:
    code, shown = on_terminal("history", "export", "-o", "all.zip")
    assert code == 0
    assert "3 transcripts exported" in shown
    assert "/3" in shown


def test_transcripts_are_deleted_for_good(anna: User) -> None:
    assert "1 transcript deleted." in invoke("history", "delete", ONE).stderr
    assert ids() == ["c", "b"]
    assert "1 transcript deleted." in invoke("history", "delete", "--user", "anna").stderr
    # What its session says from now on isn't stored either.
    late = record("d" * 32, Said(number=0, text="late"), account=f"user:{anna.id}")
    assert in_store(lambda database: Segments(database).record([late])) == 1
    assert "1 transcript deleted." in invoke("history", "delete", "--all", "--yes").stderr
    assert ids() == []


def test_on_a_terminal_it_is_asked_first(anna: User) -> None:
    code, _ = on_terminal("history", "delete", "--all", answers=[("Delete 3 transcripts?", "n")])
    assert code == 1
    assert len(ids()) == 3


def test_all_that_is_known_of_a_user_is_exported(anna: User, folder: Path) -> None:
    result = invoke("user", "export", "anna", "--output", "anna.zip")
    assert "Everything of user 'anna', 2 transcripts included" in result.stderr
    with zipfile.ZipFile(folder / "anna.zip") as files:
        assert files.namelist()[:3] == ["account.json", "usage.json", "kiosks.json"]
        assert json.loads(files.read("account.json"))["id"] == anna.id
        assert json.loads(files.read("usage.json"))[0]["sent_ms"] == 5
        texts = [json.loads(files.read(name)) for name in files.namelist()[3:]]
    assert [each["segments"][0]["text"] for each in texts] == ["再见", "Good morning"]


def test_a_user_is_erased_with_all_that_is_known_of_them(anna: User, folder: Path) -> None:
    assert invoke("user", "erase", "ben").exit_code == 1
    result = invoke("user", "erase", "anna", "--wait", "0")
    assert "User 'anna' was erased: 2 transcripts, 1 rows of usage." in result.stderr
    assert ids() == ["c"]

    async def left(database: Database) -> tuple[object, int, int]:
        wanted = Filter(account=f"user:{anna.id}")
        ms = await Usage(database).received_ms(wanted.account, NOON.date())
        return await Users(database).find("anna"), await Transcripts(database).count(wanted), ms

    assert in_store(left) == (None, 0, 0)
    for file in (folder / "state").iterdir():
        assert b"Good morning" not in file.read_bytes()
        assert "再见".encode() not in file.read_bytes()
    result = invoke("user", "erase", anna.id)
    assert result.exit_code == 0


@pytest.fixture
def recorded(anna: User, folder: Path) -> Shelf:
    """Audio of anna's first transcript, and of a session of hers that never got one."""
    shelf = Shelf(folder / "state" / "audio")
    for session_id in (ONE, "e" * 32):
        name = Name(session_id, owner_of(f"user:{anna.id}"))
        with Flac(shelf.path_of(Part(name, 1, 0)), 16_000) as file:
            file.write(np.arange(1000, dtype=np.int16))
        shelf.join(name)
    return shelf


def test_audio_is_exported_where_there_is_some(recorded: Shelf, folder: Path) -> None:
    for name in ("flac", "wav"):
        invoke("history", "export", ONE, "-f", name, "-o", f"x.{name}")
        samples, rate = soundfile.read(folder / f"x.{name}", dtype="int16")
        assert (rate, samples.tolist()) == (16_000, list(range(1000)))
        invoke("history", "export", "--user", "anna", "-f", name, "-o", "x.zip")
        with zipfile.ZipFile(folder / "x.zip") as files:
            (member,) = files.namelist()
            assert files.read(member) == (folder / f"x.{name}").read_bytes()
    refused = invoke("history", "export", "b" * 32, "-f", "flac")
    assert refused.exit_code == 1
    assert "There is no audio of transcript 'bb" in refused.stderr
    invoke("user", "export", "anna", "-o", "anna.zip")
    with zipfile.ZipFile(folder / "anna.zip") as files:
        (member,) = (name for name in files.namelist() if name.startswith("audio/"))
        assert files.read(member) == (folder / "x.flac").read_bytes()


def test_audio_goes_with_its_transcript(recorded: Shelf) -> None:
    succeed("history", "delete", ONE)
    assert [name.session_id[0] for name in recorded.everything()] == ["e"]


def test_erasing_a_user_leaves_no_audio_of_theirs(recorded: Shelf) -> None:
    succeed("user", "erase", "anna", "--yes", "--wait", "0")
    assert recorded.everything() == {}
