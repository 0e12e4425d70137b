"""Who judges what is said, and who hears of it."""

from typing import Any

import pytest

from relay.errors import ConfigError
from relay.settings import Settings
from relay.settings.environment import Environment, Layer
from relay.settings.model import known_variables
from relay.settings.reference import write_value

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def settings(**variables: str) -> Settings:
    layer = Layer("environment", {f"RELAY_{name}": value for name, value in variables.items()})
    return Settings.from_environment(Environment(layers=(layer,)))


def test_by_default_the_lists_judge_and_nothing_leaves_the_relay() -> None:
    plain = settings()
    assert plain.analysis_local
    assert plain.analysis_thresholds == {"toxicity": 0.5, "threat": 0.5}
    assert (plain.moderation_url, plain.webhook_url, plain.webhook_key) == (None, None, b"")


def test_thresholds_are_read_and_written() -> None:
    given = settings(ANALYSIS_THRESHOLDS="threat=0.4&self-harm=1")
    assert given.analysis_thresholds == {"threat": 0.4, "self-harm": 1.0}
    assert write_value(given.analysis_thresholds) == "threat=0.4&self-harm=1"


def test_a_webhook_has_its_key() -> None:
    given = settings(WEBHOOK_URL="https://h.example/a", WEBHOOK_SECRET=SECRET)
    assert given.webhook_key == b"0123456789abcdef0123456789abcdef"
    assert SECRET in given.known_secrets


def test_keys_are_secrets() -> None:
    assert {"RELAY_MODERATION_KEY_FILE", "RELAY_WEBHOOK_SECRET_FILE"} <= known_variables()
    given: dict[str, Any] = {"MODERATION_KEY": "sk-1", "MODERATION_URL": "https://m.example"}
    assert "sk-1" not in repr(settings(**given))
    assert "sk-1" in settings(**given).known_secrets


@pytest.mark.parametrize(
    ("variables", "fault"),
    [
        ({"ANALYSIS_THRESHOLDS": "anger=0.5"}, "no kind is called 'anger'"),
        ({"ANALYSIS_THRESHOLDS": "threat=0"}, "above 0"),
        ({"ANALYSIS_THRESHOLDS": "threat=nan"}, "above 0"),
        ({"ANALYSIS_THRESHOLDS": "threat=much"}, "no list of kinds and numbers"),
        ({"ANALYSIS_THRESHOLDS": "threat"}, "no list of kinds and numbers"),
        ({"MODERATION_URL": "ftp://h"}, "no URL of a server"),
        ({"MODERATION_URL": "https://"}, "no URL of a server"),
        ({"MODERATION_URL": "https://a:b@h.example"}, "credentials do not belong"),
        ({"MODERATION_URL": "http://h.example"}, "unencrypted"),
        ({"MODERATION_URL": "http://h.example:x"}, "not a URL"),
        ({"WEBHOOK_URL": "https://h.example"}, "needs RELAY_WEBHOOK_SECRET"),
        ({"WEBHOOK_SECRET": "s3cret"}, "no secret of Standard Webhooks"),
    ],
)
def test_what_is_wrong_is_said(variables: dict[str, str], fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(**variables)
    (said,) = caught.value.faults
    assert fault in said
    assert "s3cret" not in said


@pytest.mark.parametrize("url", ["http://127.0.0.1:8001/v1/moderations", "http://localhost/x"])
def test_this_machine_may_be_asked_in_the_clear(url: str) -> None:
    assert settings(MODERATION_URL=url).moderation_url == url


def test_a_network_may_be_trusted() -> None:
    given = settings(MODERATION_URL="http://judge:80/", ANALYSIS_ALLOW_PLAINTEXT="true")
    assert given.moderation_url == "http://judge:80/"


def test_a_wrong_secret_is_the_only_fault() -> None:
    with pytest.raises(ConfigError) as caught:
        settings(WEBHOOK_URL="https://h.example", WEBHOOK_SECRET="x")
    assert len(caught.value.faults) == 1
