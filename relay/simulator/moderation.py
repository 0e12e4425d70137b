"""`POST /v1/moderations` in the form of OpenAI's: a stand-in that knows a handful of words.

*Source*: OpenAI's API reference, "Create moderation" (autumn 2026).
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec
from aiohttp import hdrs, web

MODERATION_PATH: Final = "/v1/moderations"

CATEGORIES: Final = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening"),
    *("illicit", "illicit/violent", "self-harm", "self-harm/intent", "self-harm/instructions"),
    *("sexual", "sexual/minors", "violence", "violence/graphic"),
)

KNOWN_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "idiot": "harassment",
        "идиот": "harassment",
        "vermin": "hate",
        "kill": "harassment/threatening",
        "убью": "harassment/threatening",
    }
)
"""Each with the category that it has 0.9 of."""

LITTLE: Final = 0.0001
"""Of every other category, as models have it."""


class _Request(msgspec.Struct):
    input: str | list[str]
    model: str = "omni-moderation-latest"


_decoder: Final = msgspec.json.Decoder(_Request)


def judge(text: str) -> dict[str, Any]:
    """One result."""
    scores = dict.fromkeys(CATEGORIES, LITTLE)
    for word in re.findall(r"\w+", text.casefold()):
        if (category := KNOWN_WORDS.get(word)) is not None:
            scores[category] = 0.9
    categories = {category: score > 0.5 for category, score in scores.items()}
    return {
        "flagged": any(categories.values()),
        "categories": categories,
        "category_scores": scores,
    }


def moderation_routes() -> Sequence[web.RouteDef]:
    """Make the route; any key will do."""
    return [web.post(MODERATION_PATH, _moderate)]


async def _moderate(request: web.Request) -> web.Response:
    scheme, _, key = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme != "Bearer" or not key:
        return _error(401, "You didn't provide an API key.", "invalid_request_error")
    try:
        asked = _decoder.decode(await request.read())
    except msgspec.MsgspecError:
        return _error(400, "The body is not what this route takes.", "invalid_request_error")
    texts = [asked.input] if isinstance(asked.input, str) else asked.input
    answer = {
        "id": "modr-simulated",
        "model": asked.model,
        "results": [judge(text) for text in texts],
    }
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")


def _error(status: int, text: str, kind: str) -> web.Response:
    body = msgspec.json.encode({"error": {"message": text, "type": kind}})
    return web.Response(status=status, body=body, content_type="application/json")
