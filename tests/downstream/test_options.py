import pytest

from relay.downstream.options import OptionPolicy, check_options
from relay.errors import InvalidRequest

Pairs = list[tuple[str, str]]


def test_what_is_allowed_is_granted_as_asked() -> None:
    asked: Pairs = [("language_code", "en"), ("include_timestamps", "true")]
    parameters, notes = OptionPolicy().grant(asked)
    assert (parameters.language_code, parameters.include_timestamps) == ("en", True)
    assert notes == []


def test_every_fault_is_named() -> None:
    asked: Pairs = [("vad_threshold", "7"), ("colour", "red"), ("language_code", "en-US")]
    with pytest.raises(InvalidRequest) as caught:
        OptionPolicy().grant(asked)
    for name, _ in asked:
        assert name in str(caught.value)


def test_a_pin_overrules_and_says_so() -> None:
    policy = OptionPolicy(pinned=(("language_code", "ru"),))
    parameters, notes = policy.grant([("language_code", "en")])
    assert parameters.language_code == "ru"
    assert len(notes) == 1
    assert notes[0].startswith("language_code")


@pytest.mark.parametrize("asked", [[], [("language_code", "ru")]])
def test_a_pin_that_changes_nothing_says_nothing(asked: Pairs) -> None:
    parameters, notes = OptionPolicy(pinned=(("language_code", "ru"),)).grant(asked)
    assert parameters.language_code == "ru"
    assert notes == []


def test_a_number_is_capped() -> None:
    policy = OptionPolicy(capped={"vad_silence_threshold_secs": 2.0, "min_speech_duration_ms": 200})
    parameters, notes = policy.grant(
        [("vad_silence_threshold_secs", "3.0"), ("min_speech_duration_ms", "150")]
    )
    assert parameters.vad_silence_threshold_secs == 2.0
    assert parameters.min_speech_duration_ms == 150
    assert len(notes) == 1


def test_a_list_is_cut() -> None:
    policy = OptionPolicy(capped={"secondary_languages": 1})
    parameters, _ = policy.grant([("secondary_languages", "en"), ("secondary_languages", "ru")])
    assert parameters.secondary_languages == ("en",)


def test_options_that_cost_extra_need_permission() -> None:
    asked: Pairs = [("keyterms", "relay")]
    with pytest.raises(InvalidRequest, match=r"keyterms.*RELAY_ALLOWED_SURCHARGES"):
        OptionPolicy().grant(asked)
    parameters, _ = OptionPolicy(allowed_surcharges=frozenset({"keyterms"})).grant(asked)
    assert parameters.keyterms == ("relay",)


def test_turns_are_not_predicted_here() -> None:
    asked: Pairs = [("commit_strategy", "turn_prediction"), ("model_id", "scribe_v3_live")]
    with pytest.raises(InvalidRequest, match="commit_strategy"):
        OptionPolicy().grant(asked)


def test_a_cap_that_breaks_the_rest_is_refused_and_said() -> None:
    policy = OptionPolicy(
        capped={"entity_redaction": 0}, allowed_surcharges=frozenset({"entity_redaction"})
    )
    asked: Pairs = [("entity_redaction", "pii"), ("entity_redaction_mode", "redacted")]
    with pytest.raises(InvalidRequest, match="entity_redaction_mode"):
        policy.grant(asked)


def test_pins_of_one_session_yield_to_those_of_all() -> None:
    policy = OptionPolicy(pinned=(("language_code", "ru"),))
    pinned = policy.with_pins((("language_code", "en"), ("no_verbatim", "true")))
    parameters, _ = pinned.grant([])
    assert (parameters.language_code, parameters.no_verbatim) == ("ru", True)
    assert policy.pinned == (("language_code", "ru"),)


def test_options_to_be_pinned_have_to_be_ones_that_a_session_can_have() -> None:
    check_options([("language_code", "en"), ("keyterms", "Tromsø")])
    with pytest.raises(InvalidRequest, match="colour"):
        check_options([("colour", "red")])
