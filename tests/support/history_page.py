"""A transcript's page as the relay writes it, for the tests of its script.

`python -m tests.support.history_page` writes it anew.
"""

import asyncio
from pathlib import Path
from typing import Any, Final, cast

from starlette.requests import Request
from starlette.responses import JSONResponse

from relay.auth.identities import Identity, Kind, Role
from relay.http.access import Access
from relay.http.assets import Assets
from relay.http.history_pages import HistoryPages
from relay.http.rendering import Renderer
from relay.http.transcripts import TranscriptsEndpoint

FILE: Final = Path(__file__).parents[1] / "contract" / "transcript.html"

ANSWER: Final[dict[str, Any]] = {
    "id": "s1",
    "title": "Handover",
    "account": "user:1",
    "kind": "user",
    "name": "anna",
    "device": None,
    "language": "en",
    "started_at": "2026-11-24T12:00:00+00:00",
    "updated_at": "2026-11-24T12:00:09+00:00",
    "ended_at": "2026-11-24T12:00:09+00:00",
    "audio_ms": 9000,
    "segments_count": 3,
    "words_count": 5,
    "flags": ["threat"],
    "audio": {"url": "/api/transcripts/s1/audio", "duration": 9.0},
    "next": 1,
    "segments": [
        {
            "number": 0,
            "text": "Good morning.",
            "start": 0.5,
            "end": 1.5,
            "language_code": "en",
            "words": [
                {"text": "Good", "start": 0.5, "end": 0.9, "type": "word"},
                {"text": " ", "start": 0.9, "end": 1.0, "type": "spacing"},
                {"text": "morning.", "start": 1.0, "end": 1.5, "type": "word"},
            ],
            "flags": [],
        },
        {
            "number": 1,
            "text": "今天 again",
            "start": 4.0,
            "end": 5.0,
            "language_code": "zh",
            "words": [
                {"text": "今", "start": 4.0, "end": 4.2, "type": "word"},
                {"text": "天", "start": 4.2, "end": 4.4, "type": "word"},
                {"text": "again", "start": 4.6, "end": 5.0, "type": "word"},
            ],
            "flags": [{"kind": "threat", "score": 0.87, "analyser": "words"}],
        },
    ],
}
"""What `/api/transcripts/{id}` answers where sound was recorded and analysed."""


class _Answering:
    async def get(self, _: Request) -> JSONResponse:
        return JSONResponse(ANSWER)


class _Known:
    async def identify(self, _: Request) -> Identity:
        return Identity(Kind.USER, "1", "anna", Role.USER)


async def page(query: str = "") -> str:
    """What of the page stands between its head and its end, which change with other things."""
    pages = HistoryPages(
        cast(Access, _Known()), Renderer(Assets()), cast(TranscriptsEndpoint, _Answering())
    )
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "path": "/history/s1",
        "path_params": {"transcript_id": "s1"},
        "query_string": query.encode(),
        "headers": [],
    }
    html = bytes((await pages.show(Request(scope))).body).decode()
    return html[html.index("<main") : html.index("</main>")] + "</main>\n"


if __name__ == "__main__":
    FILE.write_text(asyncio.run(page()))
