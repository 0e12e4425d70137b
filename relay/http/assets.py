"""`/static/…`: what pages load, under names that change with what they hold, so that it is kept."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from relay.errors import NotFound
from relay.http.manifest import Entry, read_entries
from relay.http.preferences import weights

STATIC: Final = Path(__file__).parent / "static"
"""Stylesheets and pictures, as they are."""

BUILT: Final = Path(__file__).parent / "built"
"""Scripts and their stylesheets, as `make web` builds them from `web/`; maybe it never did."""

MEDIA_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}

YEAR: Final = 365 * 86_400
"""Seconds."""

COMPRESSED_FROM: Final = 1024
"""Bytes from which text is worth compressing: what is shorter fits into a packet as it is."""


@dataclass(frozen=True)
class Asset:
    """One file."""

    content: bytes
    compressed: bytes | None
    """By gzip, where that pays."""
    media_type: str
    version: str
    """Changes with the content."""
    is_immutable: bool
    """Whether its name changes with the content as well."""


class Assets:
    """All files that pages load, read and compressed once."""

    def __init__(self, static: Path = STATIC, built: Path = BUILT) -> None:
        """Read files of the types that pages use; others are left out."""
        self._assets = {
            path.name: _read(path, is_immutable=folder is built)
            for folder in (static, built)
            if folder.is_dir()
            for path in sorted(folder.iterdir())
            if path.suffix in MEDIA_TYPES
        }
        manifest = built / ".vite" / "manifest.json"
        self._entries = read_entries(manifest.read_bytes()) if manifest.is_file() else {}

    def routes(self) -> list[Route]:
        """List the routes."""
        return [Route("/static/{name}", self.serve)]

    def url(self, name: str) -> str:
        """Where pages find a file."""
        asset = self._assets[name]
        return f"/static/{name}" if asset.is_immutable else f"/static/{name}?v={asset.version}"

    def entry(self, name: str) -> Entry | None:
        """Find what a page loads for its script, as URLs; None where nothing was built."""
        entry = self._entries.get(name)
        if entry is None:
            return None
        return Entry(
            self.url(entry.script),
            tuple(map(self.url, entry.preloads)),
            tuple(map(self.url, entry.styles)),
        )

    async def serve(self, request: Request) -> Response:
        """Answer with a file: for a year under its own version, else to be asked for again."""
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            raise NotFound("There is no such file.")
        is_exact = asset.is_immutable or request.query_params.get("v") == asset.version
        headers = {
            "cache-control": f"public, max-age={YEAR}, immutable" if is_exact else "no-cache",
            "etag": f'"{asset.version}"',
        }
        content = asset.content
        if asset.compressed is not None:
            headers["vary"] = "accept-encoding"
            if _takes_gzip(request):
                content = asset.compressed
                # Other bytes need another tag (RFC 9110, section 8.8.3).
                headers |= {"content-encoding": "gzip", "etag": f'"{asset.version}-gzip"'}
        if request.headers.get("if-none-match") == headers["etag"]:
            headers.pop("content-encoding", None)
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=asset.media_type, headers=headers)


def _takes_gzip(request: Request) -> bool:
    return weights(request.headers.get("accept-encoding", "")).get("gzip", 0.0) > 0


@cache
def _compressed(content: bytes) -> bytes:
    # Once per process, however many apps are made in it: it is a third of what making one costs.
    return gzip.compress(content, mtime=0)


def _read(path: Path, *, is_immutable: bool) -> Asset:
    content = path.read_bytes()
    is_text = path.suffix != ".png"
    return Asset(
        content,
        _compressed(content) if is_text and len(content) > COMPRESSED_FROM else None,
        MEDIA_TYPES[path.suffix],
        hashlib.sha256(content).hexdigest()[:16],
        is_immutable,
    )
