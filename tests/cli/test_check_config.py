from pathlib import Path

from relay.cli.exits import Exit
from relay.settings import Settings
from tests.support.invoked import invoke
from tests.support.settings import KEY


def test_every_setting_is_shown_with_where_it_comes_from(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("RELAY_PORT=9000\nRELAY_CHUNK_MS=50\n")
    ended = invoke("check-config", "--upstream-region", "eu", environment={"RELAY_CHUNK_MS": "200"})
    assert ended.code == Exit.OK
    assert ended.stderr == ""
    lines = {line.partition("=")[0]: line.split() for line in ended.stdout.splitlines()}
    assert set(lines) - {Settings.variable_of(name) for name in Settings.model_fields} == {
        ended.stdout.splitlines()[-1]
    }
    assert lines["RELAY_PORT"] == ["RELAY_PORT=9000", "#", ".env"]
    assert lines["RELAY_CHUNK_MS"] == ["RELAY_CHUNK_MS=200", "#", "environment"]
    assert lines["RELAY_UPSTREAM_REGION"] == ["RELAY_UPSTREAM_REGION=eu", "#", "flag"]
    assert lines["RELAY_HOST"] == ["RELAY_HOST=127.0.0.1", "#", "default"]
    upstream = ended.stdout.splitlines()[-1].split()
    assert upstream == ["upstream", "#", "wss://api.eu.residency.elevenlabs.io"]


def test_key_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(KEY)
    environment = {"ELEVENLABS_API_KEY_FILE": str(tmp_path / "secret")}
    ended = invoke("check-config", environment=environment)
    assert ended.code == Exit.OK
    assert KEY not in ended.stdout
    assert "ELEVENLABS_API_KEY=****" in ended.stdout
    assert "# environment, ELEVENLABS_API_KEY_FILE" in ended.stdout


def test_every_fault_is_named(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("RELAY_LOG_LEVEL=loud\nELEVENLABS_API_KEY=two words\n")
    ended = invoke(
        "check-config",
        "--env-file",
        tmp_path / "other",
        "--upstream-url",
        "ws://example.org",
        environment={"RELAY_CHUNK_MS": "5"},
    )
    assert ended.code == Exit.CONFIG
    assert ended.stdout == ""
    assert [line.partition(":")[0] for line in ended.complaints] == [
        f"ELEVENLABS_API_KEY ({tmp_path}/other)",
        "RELAY_UPSTREAM_URL (flag)",
        "RELAY_CHUNK_MS (environment)",
        f"RELAY_LOG_LEVEL ({tmp_path}/other)",
    ]
    assert "two words" not in ended.stderr


def test_variables_that_do_nothing_are_warned_of(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("RELAY_CHUNK=50\nELEVEN_API_KEY=abc\n")
    ended = invoke("check-config")
    assert ended.code == Exit.OK
    assert ended.stderr.splitlines() == [
        "warning: ELEVEN_API_KEY (.env) does nothing: the relay reads the provider's key from "
        "ELEVENLABS_API_KEY.",
        "warning: RELAY_CHUNK (.env) does nothing: did you mean RELAY_CHUNK_MS?",
    ]
    assert "abc" not in ended.stdout + ended.stderr


def test_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"RELAY_PORT=\xff\n")
    ended = invoke("check-config")
    assert ended.code == Exit.CONFIG
    assert ended.complaints == [
        ".env can't be read: it is not UTF-8 text; mend the file or remove it."
    ]
