import json
import re

import pytest

from relay.store import ApiKeys
from tests.support.commands import in_store, invoke, succeed

pytestmark = pytest.mark.usefixtures("folder")

KEY = re.compile("srk_[0-9a-f]{32}_[A-Za-z0-9_-]{43}")


def create(name: str = "billing", *options: str) -> str:
    return succeed("key", "create", name, "--quiet", *options).removesuffix("\n")


def test_a_key_is_shown_this_once() -> None:
    result = invoke("key", "create", "billing")
    text = result.stdout.removesuffix("\n")
    assert KEY.fullmatch(text)
    assert "Key 'billing' was created. Shown this once:" in result.stderr
    found = in_store(lambda database: ApiKeys(database).verify(text))
    assert found is not None
    assert (found.name, found.limits) == ("billing", {})
    assert text not in succeed("key", "list")


def test_a_script_gets_the_key_alone() -> None:
    create("mobile")
    result = invoke("key", "create", "billing", "-q")
    assert KEY.fullmatch(result.stdout.removesuffix("\n"))
    assert result.stderr == ""


def test_a_key_may_have_limits_of_its_own() -> None:
    text = create(
        "billing",
        *("--sessions", "10", "--connects-per-minute", "0"),
        *("--minutes-per-day", "1.5", "--session-minutes", "240"),
    )
    limits = {
        "sessions": 10,
        "connects_per_minute": 0,
        "minutes_per_day": 1.5,
        "session_minutes": 240,
    }
    found = in_store(lambda database: ApiKeys(database).verify(text))
    assert found is not None
    assert found.limits == limits
    (line,) = succeed("key", "list", "--json").splitlines()
    assert json.loads(line)["limits"] == limits
    assert "sessions=10 connects_per_minute=0 minutes_per_day=1.5" in succeed("key", "list")


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        ("--sessions", "-1", "sessions can't be -1; give a whole number from 0 on."),
        ("--sessions", "1.5", "'1.5' is not a valid integer"),
        ("--minutes-per-day", "nan", "minutes_per_day can't be nan"),
        ("--session-minutes", "inf", "session_minutes can't be inf"),
    ],
)
def test_what_can_be_no_limit_is_refused(option: str, value: str, why: str) -> None:
    result = invoke("key", "create", "billing", option, value)
    assert result.exit_code == 2
    assert why in result.stderr
    assert succeed("key", "list", "--json") == ""


def test_a_revoked_key_is_gone_and_its_name_free() -> None:
    text = create()
    assert invoke("key", "create", "Billing").exit_code == 1
    assert succeed("key", "revoke", "BILLING") == ""
    assert in_store(lambda database: ApiKeys(database).verify(text)) is None
    create("Billing")
    assert len(succeed("key", "list", "--json").splitlines()) == 1
    revoked = [json.loads(line) for line in succeed("key", "list", "--all", "--json").splitlines()]
    assert [(key["name"], key["revoked"] is None) for key in revoked] == [
        ("billing", False),
        ("Billing", True),
    ]


def test_a_key_that_is_not_there_is_named() -> None:
    result = invoke("key", "revoke", "billing")
    assert result.exit_code == 1
    assert "error: There is no key 'billing'. See who there is with: scribe-relay key list" in (
        result.stderr
    )


def test_an_empty_list_says_what_to_do() -> None:
    assert "No keys. Make one: scribe-relay key create NAME" in invoke("key", "list").stderr


def test_a_name_that_no_key_can_have_is_refused() -> None:
    assert invoke("key", "create", "x" * 65).exit_code == 2
