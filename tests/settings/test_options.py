import pytest

from relay.settings.options import parse_capped_options, parse_pinned_options


def test_pinned_options_become_pairs_in_order() -> None:
    pairs = parse_pinned_options("language_code=en&keyterms=a%20b&keyterms=c")
    assert pairs == (("language_code", "en"), ("keyterms", "a b"), ("keyterms", "c"))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("language_code", "is not a query string"),
        ("langauge_code=en", "langauge_code is not a parameter"),
        ("language_code=en-US", "language_code must be an ISO"),
        ("audio_format=pcm_8000", "RELAY_UPSTREAM_AUDIO_FORMAT"),
        (
            "model_id=scribe_v3_live&commit_strategy=turn_prediction",
            "commit_strategy can be manual or vad",
        ),
    ],
)
def test_pinned_options_that_no_session_could_run_with_are_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_pinned_options(text)


def test_caps_become_numbers_by_name() -> None:
    caps = parse_capped_options("keyterms=10&vad_silence_threshold_secs=2")
    assert caps == {"keyterms": 10.0, "vad_silence_threshold_secs": 2.0}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("keyterms", "is not a query string"),
        ("keyterm=3", "keyterm is not an option"),
        ("language_code=3", "language_code is neither a number nor a list"),
        ("vad_threshold=0", "vad_threshold must be 0.1 to 0.9"),
        ("keyterms=51", "keyterms must be 0 to 50"),
        ("keyterms=-1", "keyterms must be 0 to 50"),
        ("min_speech_duration_ms=many", "min_speech_duration_ms must be a whole number"),
    ],
)
def test_caps_that_no_value_could_meet_are_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_capped_options(text)


def test_values_that_are_not_text_are_passed_on() -> None:
    assert parse_pinned_options((("language_code", "en"),)) == (("language_code", "en"),)
    assert parse_capped_options({"keyterms": 1.0}) == {"keyterms": 1.0}
