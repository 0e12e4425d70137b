"""Conversations as files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

FOLDER = Path(__file__).parent

Line = dict[str, Any]


@dataclass(frozen=True)
class Conversation:
    """What was said, and what the client's user must have been told."""

    lines: tuple[Line, ...]
    told: Line

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file."""
        *lines, told = map(json.loads, path.read_text().splitlines())
        return cls(tuple(lines), told)

    def write(self, path: Path) -> None:
        """Write it, one line each."""
        texts = (json.dumps(line, ensure_ascii=False) for line in (*self.lines, self.told))
        path.write_text("\n".join(texts) + "\n")

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of the relay that aren't the usual ones."""
        settings: dict[str, Any] = self.lines[0].get("settings", {})
        return settings

    @property
    def sessions(self) -> int:
        """How often the client connects."""
        return len(self.of("open"))

    def of(self, kind: str) -> list[Any]:
        """What the lines of a kind say."""
        return [line[kind] for line in self.lines if kind in line]


def conversations() -> list[Path]:
    """Every file."""
    return sorted(FOLDER.glob("*.jsonl"))
