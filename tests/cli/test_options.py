"""What the flags of several commands share."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from relay.cli.exits import CommandFailed
from relay.cli.options import listening, load_key, load_settings
from relay.errors import ConfigError


async def listen(host: str, port: int) -> None:
    with listening(host, port, "--port"):
        async with await asyncio.start_server(lambda *_: None, host, port):
            pass


async def test_free_address_is_no_trouble() -> None:
    await listen("127.0.0.1", 0)


async def test_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CommandFailed) as failed:
            await listen("127.0.0.1", port)
    assert str(failed.value) == (
        f"Port {port} on 127.0.0.1 is taken. Stop what uses it, or give another --port."
    )


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("192.0.2.1", "This machine has no address 192.0.2.1."),
        ("nobody.invalid", "nobody.invalid is no address of this machine."),
    ],
)
async def test_address_of_another_machine_is_told(host: str, says: str) -> None:
    with pytest.raises(CommandFailed, match=f"^{says} Give another --host\\.$"):
        await listen(host, 0)


def test_reserved_port_is_told() -> None:
    with (
        pytest.raises(CommandFailed, match=r"^Port 80 is reserved for root\. Give one above 1023"),
        listening("127.0.0.1", 80, "--port"),
    ):
        raise PermissionError(13, "Permission denied")


def test_other_errors_are_left_alone() -> None:
    with pytest.raises(OSError, match="broken"), listening("127.0.0.1", 80, "--port"):
        raise OSError(5, "broken")


def test_variable_that_does_nothing_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("RELAY_PROT=9000\n")
    assert load_settings(tmp_path / "file", port=1).port == 1
    assert capsys.readouterr().err == (
        f"warning: RELAY_PROT ({tmp_path}/file) does nothing: did you mean RELAY_PORT?\n"
    )


def write_nothing(folder: Path) -> None:
    assert folder.is_dir()


def write_env(folder: Path) -> None:
    (folder / ".env").write_text("RELAY_KEY=from-file\n")


def write_secret(folder: Path) -> None:
    (folder / "secret").write_text("from-secret\n")
    (folder / ".env").write_text(f"RELAY_KEY_FILE={folder / 'secret'}\n")


@pytest.mark.parametrize(
    ("write", "flag", "key"),
    [
        (write_nothing, None, None),
        (write_env, None, "from-file"),
        (write_env, "from-flag", "from-flag"),
        (write_secret, None, "from-secret"),
    ],
)
def test_key_is_found_in_flag_and_files(
    tmp_path: Path, write: Callable[[Path], None], flag: str | None, key: str | None
) -> None:
    write(tmp_path)
    assert load_key(tmp_path / ".env", flag) == key


def test_key_that_cannot_be_one_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as wrong:
        load_key(tmp_path / ".env", "sécret")
    assert "sécret" not in str(wrong.value)
    assert "RELAY_KEY" in str(wrong.value)
