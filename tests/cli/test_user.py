import asyncio
import json
import re
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relay.auth.passwords import Passwords
from relay.store import Database, SignIn, User, Users
from tests.support.commands import in_store, invoke, on_terminal, succeed
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.usefixtures("folder")

MADE = re.compile(r"[a-z2-9]{5}(-[a-z2-9]{5}){3}")
LINK = re.compile(r"/login\?link=([A-Za-z0-9_-]{43})")
PASSWORD = "correct horse"


def find(name: str) -> User:
    user = in_store(lambda database: Users(database).find(name))
    assert user is not None
    return user


def opens(user: User, password: str) -> bool:
    return asyncio.run(Passwords().verify(user.password_hash, password))


def add(name: str = "anna", *options: str) -> None:
    succeed("user", "add", name, "--password-stdin", *options, stdin=PASSWORD)


def test_without_a_terminal_a_password_is_made_and_shown_once() -> None:
    result = invoke("user", "add", "anna")
    password = result.stdout.removesuffix("\n")
    assert MADE.fullmatch(password)
    assert "User 'anna' was added. The password, shown this once:" in result.stderr
    assert password not in result.stderr
    assert opens(find("anna"), password)


def test_a_script_gets_the_password_alone() -> None:
    add("bella")
    result = invoke("user", "add", "anna", "--quiet")
    assert MADE.fullmatch(result.stdout.removesuffix("\n"))
    assert result.stderr == ""


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_password_may_come_by_a_pipe(end: str) -> None:
    result = invoke("user", "add", "anna", "--password-stdin", stdin=f" {PASSWORD} {end}")
    assert (result.exit_code, result.stdout) == (0, "")
    assert opens(find("anna"), f" {PASSWORD} ")


@pytest.mark.parametrize(
    ("password", "why"), [("short", "needs 8 characters"), ("", "has 0"), ("x" * 1025, "at most")]
)
def test_a_password_that_is_too_short_or_long_is_refused(password: str, why: str) -> None:
    result = invoke("user", "add", "anna", "--password-stdin", stdin=password)
    assert result.exit_code == 1
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert why in line
    assert succeed("user", "list", "--json") == ""


def test_on_a_terminal_the_password_is_asked_for_twice_and_hidden() -> None:
    answers = [("Password: ", PASSWORD), ("The same once more: ", PASSWORD)]
    code, shown = on_terminal("user", "add", "anna", answers=answers)
    assert code == 0, shown
    assert "User 'anna' was added." in shown
    assert PASSWORD not in shown
    assert opens(find("anna"), PASSWORD)


def test_on_a_terminal_it_is_asked_for_until_it_is_good() -> None:
    answers = [
        ("Password: ", "short"),
        ("this one has 5.\r\nPassword: ", PASSWORD),
        ("The same once more: ", "another one"),
        ("two different passwords.\r\nPassword: ", PASSWORD),
        ("The same once more: ", PASSWORD),
    ]
    code, shown = on_terminal("user", "add", "anna", answers=answers)
    assert code == 0, shown
    assert opens(find("anna"), PASSWORD)


@pytest.mark.parametrize("name", ["anna", "ANNA"])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    add()
    result = invoke("user", "add", name)
    assert result.exit_code == 1
    assert result.stderr == f"error: The name '{name}' is taken.\n"
    assert result.stdout == ""


def test_a_name_that_nobody_can_have_is_refused() -> None:
    result = invoke("user", "add", "anna ")
    assert result.exit_code == 2
    assert "Error: A name neither begins nor ends with a space." in result.stderr


def test_an_operator_is_one_from_the_start() -> None:
    add("anna", "--operator")
    add("bella")
    assert (find("anna").is_operator, find("bella").is_operator) == (True, False)


def test_the_list_is_made_for_other_programs() -> None:
    add("bella", "--operator")
    add("anna")
    heads, *lines = succeed("user", "list").splitlines()
    assert heads.split("\t") == ["name", "operator", "password", "created", "id"]
    assert [line.split("\t")[:3] for line in lines] == [
        ["anna", "no", "yes"],
        ["bella", "yes", "yes"],
    ]


def test_the_list_in_json_has_an_object_a_line() -> None:
    add("Ольга")
    (line,) = succeed("user", "list", "--json").splitlines()
    user = json.loads(line)
    created = datetime.fromisoformat(user.pop("created"))
    assert created.tzinfo is not None
    assert user == {"name": "Ольга", "operator": False, "password": True, "id": find("Ольга").id}
    assert "Ольга" in line


def test_on_a_terminal_the_list_is_a_table_for_people() -> None:
    add("[bold]anna[/]")
    code, shown = on_terminal("user", "list")
    assert code == 0
    lines = re.sub("\x1b\\[[0-9;]*m", "", shown).splitlines()
    assert lines[0].split() == ["name", "operator", "password", "created"]
    assert lines[1].split()[:3] == ["[bold]anna[/]", "no", "yes"]


def test_an_empty_list_says_what_to_do() -> None:
    result = invoke("user", "list")
    assert result.stdout == ""
    assert "No users. Add one: scribe-relay user add NAME" in result.stderr


def test_a_new_password_signs_out_whoever_used_the_old_one() -> None:
    add()
    now = datetime.now(UTC)
    user = find("anna")
    sign_in = in_store(lambda database: Users(database).sign_in(user.id, 3600, now))
    assert isinstance(sign_in, SignIn)
    password = succeed("user", "passwd", "ANNA").removesuffix("\n")
    assert opens(find("anna"), password)
    assert not opens(find("anna"), PASSWORD)
    assert in_store(lambda database: Users(database).sign_in_of(sign_in.id, now)) is None


def test_a_user_is_removed() -> None:
    add()
    result = invoke("user", "remove", "Anna")
    assert (result.exit_code, result.stderr) == (0, "User 'anna' was removed.\n")
    assert succeed("user", "list", "--json") == ""


def test_a_user_is_removed_by_id_too() -> None:
    add()
    assert "'anna' was removed" in invoke("user", "remove", find("anna").id).stderr


def test_on_a_terminal_removal_is_asked_about() -> None:
    add()
    code, shown = on_terminal("user", "remove", "anna", answers=[("[y/N]: ", "n")])
    assert (code, "Aborted!" in shown) == (1, True)
    assert find("anna").name == "anna"
    code, _ = on_terminal("user", "remove", "anna", answers=[("[y/N]: ", "y")])
    assert code == 0
    assert on_terminal("user", "remove", "anna", "--yes")[0] == 1


@pytest.mark.parametrize("command", ["passwd", "remove", "link"])
def test_a_user_who_is_not_there_is_named(command: str) -> None:
    add()
    result = invoke("user", command, "zed")
    assert result.exit_code == 1
    assert result.stderr == (
        "error: There is no user 'zed'. See who there is with: scribe-relay user list\n"
    )


def test_a_link_signs_in_once() -> None:
    add()
    result = invoke("user", "link", "anna")
    match = LINK.fullmatch(result.stdout.removesuffix("\n"))
    assert match is not None
    assert "once and within ten minutes" in result.stderr

    async def spend_twice(database: Database) -> list[User | None]:
        users = Users(database)
        return [await users.consume_link(match[1], datetime.now(UTC)) for _ in range(2)]

    assert in_store(spend_twice) == [find("anna"), None]


def test_a_link_may_be_complete_and_alone() -> None:
    add()
    base = ("--base-url", "https://relay.example.org/")
    result = invoke("user", "link", "anna", *base, "--quiet")
    assert result.stderr == ""
    path = result.stdout.removesuffix("\n").removeprefix("https://relay.example.org")
    assert LINK.fullmatch(path)


@pytest.mark.parametrize("url", ["relay.example.org", "ftp://x", "https://x/y?z", ""])
def test_a_link_needs_an_address_that_browsers_know(url: str) -> None:
    result = invoke("user", "link", "anna", "--base-url", url)
    assert result.exit_code == 2
    assert "--base-url: " in result.stderr


def test_a_new_database_is_made_for_its_owner_alone_and_named_once(folder: Path) -> None:
    first, second = invoke("user", "list"), invoke("user", "list")
    assert f"A new database was made: {folder}/state/relay.db\n" in first.stderr
    assert "A new database" not in second.stderr
    modes = [stat.S_IMODE((folder / path).stat().st_mode) for path in ("state", "state/relay.db")]
    assert modes == [0o700, 0o600]


def test_commands_work_on_postgres(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("RELAY_DATABASE_URL", postgres_server.create_database())
    add("anna")
    assert json.loads(succeed("user", "list", "--json"))["name"] == "anna"
    assert not (folder / "state").exists()


def test_a_database_that_cannot_be_reached_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_DATABASE_URL", "postgresql://relay:hush@127.0.0.1:1/relay")
    result = invoke("user", "list")
    assert result.exit_code == 4
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: The database can't be used: ")
    assert "hush" not in line


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_DATABASE_URL", "mysql://relay:hush@127.0.0.1/relay")
    result = invoke("user", "list")
    assert result.exit_code == 3
    assert result.stderr.startswith("error: RELAY_DATABASE_URL (environment): it begins with")
    assert "hush" not in result.stderr


def test_the_password_is_the_same_for_a_process_of_its_own() -> None:
    command = [sys.executable, "-W", "error", "-m", "relay", "user", "add", "anna", "--quiet"]
    added = subprocess.run(
        command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert opens(find("anna"), added.stdout.removesuffix("\n"))
