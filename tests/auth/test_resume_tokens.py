import re

import pytest

from relay.auth.identities import Identity, Kind, Role
from relay.auth.resume_tokens import check_resumer, issue_token, read_token
from relay.errors import Unauthorized
from relay.logs import Redactor
from relay.store.secret_texts import digest

SESSION_ID = "0123456789abcdef" * 2
APP = "https://app.example.org"

ANNA = Identity(kind=Kind.USER, id="1" * 32, name="anna", role=Role.USER)
BERT = Identity(kind=Kind.USER, id="2" * 32, name="bert", role=Role.OPERATOR)
SERVER = Identity(kind=Kind.KEY, id="1" * 32, name="server", role=Role.KEY, subject="anna")


def test_a_token_says_which_session_it_is_of() -> None:
    token = issue_token(SESSION_ID)
    shown = read_token(token)
    assert shown.session_id == SESSION_ID
    assert re.fullmatch(r"[0-9a-f]{64}", shown.digest)
    assert shown.digest == digest(token)


def test_it_fits_a_subprotocol_as_it_is() -> None:
    """Source: RFC 6455, section 4.1: a token of RFC 2616."""
    assert re.fullmatch(r"[A-Za-z0-9_-]{60,100}", issue_token(SESSION_ID))


def test_each_is_another_one_and_opens_its_own_session_alone() -> None:
    tokens = [issue_token(SESSION_ID) for _ in range(100)]
    secrets = {token.rpartition(SESSION_ID)[2] for token in tokens}
    assert len(secrets) == 100
    assert all(len(secret) >= 43 for secret in secrets)  # 256 bits, of which 128 would do
    assert read_token(tokens[0]).digest != digest(tokens[1])


def test_the_secret_cannot_be_moved_to_another_session() -> None:
    token = issue_token(SESSION_ID)
    moved = token.replace(SESSION_ID, "f" * 32)
    assert read_token(token).digest != digest(moved)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        SESSION_ID,
        issue_token(SESSION_ID)[:-1],
        issue_token(SESSION_ID) + "A",
        issue_token(SESSION_ID) + "\n",
        issue_token(SESSION_ID).upper(),
        issue_token("../../../../../etc/passwd0000000"),
        "srk_" + issue_token(SESSION_ID)[4:],
        "srs_" + "٠" * 32 + "_" + "A" * 43,
    ],
    # Tokens are drawn at random, and tests need names that stay.
    ids=range(10),
)
def test_what_has_not_its_form_is_refused_like_what_has_ended(text: str) -> None:
    with pytest.raises(Unauthorized, match="has ended"):
        read_token(text)


@pytest.mark.parametrize(
    "line",
    [
        "{token}",
        "scribe-relay.v1, resume.{token}",
        "Sec-WebSocket-Protocol: scribe-relay.v1,ticket.abcdefgh,resume.{token}",
        "{{'resume_token': '{token}'}}",
        '{{"message_type":"session_started","resume_token":"{token}","config":{{}}}}',
        "GET /v1/stream?x={token}",
    ],
)
def test_no_log_line_holds_its_secret(line: str) -> None:
    token = issue_token(SESSION_ID)
    secret = token.removeprefix(f"srs_{SESSION_ID}_")
    cleaned = Redactor().redact(line.format(token=token))
    assert secret not in cleaned
    assert secret[:20] not in cleaned


def check(shown: Identity | None, *, origin: str | None = APP, began_at: str | None = APP) -> None:
    check_resumer(account=ANNA.account, began_at=began_at, shown=shown, origin=origin)


def test_a_token_alone_is_enough() -> None:
    check(None)


def test_its_bearer_may_show_who_it_is() -> None:
    check(ANNA)


@pytest.mark.parametrize("somebody_else", [BERT, SERVER], ids=lambda identity: identity.account)
def test_nobody_goes_on_with_the_session_of_somebody_else(somebody_else: Identity) -> None:
    with pytest.raises(Unauthorized, match="somebody else"):
        check(somebody_else)


@pytest.mark.parametrize("origin", [APP, f"{APP}:443", "HTTPS://app.example.org"])
def test_the_page_that_began_it_may_however_its_origin_is_written(origin: str) -> None:
    check(ANNA, origin=origin)


@pytest.mark.parametrize(
    "origin", [None, "", "null", "http://app.example.org", f"{APP}:444", "https://evil.example"]
)
def test_no_other_page_and_no_program_may(origin: str | None) -> None:
    with pytest.raises(Unauthorized, match="another page"):
        check(None, origin=origin)


@pytest.mark.parametrize("origin", ["", "null", APP])
def test_nor_any_page_where_a_program_began_it(origin: str) -> None:
    check(None, origin=None, began_at=None)
    with pytest.raises(Unauthorized, match="another page"):
        check(None, origin=origin, began_at=None)


def test_a_page_without_an_origin_of_its_own_may_go_on_as_such() -> None:
    check(None, origin="null", began_at="null")
