from dataclasses import replace

import pytest

from relay.auth.identities import Identity, Kind, Role

ANNA = Identity(kind=Kind.USER, id="u1", name="Anna", role=Role.USER)


@pytest.mark.parametrize(
    ("identity", "account"),
    [
        (ANNA, "user:u1"),
        (replace(ANNA, role=Role.OPERATOR), "user:u1"),
        (Identity(kind=Kind.KIOSK, id="lobby", name="lobby", role=Role.KIOSK), "kiosk:lobby"),
        (Identity(kind=Kind.KEY, id="k1", name="shop", role=Role.KEY), "key:k1"),
        (Identity(kind=Kind.KEY, id="k1", name="shop", role=Role.KEY, subject="7"), "key:k1:7"),
        (Identity(kind=Kind.KEY, id="k1", name="shop", role=Role.KEY, subject=""), "key:k1:"),
    ],
)
def test_an_account_names_whom_limits_follow(identity: Identity, account: str) -> None:
    assert identity.account == account


def test_a_subject_moves_nobody_but_a_key_to_another_account() -> None:
    assert replace(ANNA, subject="7").account == ANNA.account


def test_identities_can_be_put_into_a_set() -> None:
    limited = replace(ANNA, limits={"sessions": 1})
    assert {ANNA, replace(ANNA), limited} == {ANNA, limited}
