"""Where transcripts go: a file each, or standard output."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import click

from relay.captions import SpokenSegment, render_json, render_srt, render_txt, render_vtt
from relay.cli.exits import CommandFailed

Render: TypeAlias = Callable[[Iterable[SpokenSegment]], str]

RENDERERS: Mapping[str, Render] = MappingProxyType(
    {"txt": render_txt, "json": render_json, "srt": render_srt, "vtt": render_vtt}
)
"""By the name of the format, which is also the file's suffix."""


def plan_targets(files: Sequence[Path], output: Path | None, file_format: str) -> list[Path | None]:
    """Name a target for each file; `None` is standard output.

    Raises:
        click.UsageError: If several transcripts would end up in one file.
    """
    if output is None:
        if len(files) > 1 and file_format != "txt":
            raise click.UsageError(
                f"Several files in the format {file_format} need --output FOLDER, "
                "since one after the other they would be no valid file."
            )
        return [None] * len(files)
    if len(files) == 1 and not output.is_dir():
        return [output]
    if output.exists() and not output.is_dir():
        raise click.UsageError(f"Several files need a folder, and {output} is a file.")
    stems = Counter(file.stem for file in files)
    names = [file.stem if stems[file.stem] == 1 else file.name for file in files]
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise click.UsageError(
            f"Two files are called {repeated[0]}, and one transcript would replace the other; "
            "transcribe them into two folders."
        )
    return [output / f"{name}.{file_format}" for name in names]


def write_target(target: Path, text: str) -> None:
    """Write a transcript; a missing folder is made.

    Raises:
        CommandFailed: If that isn't possible.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{target} can't be written: {error.strerror}.") from error
