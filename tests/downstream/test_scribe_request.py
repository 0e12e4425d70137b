import pytest

from relay.audio.pcm import Encoding, WireFormat
from relay.downstream.options import OptionPolicy
from relay.downstream.scribe_request import (
    ScribeRequest,
    parse_scribe_request,
    queue_bytes,
    tokens_in,
)
from relay.errors import InvalidRequest
from relay.scribe.parameters import AudioFormat, CommitStrategy, Parameters


def parse(*pairs: tuple[str, str]) -> ScribeRequest:
    return parse_scribe_request(pairs, OptionPolicy())


def test_the_default_is_what_the_browsers_sdk_sends_and_does_not_say() -> None:
    request = parse()
    assert request.wire_format is WireFormat.PCM_16000
    assert (request.sample_rate, request.encoding, request.channels) == (
        16_000,
        Encoding.PCM_S16LE,
        1,
    )


@pytest.mark.parametrize("audio_format", AudioFormat)
def test_each_format_of_scribes_is_taken(audio_format: AudioFormat) -> None:
    request = parse(("audio_format", audio_format))
    assert str(request.wire_format) == str(audio_format)
    assert request.sample_rate == audio_format.rate


def test_the_config_is_scribes_echo_of_what_was_asked_for() -> None:
    request = parse(("audio_format", "ulaw_8000"), ("commit_strategy", "vad"))
    asked = Parameters(audio_format=AudioFormat.ULAW_8000, commit_strategy=CommitStrategy.VAD)
    assert request.config() == asked.config_echo()


def test_lists_are_repeated() -> None:
    request = parse(("secondary_languages", "uk"), ("secondary_languages", "en"))
    assert request.parameters.secondary_languages == ("uk", "en")


def test_what_is_out_of_bounds_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="vad_threshold"):
        parse(("vad_threshold", "2"))


def test_unknown_parameters_are_dropped_and_told_of() -> None:
    request = parse(("sample_rate", "16000"), ("sample_rate", "8000"), ("x", "1"))
    assert request.parameters == Parameters()
    assert request.notes == ("Ignored, since Scribe has no such parameters: 'sample_rate', 'x'.",)


def test_many_unknown_parameters_make_a_short_note() -> None:
    (note,) = parse(*((f"x{i}", "") for i in range(7))).notes
    assert note.endswith("'x4' and 2 more.")


def test_a_token_is_no_option() -> None:
    pairs = [("token", "abc"), ("no_verbatim", "true")]
    assert tokens_in(pairs) == ["abc"]
    request = parse(*pairs)
    assert request.notes == ()
    assert request.parameters.no_verbatim


def test_an_operators_pins_hold_but_for_the_format_of_the_clients_audio() -> None:
    policy = OptionPolicy(pinned=(("audio_format", "pcm_8000"), ("language_code", "uk")))
    request = parse_scribe_request([("audio_format", "pcm_24000"), ("language_code", "en")], policy)
    assert request.wire_format is WireFormat.PCM_24000
    assert request.parameters.language_code == "uk"
    assert request.notes == ("language_code is set by the operator of this relay.",)


@pytest.mark.parametrize(
    ("announced", "size_bytes"),
    [("pcm_16000", 32_000), ("pcm_48000", 96_000), ("ulaw_8000", 8_000), ("mp3", 32_000)],
)
def test_the_queue_is_as_long_for_every_format(announced: str, size_bytes: int) -> None:
    assert queue_bytes([("audio_format", announced)]) == size_bytes
    assert queue_bytes([]) == 32_000
