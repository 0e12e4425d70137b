from pathlib import Path

import pytest

from relay.settings.environment import MAX_SECRET_FILE_BYTES, Environment, Found, Layer


def layered(*layers: dict[str, str | None], **flags: object) -> Environment:
    origins = ("environment", ".env")
    return Environment(flags, tuple(map(Layer, origins, layers)))


def test_flag_comes_before_environment() -> None:
    environment = layered({"RELAY_PORT": "2"}, port=1)
    assert environment.find("port", "RELAY_PORT", is_secret=False) == Found(1, "flag")


def test_environment_comes_before_the_file() -> None:
    environment = layered({"RELAY_PORT": "2"}, {"RELAY_PORT": "3"})
    assert environment.find("port", "RELAY_PORT", is_secret=False) == Found("2", "environment")


def test_the_file_is_the_last_place() -> None:
    environment = layered({}, {"RELAY_PORT": "3"})
    assert environment.find("port", "RELAY_PORT", is_secret=False) == Found("3", ".env")


def test_nothing_is_found_where_nothing_is_set() -> None:
    assert layered({}, {"RELAY_PORT": None}).find("port", "RELAY_PORT", is_secret=False) is None


def test_secret_is_read_from_the_file_that_its_variable_names(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk_abc\n")
    environment = layered({"KEY_FILE": str(tmp_path / "key")})
    assert environment.find("key", "KEY", is_secret=True) == Found(
        "sk_abc\n", "environment, KEY_FILE"
    )


def test_secret_of_a_higher_layer_hides_the_file_of_a_lower_one() -> None:
    environment = layered({"KEY": "a"}, {"KEY_FILE": "/does/not/exist"})
    assert environment.find("key", "KEY", is_secret=True) == Found("a", "environment")


def test_secret_and_its_file_in_one_layer_are_refused() -> None:
    with pytest.raises(ValueError, match=r"KEY and KEY_FILE are both set \(environment\)"):
        layered({"KEY": "a", "KEY_FILE": "b"}).find("key", "KEY", is_secret=True)


def test_secret_file_that_is_missing_is_named(tmp_path: Path) -> None:
    environment = layered({"KEY_FILE": str(tmp_path / "nothing")})
    with pytest.raises(ValueError, match=r"KEY_FILE names '.*nothing', which can't be read"):
        environment.find("key", "KEY", is_secret=True)


def test_secret_file_that_is_too_long_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"x" * (MAX_SECRET_FILE_BYTES + 1))
    environment = layered({"KEY_FILE": str(tmp_path / "key")})
    with pytest.raises(ValueError, match="is longer than"):
        environment.find("key", "KEY", is_secret=True)


def test_file_variable_of_a_plain_setting_is_not_read() -> None:
    environment = layered({"RELAY_PORT_FILE": "/etc/hostname"})
    assert environment.find("port", "RELAY_PORT", is_secret=False) is None


def test_misspelt_variable_is_told_with_what_was_meant() -> None:
    warnings = layered({"RELAY_PROT": "1", "PATH": "/bin"}).unknown({"RELAY_PORT"})
    assert warnings == ("RELAY_PROT (environment) does nothing: did you mean RELAY_PORT?",)


def test_variable_in_small_letters_is_told() -> None:
    (warning,) = layered({}, {"relay_port": "1"}).unknown({"RELAY_PORT"})
    assert warning == "relay_port (.env) does nothing: did you mean RELAY_PORT?"


def test_variable_that_resembles_no_setting_is_told() -> None:
    (warning,) = layered({"RELAY_MAGIC": "1"}).unknown({"RELAY_PORT"})
    assert warning == "RELAY_MAGIC (environment) does nothing: no setting has this name."


def test_key_under_another_programs_name_is_told() -> None:
    (warning,) = layered({"ELEVEN_API_KEY": "secret"}).unknown({"ELEVENLABS_API_KEY"})
    assert "reads the provider's key from ELEVENLABS_API_KEY" in warning
    assert "secret" not in warning


def test_read_takes_process_environment_and_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELAY_PORT", "1")
    monkeypatch.setenv("RELAY_HOST", "")
    (tmp_path / "env").write_text("RELAY_PORT=2\nRELAY_HOST='::1'\n")
    environment = Environment.read(env_file=tmp_path / "env", chunk_ms=20, log_level=None)
    assert environment.flags == {"chunk_ms": 20}
    assert environment.find("port", "RELAY_PORT", is_secret=False) == Found("1", "environment")
    assert environment.find("host", "RELAY_HOST", is_secret=False) == Found(
        "::1", str(tmp_path / "env")
    )


def test_file_need_not_exist(tmp_path: Path) -> None:
    assert Environment.read(env_file=tmp_path / "nothing").faults == ()


def test_file_that_is_a_folder_is_a_fault(tmp_path: Path) -> None:
    (fault,) = Environment.read(env_file=tmp_path).faults
    assert fault.endswith("can't be read: it is a folder; mend the file or remove it.")


def test_file_that_is_no_text_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "env").write_bytes(b"RELAY_PORT=\xff\xfe\n")
    (fault,) = Environment.read(env_file=tmp_path / "env").faults
    assert "it is not UTF-8 text" in fault
