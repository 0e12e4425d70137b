import json
from datetime import UTC, datetime

import pytest

from relay.store import Approved, Enrolment, Kiosks
from tests.support.commands import in_store, invoke, succeed

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def device(folder: object) -> Enrolment:
    """A device that shows a code."""
    succeed("kiosk", "list")
    return in_store(lambda database: Kiosks(database).begin("10.0.0.1", datetime.now(UTC)))


def poll(device: Enrolment) -> Approved:
    answer = in_store(
        lambda database: Kiosks(database).poll(device.device_secret, datetime.now(UTC))
    )
    assert isinstance(answer, Approved)
    return answer


def test_a_device_becomes_a_kiosk(device: Enrolment) -> None:
    result = invoke("kiosk", "approve", device.code.lower(), "--name", "lobby")
    assert result.exit_code == 0
    assert "Kiosk 'lobby' was approved" in result.stderr
    secret = poll(device).secret
    found = in_store(lambda database: Kiosks(database).verify(secret))
    assert found is not None
    assert (found.name, found.options, found.approved_by) == ("lobby", (), "command line")


def test_its_options_are_kept_in_order(device: Enrolment) -> None:
    options = ("language_code=en", "no_verbatim=true")
    flags = [text for option in options for text in ("--option", option)]
    succeed("kiosk", "approve", device.code, "--name", "lobby", *flags)
    (line,) = succeed("kiosk", "list", "--json").splitlines()
    kiosk = json.loads(line)
    assert kiosk["options"] == [["language_code", "en"], ["no_verbatim", "true"]]
    assert (kiosk["name"], kiosk["in_use"]) == ("lobby", False)
    poll(device)
    assert "lobby\tlanguage_code=en&no_verbatim=true\tyes\tcommand line" in succeed("kiosk", "list")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("language_code",), "--option language_code: give NAME=VALUE"),
        (("colour=blue",), "--option: colour is not a parameter"),
        (("no_verbatim=perhaps",), "--option: no_verbatim"),
        (("language_code=en", "language_code=de"), "--option: language_code"),
        (("audio_format=pcm_8000",), "has its own setting"),
        (
            ("commit_strategy=turn_prediction", "model_id=scribe_v3_live"),
            "commit_strategy can be manual or vad",
        ),
        (("keyterms=Kyiv",), "name it in RELAY_ALLOWED_SURCHARGES as well"),
    ],
)
def test_options_with_which_no_session_could_run_are_refused(
    device: Enrolment, options: tuple[str, ...], why: str
) -> None:
    flags = [text for option in options for text in ("--option", option)]
    result = invoke("kiosk", "approve", device.code, "--name", "lobby", *flags)
    assert result.exit_code == 2
    assert why in result.stderr
    assert succeed("kiosk", "list", "--json") == ""


def test_an_option_that_costs_extra_is_taken_where_it_is_allowed(
    device: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELAY_ALLOWED_SURCHARGES", "keyterms")
    flags = ("--option", "keyterms=Kyiv", "--option", "keyterms=Lviv & co")
    succeed("kiosk", "approve", device.code, "--name", "lobby", *flags)
    (kiosk,) = in_store(lambda database: Kiosks(database).list())
    assert kiosk.options == (("keyterms", "Kyiv"), ("keyterms", "Lviv & co"))


def test_a_code_that_nobody_shows_is_named() -> None:
    result = invoke("kiosk", "approve", "BCDF-GHJK", "--name", "lobby")
    assert result.exit_code == 1
    assert "error: No device waits with the code 'BCDF-GHJK'." in result.stderr


def test_who_waits_is_listed(device: Enrolment) -> None:
    heads, line = succeed("kiosk", "list", "--pending").splitlines()
    assert heads.split("\t") == ["code", "address", "since", "until"]
    assert line.split("\t")[:2] == [device.code, "10.0.0.1"]
    succeed("kiosk", "approve", device.code, "--name", "lobby")
    assert "No device waits for approval." in invoke("kiosk", "list", "--pending").stderr


def test_a_revoked_kiosk_is_gone(device: Enrolment) -> None:
    succeed("kiosk", "approve", device.code, "--name", "lobby")
    secret = poll(device).secret
    assert "Kiosk 'LOBBY' was revoked." in invoke("kiosk", "revoke", "LOBBY").stderr
    assert in_store(lambda database: Kiosks(database).verify(secret)) is None
    assert succeed("kiosk", "list", "--json") == ""
    (line,) = succeed("kiosk", "list", "--json", "--all").splitlines()
    assert json.loads(line)["revoked"] is not None
    assert invoke("kiosk", "revoke", "lobby").exit_code == 1


def test_a_name_that_is_taken_is_refused(device: Enrolment) -> None:
    succeed("kiosk", "approve", device.code, "--name", "lobby")
    other = in_store(lambda database: Kiosks(database).begin("10.0.0.1", datetime.now(UTC)))
    result = invoke("kiosk", "approve", other.code, "--name", "Lobby")
    assert (result.exit_code, result.stderr) == (1, "error: The name 'Lobby' is taken.\n")


def test_an_empty_list_says_what_to_do() -> None:
    assert "No kiosks. Let a device ask for a code" in invoke("kiosk", "list").stderr
