import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from pydantic import SecretStr, ValidationError

from relay.errors import ConfigError
from relay.redaction.finding import KINDS
from relay.retention import FOREVER
from relay.settings import ClientSettings, Environment, Settings, known_variables
from relay.settings.environment import Layer

SECRET = "sk_0123456789abcdef"


def load(**variables: str) -> Settings:
    return Settings.from_environment(Environment(layers=(Layer("environment", variables),)))


def faults(**variables: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as error:
        load(**variables)
    return error.value.faults


@pytest.fixture
def ca_file(tmp_path: Path) -> Iterator[Path]:
    with trustme.CA().cert_pem.tempfile(dir=str(tmp_path)) as path:
        yield Path(path)


def test_defaults_need_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_PORT", "9")
    settings = Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert settings.elevenlabs_api_key is None


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]  # what the test is about


def test_text_becomes_typed_values() -> None:
    settings = load(
        RELAY_PORT="9000",
        RELAY_COMMIT_TIMEOUT="2.5",
        RELAY_UPSTREAM_ALLOW_PLAINTEXT="true",
        RELAY_ALLOWED_ORIGINS="https://a.example, https://b.example:444",
        RELAY_ALLOWED_SURCHARGES="keyterms,transcript_edit",
        RELAY_PINNED_OPTIONS="keyterms=relay",
        RELAY_CAPPED_OPTIONS="keyterms=10",
    )
    assert settings.port == 9000
    assert settings.commit_timeout == 2.5
    assert settings.upstream_allow_plaintext is True
    assert settings.allowed_origins == ("https://a.example", "https://b.example:444")
    assert settings.allowed_surcharges == {"keyterms", "transcript_edit"}
    assert settings.pinned_options == (("keyterms", "relay"),)
    assert settings.capped_options == {"keyterms": 10.0}


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("default", "wss://api.elevenlabs.io"),
        ("us", "wss://api.us.elevenlabs.io"),
        ("eu", "wss://api.eu.residency.elevenlabs.io"),
        ("in", "wss://api.in.residency.elevenlabs.io"),
        ("sg", "wss://api.sg.residency.elevenlabs.io"),
    ],
)
def test_region_chooses_the_providers_host(region: str, url: str) -> None:
    assert load(RELAY_UPSTREAM_REGION=region).upstream_base_url == url


def test_url_overrides_the_region() -> None:
    settings = load(RELAY_UPSTREAM_REGION="eu", RELAY_UPSTREAM_URL="ws://localhost:8001/")
    assert settings.upstream_base_url == "ws://localhost:8001"


def test_every_fault_is_named_at_once() -> None:
    assert faults(
        ELEVENLABS_API_KEY="two words",
        RELAY_PORT="http",
        RELAY_CHUNK_MS="5",
        RELAY_LOG_FORMAT="xml",
        RELAY_HOST="[]",
        RELAY_ALLOWED_SURCHARGES="keyterms,diarize",
    ) == (
        "ELEVENLABS_API_KEY (environment): it is empty or holds a space, a line break or a "
        "character outside ASCII; copy the secret again, alone.",
        "RELAY_HOST (environment): it names no address; give 127.0.0.1, or 0.0.0.0 for all of this "
        "machine.",
        "RELAY_PORT (environment): 'http' is not a whole number from 0 to 65535.",
        "RELAY_CHUNK_MS (environment): '5' is not a whole number from 20 to 1000 (ms).",
        "RELAY_ALLOWED_SURCHARGES (environment): 'diarize' is not one of keyterms, "
        "entity_detection, entity_redaction, transcript_edit.",
        "RELAY_LOG_FORMAT (environment): 'xml' is not one of auto, json, console.",
    )


def test_unreadable_secret_files_are_named_with_the_other_faults(tmp_path: Path) -> None:
    found = faults(ELEVENLABS_API_KEY_FILE=str(tmp_path / "nothing"), RELAY_PORT="-1")
    assert [fault.split()[0] for fault in found] == ["ELEVENLABS_API_KEY_FILE", "RELAY_PORT"]


def test_a_secret_file_alone_is_a_fault_too(tmp_path: Path) -> None:
    (fault,) = faults(ELEVENLABS_API_KEY_FILE=str(tmp_path))
    assert fault.startswith("ELEVENLABS_API_KEY_FILE names")


def test_secret_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{SECRET}\n")
    settings = load(ELEVENLABS_API_KEY_FILE=str(tmp_path / "key"))
    assert settings.elevenlabs_api_key == SecretStr(SECRET)


def test_secret_is_in_no_text_of_the_settings() -> None:
    settings = load(ELEVENLABS_API_KEY=SECRET)
    assert SECRET not in f"{settings} {settings!r} {settings.model_dump_json()}"


def test_secret_is_in_no_traceback_of_a_fault() -> None:
    with pytest.raises(ConfigError) as error:
        load(ELEVENLABS_API_KEY=f"{SECRET} {SECRET}")
    assert SECRET not in "".join(traceback.format_exception(error.value))


def test_direct_construction_does_not_repeat_a_wrong_secret() -> None:
    with pytest.raises(ValidationError) as error:
        Settings(elevenlabs_api_key=SecretStr(SECRET), port=-1)
    assert SECRET not in str(error.value)


def test_plaintext_upstream_needs_the_switch() -> None:
    url = "ws://simulator.internal:8001"
    (fault,) = faults(RELAY_UPSTREAM_URL=url)
    assert "RELAY_UPSTREAM_ALLOW_PLAINTEXT=true" in fault
    settings = load(RELAY_UPSTREAM_URL=url, RELAY_UPSTREAM_ALLOW_PLAINTEXT="true")
    assert settings.upstream_base_url == url


def test_pinned_option_with_a_surcharge_must_be_allowed() -> None:
    (fault,) = faults(RELAY_PINNED_OPTIONS="keyterms=relay")
    assert fault.startswith("RELAY_PINNED_OPTIONS (environment): keyterms costs extra")


def test_hosts_must_not_be_empty() -> None:
    (fault,) = faults(RELAY_ALLOWED_HOSTS=" , ")
    assert "every request would be refused" in fault


def test_nothing_may_be_given_as_none() -> None:
    assert Settings(upstream_url=None, upstream_ca_file=None) == Settings()


def test_ca_file_is_accepted(ca_file: Path) -> None:
    assert load(RELAY_UPSTREAM_CA_FILE=str(ca_file)).upstream_ca_file == ca_file


def test_ca_file_without_a_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    (fault,) = faults(RELAY_UPSTREAM_CA_FILE=str(tmp_path / "ca.pem"))
    assert "holds no certificate in PEM form" in fault


def test_ca_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    (fault,) = faults(RELAY_UPSTREAM_CA_FILE=str(tmp_path / "ca.pem"))
    assert "can't be read: No such file or directory" in fault


@pytest.mark.parametrize("name", ["ledger_seconds", "idle_timeout", "stop_timeout"])
def test_durations_are_bounded_numbers(name: str) -> None:
    variable = Settings.variable_of(name)
    for value in ("nan", "inf", "-1", "0"):
        (fault,) = faults(**{variable: value})
        assert fault.startswith(f"{variable} (environment): '{value}' is not a number from")


def test_load_reads_flags_environment_and_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELAY_CHUNK_MS", "50")
    (tmp_path / "env").write_text("RELAY_CHUNK_MS=60\nRELAY_PORT=7000\nRELAY_MAX_SESSIONS=3\n")
    settings = Settings.load(env_file=tmp_path / "env", port=7001, host=None)
    assert (settings.chunk_ms, settings.port, settings.max_sessions) == (50, 7001, 3)


def test_fault_of_a_flag_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"RELAY_PORT \(flag\): '99999' is not"):
        Settings.load(env_file=tmp_path / "none", port=99999)


def test_unreadable_env_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="it is a folder"):
        Settings.load(env_file=tmp_path)


def test_flag_that_no_setting_has_is_our_own_fault() -> None:
    with pytest.raises(TypeError, match="no setting is named prot"):
        Settings.load(prot=1)


def test_client_key_has_its_own_settings() -> None:
    layer = Layer("environment", {"RELAY_KEY": SECRET})
    assert ClientSettings.from_environment(Environment(layers=(layer,))).key == SecretStr(SECRET)


def test_known_variables_hold_every_field_and_every_secrets_file() -> None:
    names = known_variables()
    assert {"ELEVENLABS_API_KEY", "ELEVENLABS_API_KEY_FILE", "RELAY_KEY", "RELAY_PORT"} <= names
    assert "RELAY_PORT_FILE" not in names
    secrets = len(Settings.secrets) + len(ClientSettings.secrets)
    fields = len(Settings.model_fields) + len(ClientSettings.model_fields)
    assert len(names) == fields + secrets


def test_more_than_one_worker_needs_redis() -> None:
    (fault,) = faults(RELAY_WORKERS="2")
    assert "RELAY_REDIS_URL" in fault
    assert load(RELAY_WORKERS="2", RELAY_REDIS_URL="redis://localhost").workers == 2


def test_keys_that_could_be_guessed_are_refused_and_not_repeated() -> None:
    (fault,) = faults(RELAY_SECRET_KEYS="hunter2")
    assert "hunter2" not in fault
    assert "32" in fault


def test_the_first_key_signs_and_others_verify() -> None:
    new, old = "n" * 40, "o" * 40
    assert load(RELAY_SECRET_KEYS=f"{new},{old}").signing_keys == [new, old]
    assert load().signing_keys == []


def test_every_secret_is_known_to_the_logs() -> None:
    settings = load(
        ELEVENLABS_API_KEY=SECRET,
        RELAY_SECRET_KEYS="k" * 40,
        RELAY_REDIS_URL="redis://:pw@localhost",
        RELAY_DATABASE_URL="postgresql://u:pw@localhost/relay",
    )
    assert settings.known_secrets == [
        SECRET,
        "postgresql://u:pw@localhost/relay",
        "redis://:pw@localhost",
        "k" * 40,
    ]


def test_places_are_read_whole() -> None:
    settings = load(
        RELAY_KIOSK_NETWORKS="lobby=10.1.2.0/24",
        RELAY_KIOSK_CERTIFICATES="hall=kiosk-1.example.org",
        RELAY_KIOSK_OPTIONS="lobby?language_code=en,hall?language_code=ru",
        RELAY_TRUSTED_PROXIES="10.0.0.5, fd00::/8",
        RELAY_FORWARD_AUTH_HEADER="X-Forwarded-User",
    )
    assert settings.kiosk_options["hall"] == (("language_code", "ru"),)
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.5/32", "fd00::/8"]
    assert settings.forward_auth_header == "x-forwarded-user"


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("RELAY_KIOSK_OPTIONS", "lobby?language_code=en", "neither a network nor a certificate"),
        ("RELAY_KIOSK_NETWORKS", "lobby=ten", "lobby=ten"),
        ("RELAY_TRUSTED_PROXIES", "proxy.example.org", "neither an address nor a network"),
        ("RELAY_FORWARD_AUTH_HEADER", "X Y", "not a header's name"),
        ("RELAY_REDIS_URL", "localhost:6379", "not a URL of Redis"),
    ],
)
def test_what_cannot_be_right_is_said(variable: str, value: str, words: str) -> None:
    (fault,) = faults(**{variable: value})
    assert words in fault


def test_options_of_a_place_are_checked_against_scribe() -> None:
    (fault,) = faults(
        RELAY_KIOSK_NETWORKS="lobby=10.0.0.0/8", RELAY_KIOSK_OPTIONS="lobby?vad_threshold=7"
    )
    assert "vad_threshold" in fault


def test_the_database_is_a_file_in_the_data_folder_by_default() -> None:
    assert Settings().store_url == "sqlite+aiosqlite:///data/relay.db"
    assert load(RELAY_DATA_DIR="/var/lib/relay").store_url == (
        "sqlite+aiosqlite:////var/lib/relay/relay.db"
    )


def test_a_database_may_be_elsewhere_and_its_password_is_not_shown() -> None:
    settings = load(RELAY_DATABASE_URL="postgresql://relay:hush@host/relay")
    assert settings.store_url == "postgresql://relay:hush@host/relay"
    assert "hush" not in repr(settings)
    (fault,) = faults(RELAY_DATABASE_URL="mysql://relay:hush@host/relay")
    assert fault.startswith("RELAY_DATABASE_URL (environment): it begins with neither")
    assert "hush" not in fault


IDENTIFYING = (
    {"RELAY_FORWARD_AUTH_HEADER": "Remote-User"},
    {"RELAY_CLIENT_CERTIFICATE_HEADER": "X-Name"},
    {"RELAY_KIOSK_NETWORKS": "lobby=10.0.0.0/8"},
)


@pytest.mark.parametrize("proxies", ["127.0.0.1", "10.0.0.5,::1", "0.0.0.0/0", "::/0"])
@pytest.mark.parametrize("values", IDENTIFYING, ids=lambda values: next(iter(values)))
def test_loopback_as_a_proxy_needs_a_secret(values: dict[str, str], proxies: str) -> None:
    (fault,) = faults(RELAY_TRUSTED_PROXIES=proxies, **values)
    assert fault.startswith("RELAY_PROXY_SECRET (not set): RELAY_TRUSTED_PROXIES holds loopback")
    load(RELAY_TRUSTED_PROXIES=proxies, RELAY_PROXY_SECRET="x" * 16, **values)
    load(RELAY_TRUSTED_PROXIES=proxies)
    load(RELAY_TRUSTED_PROXIES="10.0.0.5,fd00::/8", **values)


def test_a_proxys_secret_is_no_short_one() -> None:
    (fault,) = faults(RELAY_PROXY_SECRET="shortsecret")
    assert "shorter than 16 characters" in fault
    assert "shortsecret" not in fault


def test_metrics_are_for_this_machine_unless_it_says_otherwise() -> None:
    settings = load()
    assert [str(each) for each in settings.metrics_networks] == ["127.0.0.0/8", "::1/128"]
    assert (settings.metrics_token, settings.metrics_port) == (None, None)
    assert load(RELAY_METRICS_NETWORKS="none").metrics_networks == ()
    settings = load(RELAY_METRICS_NETWORKS="10.0.0.5, fd00::/8")
    assert [str(each) for each in settings.metrics_networks] == ["10.0.0.5/32", "fd00::/8"]


def test_the_metrics_token_is_a_secret() -> None:
    settings = load(RELAY_METRICS_TOKEN=SECRET)
    assert SECRET in settings.known_secrets
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("variables", "fault"),
    [
        ({"RELAY_METRICS_NETWORKS": "10.0.0.0/40"}, "is neither an address nor a network"),
        ({"RELAY_METRICS_TOKEN": "abc-def"}, "it is shorter than 16 characters"),
        ({"RELAY_METRICS_TOKEN": "ключ-для-метрик-реле"}, "a character outside ASCII"),
        ({"RELAY_METRICS_PORT": "0"}, "1"),
        ({"RELAY_METRICS_PORT": "8000"}, "it is RELAY_PORT"),
    ],
)
def test_faults_of_metrics_are_named(variables: dict[str, str], fault: str) -> None:
    (found,) = faults(**variables)
    assert fault in found
    assert variables.get("RELAY_METRICS_TOKEN", "none") not in found


def test_traces_need_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(RELAY_TRACING="true").tracing
    monkeypatch.setattr("relay.settings.model.TRACING_PACKAGES", ("there_is_no_such_package",))
    assert not load(RELAY_TRACING="false").tracing
    (fault,) = faults(RELAY_TRACING="true")
    assert "install scribe-relay[tracing]" in fault


def test_nobody_is_recorded_unless_somebody_says_so() -> None:
    settings = load()
    assert not settings.records_anybody
    assert settings.audio_retention.days == FOREVER
    assert settings.recordings == Path("data/audio")


def test_some_are_recorded_and_some_are_not() -> None:
    settings = load(RELAY_AUDIO_RULES="kiosk:lobby=7,user=0", RELAY_AUDIO_DIR="/srv/audio")
    assert settings.records_anybody
    assert settings.recorded.days_of("kiosk", "1", "Lobby") == 7
    assert settings.recorded.days_of("kiosk", "2", "hall") == 0
    # What is there of others stays, and of those who are no longer recorded it goes.
    assert settings.audio_retention.days_of("kiosk", "2", "hall") == FOREVER
    assert settings.audio_retention.days_of("user", "3", "anna") == 0
    assert settings.recordings == Path("/srv/audio")


@pytest.mark.parametrize(("text", "days"), [("forever", FOREVER), ("0.5", 0.5), ("0", 0)])
def test_recordings_are_kept_for_days_or_for_ever(text: str, days: float) -> None:
    settings = load(RELAY_AUDIO_DAYS=text)
    assert settings.audio_retention.days == days
    assert settings.records_anybody == (days > 0)


def test_kinds_of_personal_data_are_known_by_name() -> None:
    assert load().redact == set()
    assert load(RELAY_REDACT="email, card").redact == {"email", "card"}
    assert load(RELAY_REDACT="all").redact == set(KINDS)


@pytest.mark.parametrize(
    ("variable", "text", "right"),
    [
        ("RELAY_AUDIO_DAYS", "always", "or forever"),
        ("RELAY_AUDIO_DAYS", "-1", "or forever"),
        ("RELAY_AUDIO_RULES", "lobby=7", "is no rule"),
        ("RELAY_REDACT", "email,names", "'names' is none of email"),
    ],
)
def test_a_wrong_policy_is_named(variable: str, text: str, right: str) -> None:
    (fault,) = faults(**{variable: text})
    assert fault.startswith(variable)
    assert right in fault
