import re

import pytest

from relay.store.names import ID
from relay.store.secret_texts import TEXT_OF_256_BITS, digest, is_secret_of, new_id, new_secret


def test_secrets_and_ids_look_as_their_patterns_say_and_never_repeat() -> None:
    for make, pattern in ((new_secret, TEXT_OF_256_BITS), (new_id, ID.pattern)):
        made = {make() for _ in range(100)}
        assert len(made) == 100
        assert all(re.fullmatch(pattern, text) for text in made)


def test_a_secret_is_known_by_its_digest() -> None:
    assert is_secret_of(digest("right"), "right")
    assert not is_secret_of(digest("right"), "wrong")


@pytest.mark.parametrize("text", ["", "right", "\ud800", "\x00", "x" * 10_000])
def test_nobody_has_a_secret(text: str) -> None:
    assert not is_secret_of(None, text)
    assert not is_secret_of("", text)
