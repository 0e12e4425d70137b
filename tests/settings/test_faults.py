import pytest

from relay.settings.faults import LONGEST_QUOTE, expected, quote
from relay.settings.model import Settings


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("chunk_ms", "a whole number from 20 to 1000 (ms)"),
        ("port", "a whole number from 0 to 65535"),
        ("commit_timeout", "a number from 0.1 to 120 (s)"),
        ("log_format", "one of auto, json, console"),
        (
            "allowed_surcharges",
            "one of keyterms, entity_detection, entity_redaction, transcript_edit",
        ),
        ("upstream_allow_plaintext", "true or false"),
        ("upstream_url", "what this setting takes"),
    ],
)
def test_what_is_right_is_said_in_words(name: str, text: str) -> None:
    assert expected(Settings.model_fields[name]) == text


def test_long_values_are_cut() -> None:
    assert quote("x" * 1000) == f"'{'x' * LONGEST_QUOTE}…'"
