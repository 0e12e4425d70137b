import pytest

from relay.audio.pcm import Encoding
from relay.downstream.options import OptionPolicy
from relay.downstream.request import StreamRequest, parse_request
from relay.errors import InvalidRequest


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
