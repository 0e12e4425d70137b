"""The settings as people read them: the documentation's page and `.env.example`.

Both are made from the model by `python -m relay.settings`; a test compares, so they can't drift.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from pydantic.fields import FieldInfo

from relay.settings.faults import choices_of, limits_of, unit_of
from relay.settings.model import ClientSettings, Settings

MARKDOWN_HEAD = """\
# Settings

Made from the code by `python -m relay.settings --markdown`; change `relay/settings/model.py`, then
make it again.

A value is taken from the first of these that has one: a command's flag, the environment, the file
`.env` in the working directory (or the one that `--env-file` names), the default. An empty variable
counts as not set. `scribe-relay check-config` shows what is in force and where it comes from, and
names every fault at once.

A secret may stand in a file instead, which the variable with `_FILE` at its end names; space and
line breaks around the secret are dropped. Variables that begin with `RELAY_` and that no setting
knows are warned about.
"""

ENV_HEAD = """\
# Settings of scribe-relay, each with its default. Copy this file to .env and change what you need.
# Made from the code by `python -m relay.settings --env`; `scribe-relay check-config` checks yours.
"""

ENV_WIDTH = 100


@dataclass(frozen=True)
class Row:
    """One setting in words."""

    section: str
    variable: str
    default: str
    """As one would write it in a file; empty if there is none."""
    allowed: str
    """Choices or range, with the unit; empty where the meaning says it."""
    meaning: str
    is_secret: bool


def rows() -> Iterator[Row]:
    """Describe every setting, in the model's order."""
    for model in (Settings, ClientSettings):
        for name, field in model.model_fields.items():
            extra = field.json_schema_extra
            assert isinstance(extra, dict)
            yield Row(
                section=str(extra["section"]),
                variable=model.variable_of(name),
                default=write_value(field.get_default()),
                allowed=_allowed(field),
                meaning=field.description or "",
                is_secret=name in model.secrets,
            )


def write_value(value: Any) -> str:
    """Write a checked value as one would in a file; secrets come out as stars."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case dict() if any(isinstance(each, float) for each in value.values()):
            return "&".join(f"{name}={number:g}" for name, number in value.items())
        case dict():
            return ",".join(_write_entry(name, each) for name, each in value.items())
        case tuple() if value and isinstance(value[0], tuple):
            return "&".join(f"{name}={text}" for name, text in value)
        case tuple() | frozenset():
            return ",".join(sorted(value) if isinstance(value, frozenset) else map(str, value))
        case _:
            return str(value)


def _write_entry(name: str, value: Any) -> str:
    """Write what a kiosk has: a certificate's name (the key here), or options."""
    if isinstance(value, str):
        return f"{value}={name}"
    return f"{name}?{urlencode(value)}"


def render_markdown() -> str:
    """Write the documentation's page of settings."""
    parts = [MARKDOWN_HEAD]
    section = ""
    for row in rows():
        if row.section != section:
            section = row.section
            parts.append(
                f"\n## {section}\n\n| variable | default | values | meaning |\n|---|---|---|---|\n"
            )
        variable = f"`{row.variable}`"
        if row.is_secret:
            variable += f"<br>`{row.variable}_FILE`"
        default = f"`{row.default}`" if row.default else "–"
        parts.append(f"| {variable} | {default} | {row.allowed} | {row.meaning} |\n")
    return "".join(parts)


def render_env() -> str:
    """Write `.env.example`: every setting commented out, at its default."""
    parts = [ENV_HEAD]
    section = ""
    for row in rows():
        if row.section != section:
            section = row.section
            parts.append(f"\n# {section}\n")
        note = row.meaning.replace("`", "")
        if row.allowed:
            note += f" Values: {row.allowed}."
        note += f" Default: {row.default}." if row.default else " Default: none."
        lines = textwrap.wrap(note, ENV_WIDTH - len("# "), break_on_hyphens=False)
        parts.append("\n" + "".join(f"# {line}\n" for line in lines))
        parts.append(f"#{row.variable}={row.default}\n")
        if row.is_secret:
            parts.append(f"#{row.variable}_FILE=\n")
    return "".join(parts)


def _allowed(field: FieldInfo) -> str:
    choices = choices_of(field.annotation)
    if choices:
        return ", ".join(choices)
    if field.annotation is bool:
        return "true, false"
    limits = limits_of(field)
    return f"{limits[0]} to {limits[1]} {unit_of(field)}".rstrip() if limits else ""
