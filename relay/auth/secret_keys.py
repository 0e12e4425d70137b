"""The keys that sign cookies and tickets, kept in the data folder where no setting gives them."""

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from relay.auth.signing import check_key
from relay.errors import ConfigError

FILE_NAME: Final = "secret_keys"

MAX_BYTES: Final = 64 * 1024
"""Longest file that is read."""

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def load_or_create(folder: Path) -> list[str]:
    """Read the keys, one a line, the first of which signs; make one where there is none.

    Several workers may do so at once: all get the same keys.

    Args:
        folder: The data folder; it is made if need be, for this user alone.

    Raises:
        ConfigError: If the keys can't be kept or read, or others could read them.
    """
    path = folder / FILE_NAME
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _create(path)
        text = _read(path)
    except OSError as error:
        raise ConfigError(
            (
                f"RELAY_DATA_DIR: the keys that sign cookies can't be kept in '{path}': "
                f"{error.strerror}; name a folder that the relay may write to, "
                "or set RELAY_SECRET_KEYS.",
            )
        ) from error
    keys = text.split()
    try:
        for key in keys:
            check_key(key)
    except ValueError as error:
        raise _unusable(path, str(error)) from None
    if not keys:
        raise _unusable(path, "it holds no key; remove it, and a new one is made at the next start")
    return keys


def _create(path: Path) -> None:
    """Make the file, complete from the moment on that it can be seen, unless another was faster."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(f"{secrets.token_urlsafe(48)}\n")
            file.flush()
            # After a power cut, a name without its content would sign everybody out.
            os.fsync(descriptor)
        # Unlike `os.replace`, this fails where the name exists: the keys of the first one stay.
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _read(path: Path) -> str:
    # Looked at once it is open, so that what was looked at is what is read.
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if mode & _OTHERS:
            raise _unusable(
                path,
                f"other users of this machine could read it (mode {stat.S_IMODE(mode):04o}), and "
                f"sign in as anybody; run `chmod 600 {path}`, or remove it if they may have",
            )
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES or not content.isascii():
        raise _unusable(path, "it is no list of keys; give one key of ASCII characters a line")
    return content.decode()


def _unusable(path: Path, text: str) -> ConfigError:
    return ConfigError((f"RELAY_DATA_DIR: '{path}' can't be used: {text}.",))
