import pytest

from relay.audio.pcm import Encoding
from relay.downstream.options import OptionPolicy
from relay.downstream.request import (
    MAX_COUNT,
    ResumePoint,
    StreamRequest,
    parse_request,
    parse_resumed_request,
)
from relay.errors import InvalidRequest
from relay.scribe.parameters import Parameters


def parse(*pairs: tuple[str, str]) -> StreamRequest:
    return parse_request(pairs, OptionPolicy())


def test_the_defaults_are_what_a_browser_sends() -> None:
    request = parse()
    assert (request.sample_rate, request.encoding, request.channels) == (
        48_000,
        Encoding.PCM_F32LE,
        1,
    )


def test_everything_can_be_said() -> None:
    request = parse(
        ("sample_rate", "44100"),
        ("encoding", "pcm_s16le"),
        ("channels", "2"),
        ("commit_strategy", "vad"),
    )
    assert (request.sample_rate, request.encoding, request.channels) == (
        44_100,
        Encoding.PCM_S16LE,
        2,
    )
    assert request.parameters.commit_strategy == "vad"


def test_the_config_tells_the_clients_rate_and_not_the_providers() -> None:
    config = parse(("sample_rate", "44100"), ("language_code", "en")).config()
    assert (config["sample_rate"], config["encoding"], config["channels"]) == (
        44_100,
        "pcm_f32le",
        1,
    )
    assert config["language_code"] == "en"
    assert "audio_format" not in config


def test_what_the_provider_gets_is_the_relays_affair() -> None:
    assert parse().wire_format is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sample_rate", "7999"),
        ("sample_rate", "192001"),
        ("sample_rate", "4.8e4"),
        ("sample_rate", "-48000"),
        ("sample_rate", "٤٨٠٠٠"),
        ("sample_rate", "9" * 5000),
        ("sample_rate", ""),
        ("channels", "0"),
        ("channels", "3"),
        ("encoding", "opus"),
        ("audio_format", "pcm_16000"),
        ("token", "sutkn_1"),
        ("colour", "red"),
        ("vad_threshold", "2"),
    ],
)
def test_what_is_wrong_is_named(name: str, text: str) -> None:
    with pytest.raises(InvalidRequest, match=name):
        parse((name, text))


def test_saying_it_twice_is_wrong() -> None:
    with pytest.raises(InvalidRequest, match="twice"):
        parse(("channels", "1"), ("channels", "2"))


GRANTED = Parameters.parse([("language_code", "de"), ("keyterms", "a"), ("keyterms", "b")])

POINT = {"last_seq": "7", "last_segment": "2", "from_sample": "48000"}


def resume(**values: str) -> tuple[StreamRequest, ResumePoint]:
    return parse_resumed_request(values.items(), GRANTED)


def test_a_client_that_comes_back_says_what_it_has() -> None:
    assert resume(**POINT)[1] == ResumePoint(last_seq=7, last_segment=2, from_sample=48_000)


def test_it_may_say_what_it_knows_to_be_settled() -> None:
    assert resume(**POINT)[1].covered_sample is None
    assert resume(**POINT, covered_sample="60000")[1].covered_sample == 60_000
    with pytest.raises(InvalidRequest, match="covered_sample"):
        resume(**POINT, covered_sample="-1")


def test_before_the_first_segment_it_has_none() -> None:
    _, point = resume(last_seq="0", from_sample="0")
    assert point == ResumePoint(last_seq=0, last_segment=None, from_sample=0)


def test_it_may_send_something_else_and_the_options_stay_as_they_were_granted() -> None:
    request, _ = resume(**POINT, sample_rate="44100", channels="2", language_code="en")
    assert (request.sample_rate, request.channels) == (44_100, 2)
    assert request.parameters == GRANTED
    assert Parameters.parse(GRANTED.to_query()) == GRANTED


@pytest.mark.parametrize("name", ["last_seq", "from_sample"])
def test_what_is_missing_of_it_is_named(name: str) -> None:
    values = {key: text for key, text in POINT.items() if key != name}
    with pytest.raises(InvalidRequest, match=f"{name} is missing"):
        resume(**values)


@pytest.mark.parametrize("name", list(POINT))
@pytest.mark.parametrize("text", ["", "-1", "1.5", "1e3", "٧", "9" * 16, "1" * 17, "9" * 5000])
def test_what_is_wrong_with_it_is_named(name: str, text: str) -> None:
    with pytest.raises(InvalidRequest, match=name):
        resume(**{**POINT, name: text})


@pytest.mark.parametrize("name", list(POINT))
def test_it_may_be_as_great_as_javascript_counts(name: str) -> None:
    _, point = resume(**{**POINT, name: str(MAX_COUNT)})
    assert getattr(point, name) == 2**53 - 1


@pytest.mark.parametrize("name", list(POINT))
def test_saying_it_twice_is_wrong_too(name: str) -> None:
    with pytest.raises(InvalidRequest, match="twice"):
        parse_resumed_request([*POINT.items(), (name, "1")], GRANTED)


@pytest.mark.parametrize("name", list(POINT))
def test_without_a_token_it_means_nothing(name: str) -> None:
    with pytest.raises(InvalidRequest, match=f"{name} goes with a resume token"):
        parse((name, "1"))


@pytest.mark.parametrize("name", ["sample_rate", "channels", "encoding", "audio_format"])
def test_what_it_sends_has_the_same_bounds(name: str) -> None:
    with pytest.raises(InvalidRequest, match=name):
        resume(**{**POINT, name: "7"})
