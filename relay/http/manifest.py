"""What Vite says of the scripts that it has built. Pure.

Source: Vite's guide, "Backend integration"; where Vite puts it: `web/vite.config.ts`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec


@dataclass(frozen=True)
class Entry:
    """What a page loads; names of files."""

    script: str
    preloads: tuple[str, ...] = ()
    """Modules that the script imports, so that a browser need not find out one by one."""
    styles: tuple[str, ...] = ()
    """In the order in which they count: those of imported modules come first."""


class _Chunk(msgspec.Struct, rename="camel"):
    file: str
    name: str = ""
    is_entry: bool = False
    imports: list[str] = []  # msgspec copies it
    css: list[str] = []


def read_entries(manifest: bytes) -> dict[str, Entry]:
    """Find each page's script by the page's name."""
    chunks = msgspec.json.decode(manifest, type=dict[str, _Chunk])
    return {chunk.name: _entry(chunks, key) for key, chunk in chunks.items() if chunk.is_entry}


def _entry(chunks: Mapping[str, _Chunk], key: str) -> Entry:
    needed = list(_with_imports(chunks, key, set()))
    styles = dict.fromkeys(style for each in needed for style in chunks[each].css)
    preloads = [chunks[each].file for each in needed if each != key]
    return Entry(chunks[key].file, tuple(preloads), tuple(styles))


def _with_imports(chunks: Mapping[str, _Chunk], key: str, seen: set[str]) -> Iterator[str]:
    """Name a chunk and all that it imports, each after what it imports itself."""
    if key in seen:
        return
    seen.add(key)
    for imported in chunks[key].imports:
        yield from _with_imports(chunks, imported, seen)
    yield key
