import pytest

from relay.scribe.parameters import (
    PARAMETERS,
    AudioFormat,
    CommitStrategy,
    InvalidParameters,
    Parameters,
)


def faults_of(*pairs: tuple[str, str]) -> dict[str, str]:
    with pytest.raises(InvalidParameters) as caught:
        Parameters.parse(pairs)
    return dict(caught.value.faults)


def test_the_table_holds_every_documented_parameter_but_the_token() -> None:
    assert set(PARAMETERS) == {
        "model_id",
        "audio_format",
        "language_code",
        "secondary_languages",
        "commit_strategy",
        "vad_silence_threshold_secs",
        "vad_threshold",
        "min_speech_duration_ms",
        "min_silence_duration_ms",
        "include_timestamps",
        "include_language_detection",
        "keyterms",
        "no_verbatim",
        "entity_detection",
        "entity_redaction",
        "entity_redaction_mode",
        "transcript_edit",
        "filter_background_audio",
        "keepalive_interval_ms",
        "enable_logging",
        "diarize",
    }


def test_defaults_are_the_vendors() -> None:
    parameters = Parameters.parse([])
    assert parameters.model_id == "scribe_v2_realtime"
    assert parameters.audio_format is AudioFormat.PCM_16000
    assert parameters.commit_strategy is CommitStrategy.MANUAL
    assert parameters.vad_silence_threshold_secs == 1.5
    assert parameters.vad_threshold == 0.4
    assert parameters.enable_logging


def test_a_list_is_a_repeated_parameter() -> None:
    parameters = Parameters.parse([("keyterms", "a")])
    assert parameters.keyterms == ("a",)
    assert Parameters.parse([("keyterms", "a"), ("keyterms", "b")]).keyterms == ("a", "b")


def test_a_json_array_is_one_term() -> None:
    assert Parameters.parse([("keyterms", '["a","b"]')]).keyterms == ('["a","b"]',)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("model_id", "scribe_v1"),
        ("audio_format", "pcm_12000"),
        ("language_code", "en-US"),
        ("language_code", ""),
        ("secondary_languages", "english"),
        ("commit_strategy", "auto"),
        ("vad_silence_threshold_secs", "0.29"),
        ("vad_silence_threshold_secs", "3.1"),
        ("vad_threshold", "0.95"),
        ("min_speech_duration_ms", "49"),
        ("min_silence_duration_ms", "2001"),
        ("include_timestamps", "yes"),
        ("include_language_detection", "1"),
        ("keyterms", "x" * 21),
        ("no_verbatim", ""),
        ("entity_detection", "Credit Card"),
        ("entity_redaction", "-"),
        ("entity_redaction_mode", "stars"),
        ("transcript_edit", "x" * 2001),
        ("filter_background_audio", "on"),
        ("keepalive_interval_ms", "499"),
        ("enable_logging", "no"),
        ("diarize", "2"),
    ],
)
def test_a_value_out_of_bounds_is_a_fault_of_its_parameter(name: str, text: str) -> None:
    assert name in faults_of((name, text))


def test_more_than_fifty_keyterms_are_refused() -> None:
    fifty = [("keyterms", f"t{n}") for n in range(50)]
    assert len(Parameters.parse(fifty).keyterms) == 50
    assert faults_of(*fifty, ("keyterms", "one more")) == {
        "keyterms": "may be given at most 50 times, not 51"
    }


def test_every_fault_is_reported_at_once() -> None:
    pairs = [
        ("model_id", "scribe_v1"),
        ("vad_threshold", "high"),
        ("sample_rate", "16000"),
        ("include_timestamps", "true"),
        ("filter_background_audio", "true"),
    ]
    with pytest.raises(InvalidParameters) as caught:
        Parameters.parse(pairs)
    names = {"model_id", "vad_threshold", "sample_rate", "filter_background_audio"}
    assert set(dict(caught.value.faults)) == names
    assert "sample_rate is not a parameter" in str(caught.value)


def test_the_value_of_an_unknown_parameter_is_not_repeated() -> None:
    with pytest.raises(InvalidParameters) as caught:
        Parameters.parse([("token", "sutkn_secret")])
    assert str(caught.value) == "token is not a parameter"


def test_unknown_parameters_can_be_kept_instead() -> None:
    parameters = Parameters.parse([("flavour", "mint")], allow_unknown=True)
    assert parameters.unknown == (("flavour", "mint"),)


@pytest.mark.parametrize("entities", ["entity_detection", "entity_redaction"])
def test_entities_and_an_edit_exclude_each_other(entities: str) -> None:
    faults = faults_of((entities, "all"), ("transcript_edit", "shout"))
    assert faults == {entities: "can't be combined with transcript_edit"}


def test_a_redaction_mode_needs_redaction() -> None:
    mode = ("entity_redaction_mode", "redacted")
    assert faults_of(mode) == {"entity_redaction_mode": "needs entity_redaction"}
    assert Parameters.parse([mode, ("entity_redaction", "pii")]).entity_redaction == ("pii",)


def test_the_background_filter_excludes_timestamps() -> None:
    faults = faults_of(("filter_background_audio", "true"), ("include_timestamps", "true"))
    assert faults == {"filter_background_audio": "can't be combined with include_timestamps"}


def test_turns_are_predicted_only_by_the_model_that_can() -> None:
    strategy = ("commit_strategy", "turn_prediction")
    assert "commit_strategy" in faults_of(strategy)
    parameters = Parameters.parse([strategy, ("model_id", "scribe_v3_live")])
    assert parameters.commit_strategy is CommitStrategy.TURN_PREDICTION


def test_a_query_holds_what_differs_and_what_sdks_always_send() -> None:
    pairs = [
        ("model_id", "scribe_v2_realtime"),
        ("audio_format", "ulaw_8000"),
        ("commit_strategy", "manual"),
        ("vad_threshold", "0.5"),
        ("include_timestamps", "true"),
        ("keyterms", "a"),
        ("keyterms", "b"),
    ]
    parameters = Parameters.parse([*pairs, ("min_speech_duration_ms", "100")])
    assert parameters.to_query() == pairs
    assert Parameters.parse(parameters.to_query()) == parameters


def test_replacing_a_value_checks_it() -> None:
    parameters = Parameters(keyterms=("a",))
    assert parameters.replace(audio_format="pcm_8000").audio_format is AudioFormat.PCM_8000
    with pytest.raises(InvalidParameters, match="vad_threshold must be"):
        parameters.replace(vad_threshold=2)


def test_options_that_cost_extra_are_named() -> None:
    assert Parameters(keyterms=("a",), transcript_edit="shout").surcharges() == {
        "keyterms",
        "transcript_edit",
    }
    assert Parameters(entity_detection=("all",), entity_redaction=("pii",)).surcharges() == {
        "entity_detection",
        "entity_redaction",
    }
    assert Parameters(include_timestamps=True).surcharges() == set()


@pytest.mark.parametrize("option", ["include_timestamps", "include_language_detection"])
def test_either_option_alone_causes_the_timed_message(option: str) -> None:
    assert not Parameters().wants_timed_message
    assert Parameters().replace(**{option: True}).wants_timed_message


def test_the_config_echo_has_both_namings() -> None:
    echo = Parameters(commit_strategy=CommitStrategy.VAD, enable_logging=False).config_echo()
    assert (echo["commit_strategy"], echo["vad_commit_strategy"]) == ("vad", True)
    assert (echo["enable_logging"], echo["disable_logging"]) == (False, True)
    assert (echo["sample_rate"], echo["audio_format"]) == (16000, "pcm_16000")
    assert (echo["entity_detection"], echo["keyterms"]) == (None, [])


def test_the_rate_is_part_of_the_format() -> None:
    assert [each.rate for each in AudioFormat] == [8000, 16000, 22050, 24000, 44100, 48000, 8000]
    assert AudioFormat.ULAW_8000.bytes_per_sample == 1
    assert AudioFormat.PCM_48000.bytes_per_sample == 2


def test_each_parameter_is_explained() -> None:
    assert all(row.help.endswith(".") and row.kind.describe() for row in PARAMETERS.values())


def test_what_follows_a_final_is_known_beforehand() -> None:
    assert Parameters().extra_messages == frozenset()
    both = Parameters(entity_detection=("all",), entity_redaction=("pii",))
    assert both.extra_messages == {"committed_transcript_entities", "redacted_transcript"}
    assert Parameters(transcript_edit="Shout.").extra_messages == {"edited_transcript"}
