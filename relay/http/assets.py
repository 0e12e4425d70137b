"""`/static/…`: stylesheets and pictures, named with what they hold so that they may be kept."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from relay.errors import NotFound

FOLDER: Final = Path(__file__).parent / "static"

MEDIA_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}

YEAR: Final = 365 * 86_400


@dataclass(frozen=True)
class Asset:
    """One file."""

    content: bytes
    media_type: str
    version: str
    """Changes with the content."""


class Assets:
    """All files of a folder, read once."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Read files of the types that pages use; others are left out."""
        self._assets = {
            path.name: _read(path)
            for path in sorted(folder.iterdir())
            if path.suffix in MEDIA_TYPES
        }

    def routes(self) -> list[Route]:
        """List the routes."""
        return [Route("/static/{name}", self.serve)]

    def url(self, name: str) -> str:
        """Where pages find a file."""
        return f"/static/{name}?v={self._assets[name].version}"

    async def serve(self, request: Request) -> Response:
        """Answer with a file: for a year under its own version, else to be asked for again."""
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            raise NotFound("There is no such file.")
        is_exact = request.query_params.get("v") == asset.version
        headers = {
            "cache-control": f"public, max-age={YEAR}, immutable" if is_exact else "no-cache",
            "etag": f'"{asset.version}"',
        }
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(asset.content, media_type=asset.media_type, headers=headers)


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    return Asset(content, MEDIA_TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:16])
