"""Where settings come from: flag > environment > `.env` > default.

A secret may also stand in a file that `<NAME>_FILE` names, in any layer; a value or a file of a
higher layer hides both of a lower one.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource

PREFIX = "RELAY_"
"""What our variables begin with."""

MAX_SECRET_FILE_BYTES = 16 * 1024
"""A longer file isn't one secret: someone named the wrong file."""

OTHER_KEY_NAMES = frozenset({"ELEVEN_API_KEY", "XI_API_KEY", "ELEVENLABS_KEY"})
"""What other programs call the provider's key; set here, they do nothing, which is worth a word."""


class Layer(NamedTuple):
    """Variables from one place."""

    origin: str
    """How people call the place: `environment` or the file's name."""
    variables: Mapping[str, str | None]


@dataclass(frozen=True)
class Environment:
    """What was found outside the program, before any value is checked."""

    flags: Mapping[str, Any] = field(default_factory=dict)
    """By field name; `None` means not given."""
    layers: tuple[Layer, ...] = ()
    """Highest first."""
    faults: tuple[str, ...] = ()
    """Places that could not be read."""

    @classmethod
    def read(cls, *, env_file: Path = Path(".env"), **flags: Any) -> "Environment":
        """Read the process environment and `env_file`, which need not exist."""
        given = {name: value for name, value in flags.items() if value is not None}
        layers = [Layer("environment", EnvSettingsSource(_Plain).env_vars)]
        faults = []
        try:
            layers.append(Layer(str(env_file), _read_env_file(env_file)))
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            faults.append(f"{env_file} can't be read: {reason}; mend the file or remove it.")
        return cls(given, tuple(layers), tuple(faults))

    def find(self, field_name: str, variable: str, *, is_secret: bool) -> "Found | None":
        """Find the value that counts for one field; a secret's file is read here.

        Raises:
            ValueError: If a secret's file can't be used, or a layer has both the secret and a file.
                The text is a whole sentence.
        """
        if field_name in self.flags:
            return Found(self.flags[field_name], "flag")
        for origin, variables in self.layers:
            value = variables.get(variable)
            file_name = variables.get(f"{variable}_FILE") if is_secret else None
            if value and file_name:
                raise ValueError(
                    f"{variable} and {variable}_FILE are both set ({origin}): keep one of them."
                )
            if value:
                return Found(value, origin)
            if file_name:
                secret = _read_secret_file(f"{variable}_FILE", Path(file_name))
                return Found(secret, f"{origin}, {variable}_FILE")
        return None

    def unknown(self, known: set[str]) -> tuple[str, ...]:
        """Name the variables that look like ours and do nothing, with what may have been meant."""
        warnings = []
        for origin, variables in self.layers:
            for name in sorted(variables):
                looks_ours = name.upper().startswith(PREFIX) and name not in known
                if looks_ours or name in OTHER_KEY_NAMES:
                    warnings.append(f"{name} ({origin}) does nothing: {_meant(name, known)}")
        return tuple(warnings)


class Found(NamedTuple):
    """A value and where it came from."""

    value: Any
    origin: str


class _Plain(BaseSettings, case_sensitive=True, env_ignore_empty=True):
    """Hands out variables as they are; only its sources are used, never its fields."""


def _read_env_file(path: Path) -> Mapping[str, str | None]:
    if path.is_dir():
        raise IsADirectoryError(21, "it is a folder")
    return DotEnvSettingsSource(_Plain, env_file=path, env_file_encoding="utf-8").env_vars


def _read_secret_file(variable: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SECRET_FILE_BYTES + 1)
    except OSError as error:
        raise ValueError(
            f"{variable} names '{path}', which can't be read: {error.strerror}; "
            "name a readable file that holds the secret alone."
        ) from None
    if len(content) > MAX_SECRET_FILE_BYTES:
        raise ValueError(
            f"{variable} names '{path}', which is longer than {MAX_SECRET_FILE_BYTES} bytes; "
            "name a file that holds the secret alone."
        )
    return content.decode("utf-8", errors="replace")


def _meant(name: str, known: set[str]) -> str:
    if name in OTHER_KEY_NAMES:
        return "the relay reads the provider's key from ELEVENLABS_API_KEY."
    close = difflib.get_close_matches(name.upper(), sorted(known), n=1, cutoff=0.75)
    return f"did you mean {close[0]}?" if close else "no setting has this name."
