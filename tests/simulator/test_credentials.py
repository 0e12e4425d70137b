import pytest

from relay.simulator.behaviour import Behaviour
from relay.simulator.credentials import REALTIME_TOKEN, TOKEN_TYPES, Credential, Credentials

LIFETIME = Behaviour.token_lifetime


def credentials(*keys: str) -> Credentials:
    """Accept these keys, or any if none is given."""
    return Credentials(keys or None, LIFETIME)


@pytest.mark.parametrize(
    ("key", "is_good"), [("key-1", True), ("ключ", True), ("key-", False), ("", False)]
)
def test_a_key_is_one_of_those_that_are_accepted(key: str, is_good: bool) -> None:
    assert credentials("key-1", "ключ").is_key(key) is is_good


def test_any_key_will_do_but_none() -> None:
    anybody = credentials()
    assert anybody.is_key("whatever")
    assert not anybody.is_key("")
    assert not anybody.is_key(None)


def test_no_keys_at_all_accept_nobody() -> None:
    assert not Credentials((), LIFETIME).is_key("key-1")


def test_a_good_key_opens_a_session() -> None:
    assert credentials("key-1").verify(key="key-1", token=None, now=0) is Credential.API_KEY


@pytest.mark.parametrize("key", [None, "", "key-2"])
def test_a_bad_key_opens_none(key: str | None) -> None:
    assert credentials("key-1").verify(key=key, token=None, now=0) is None


def test_a_token_looks_like_scribes_and_opens_a_session() -> None:
    known = credentials()
    token = known.issue_token(REALTIME_TOKEN, now=0)
    assert token.startswith("sutkn_")
    assert known.verify(key=None, token=token, now=1) is Credential.TOKEN


def test_no_two_tokens_are_the_same() -> None:
    known = credentials()
    assert len({known.issue_token(REALTIME_TOKEN, now=0) for _ in range(100)}) == 100


@pytest.mark.parametrize("token_type", sorted(TOKEN_TYPES - {REALTIME_TOKEN}))
def test_a_token_of_another_type_opens_none(token_type: str) -> None:
    known = credentials()
    token = known.issue_token(token_type, now=0)
    assert known.verify(key=None, token=token, now=0) is None


def test_a_spent_token_opens_none() -> None:
    known = credentials()
    token = known.issue_token(REALTIME_TOKEN, now=0)
    known.spend(token)
    known.spend(token)
    assert known.verify(key=None, token=token, now=0) is None


def test_a_token_waits_15_minutes() -> None:
    known = credentials()
    token = known.issue_token(REALTIME_TOKEN, now=100)
    assert known.verify(key=None, token=token, now=100 + 15 * 60 - 1) is Credential.TOKEN
    assert known.verify(key=None, token=token, now=100 + 15 * 60) is None


def test_tokens_that_expired_are_forgotten_and_others_are_not() -> None:
    known = credentials()
    first = known.issue_token(REALTIME_TOKEN, now=0)
    second = known.issue_token(REALTIME_TOKEN, now=LIFETIME - 1)
    third = known.issue_token(REALTIME_TOKEN, now=LIFETIME)
    assert set(known._tokens) == {second, third}
    assert first != second


@pytest.mark.parametrize("token", ["", "sutkn_unknown"])
def test_a_bad_token_wins_over_a_good_key(token: str) -> None:
    assert credentials("key-1").verify(key="key-1", token=token, now=0) is None


def test_a_good_token_makes_up_for_a_bad_key() -> None:
    known = credentials("key-1")
    token = known.issue_token(REALTIME_TOKEN, now=0)
    assert known.verify(key="key-2", token=token, now=0) is Credential.TOKEN
