import json
from collections.abc import Sequence

import itsdangerous
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.auth.signing import (
    CLOCK_SKEW,
    MAX_LENGTH,
    MIN_KEY_LENGTH,
    BadSignature,
    Expired,
    Signer,
    Tampered,
    check_key,
)

OLD, NEW, FOREIGN = ("o" * 40, "n" * 40, "f" * 40)
NOW = 1_800_000_000.0

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def signer(keys: Sequence[str] = (NEW,), now: float = NOW) -> Signer:
    return Signer(keys, clock=lambda: now)


@given(values)
def test_what_was_signed_comes_back(value: object) -> None:
    assert signer().loads("ticket", signer().dumps("ticket", value), max_age=60) == value


@given(values)
def test_a_text_fits_a_url_a_cookie_and_a_subprotocol(value: object) -> None:
    text = signer().dumps("ticket", value)
    assert text.replace("-", "").replace("_", "").replace(".", "").isalnum()
    assert text.isascii()


@given(st.data())
def test_a_text_with_any_bit_flipped_is_refused(data: st.DataObject) -> None:
    text = signer().dumps("session", data.draw(values))
    index = data.draw(st.integers(0, len(text) - 1))
    flipped = chr(ord(text[index]) ^ 1 << data.draw(st.integers(0, 7)))
    with pytest.raises(Tampered):
        signer().loads("session", text[:index] + flipped + text[index + 1 :], max_age=60)


@given(st.data())
def test_a_text_with_anything_put_in_or_left_out_is_refused(data: st.DataObject) -> None:
    text = signer().dumps("session", "s1")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    changed = text[:start] + data.draw(st.text(max_size=4)) + text[end:]
    if changed == text:
        return
    with pytest.raises(Tampered):
        signer().loads("session", changed, max_age=60)


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(Tampered):
        signer().loads("session", text, max_age=60)


def test_a_signature_can_be_written_in_one_way_only() -> None:
    text = signer().dumps("ticket", "t1")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 43 characters of 6 bits hold 256: the last one has two to spare.
    twins = [text[:-1] + alphabet[alphabet.index(text[-1]) ^ bits] for bits in (1, 2, 3)]
    for twin in [*twins, text + "=", text + "!", text + "\n"]:
        with pytest.raises(Tampered):
            signer().loads("ticket", twin, max_age=60)


def test_a_text_for_one_purpose_is_good_for_no_other() -> None:
    text = signer().dumps("ticket", "t1")
    with pytest.raises(Tampered):
        signer().loads("session", text, max_age=60)


def test_a_text_signed_with_an_older_key_is_still_good() -> None:
    text = signer([OLD]).dumps("session", "s1")
    assert signer([NEW, OLD]).loads("session", text, max_age=60) == "s1"


def test_the_first_key_signs() -> None:
    text = signer([NEW, OLD]).dumps("session", "s1")
    assert signer([NEW]).loads("session", text, max_age=60) == "s1"
    with pytest.raises(Tampered):
        signer([OLD]).loads("session", text, max_age=60)


def test_a_text_signed_with_an_unknown_key_is_refused() -> None:
    text = signer([FOREIGN]).dumps("session", "s1")
    with pytest.raises(Tampered):
        signer([NEW, OLD]).loads("session", text, max_age=60)


@pytest.mark.parametrize("age", [0.0, 59.9, 60.0, -CLOCK_SKEW])
def test_a_text_is_good_until_its_age_and_where_clocks_differ(age: float) -> None:
    text = signer().dumps("session", "s1")
    assert signer(now=NOW + age).loads("session", text, max_age=60) == "s1"


@pytest.mark.parametrize("age", [60.1, 1e9, -CLOCK_SKEW - 1])
def test_a_text_from_too_long_ago_or_ahead_is_refused(age: float) -> None:
    text = signer().dumps("session", "s1")
    with pytest.raises(Expired):
        signer(now=NOW + age).loads("session", text, max_age=60)


def test_one_exception_stands_for_both_refusals() -> None:
    assert issubclass(Tampered, BadSignature)
    assert issubclass(Expired, BadSignature)


def test_what_is_signed_and_no_json_is_refused() -> None:
    serializer = signer()._serializer("session")
    text = serializer.make_signer().sign(b"bm8ganNvbg").decode()
    with pytest.raises(Tampered):
        signer().loads("session", text, max_age=60)


def test_signatures_are_hmac_sha256() -> None:
    signature = signer().dumps("session", "s1").rpartition(".")[2]
    assert len(itsdangerous.encoding.base64_decode(signature)) == 32


def test_no_text_is_longer_than_what_is_accepted() -> None:
    text = signer().dumps("session", "")
    incompressible = "".join(map(str, range(4000)))
    with pytest.raises(ValueError, match=str(MAX_LENGTH)):
        signer().dumps("session", incompressible)
    with pytest.raises(Tampered):
        signer().loads("session", "A" * MAX_LENGTH + text, max_age=60)


def test_the_clock_is_the_real_one_unless_another_is_given() -> None:
    real = Signer([NEW])
    assert real.loads("session", real.dumps("session", 1), max_age=60) == 1


@pytest.mark.parametrize("keys", [[], [""], [NEW, ""]])
def test_without_a_key_nothing_is_signed(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="keys"):
        Signer(keys)


def test_a_key_has_to_be_long() -> None:
    check_key("x" * MIN_KEY_LENGTH)
    with pytest.raises(ValueError, match="3 characters") as caught:
        check_key("kEy")
    assert "kEy" not in str(caught.value)


def test_what_is_signed_can_be_read_by_everybody() -> None:
    payload = signer().dumps("ticket", ["t1"]).partition(".")[0]
    assert json.loads(itsdangerous.encoding.base64_decode(payload)) == ["t1"]
