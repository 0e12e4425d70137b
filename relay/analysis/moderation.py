"""The moderation format of OpenAI's, which others speak as well: what is sent, what comes back.

*Source*: OpenAI's API reference, "Create moderation" (autumn 2026).
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from relay.analysis.scores import KINDS, THREAT, TOXICITY, Score

MAX_INPUT: Final = 20_000
"""Characters of a segment that are sent; one has a few hundred."""

KIND_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "harassment": TOXICITY,
        "hate": TOXICITY,
        "harassment/threatening": THREAT,
        "hate/threatening": THREAT,
        "sexual": "sexual",
        "sexual/minors": "sexual",
        "self-harm": "self-harm",
        "self-harm/intent": "self-harm",
        "self-harm/instructions": "self-harm",
        "violence": "violence",
        "violence/graphic": "violence",
        "illicit": "illicit",
        "illicit/violent": "illicit",
    }
)
"""Our kind for each category; others are left out. Violence that is told of is no threat."""

assert set(KIND_OF.values()) <= set(KINDS)


class _Result(msgspec.Struct, frozen=True):
    categories: Mapping[str, bool | None] = msgspec.field(default_factory=dict)
    category_scores: Mapping[str, float | None] = msgspec.field(default_factory=dict)


class _Answer(msgspec.Struct, frozen=True):
    results: Sequence[_Result]


_decoder: Final = msgspec.json.Decoder(_Answer)


def write_request(text: str, model: str | None) -> bytes:
    """Ask about one text."""
    request = {"input": text[:MAX_INPUT]}
    return msgspec.json.encode({"model": model, **request} if model else request)


def read_answer(body: bytes) -> Sequence[Score]:
    """Read what is said of it: for each kind the highest score of its categories.

    Where a service gives no scores, a category that holds counts as 1.

    Raises:
        ValueError: If it is no such answer, or a score isn't between 0 and 1. The text quotes
            nothing of it.
    """
    try:
        answer = _decoder.decode(body)
    except msgspec.MsgspecError:
        raise ValueError("the answer is not in the moderation format") from None
    if not answer.results:
        raise ValueError("the answer holds no result")
    scores: dict[str, float] = {}
    for result in answer.results:
        for category, kind in KIND_OF.items():
            score = result.category_scores.get(category)
            if score is None:
                score = 1.0 if result.categories.get(category) else 0.0
            if not 0 <= score <= 1:
                raise ValueError("the answer holds a score that isn't between 0 and 1")
            scores[kind] = max(score, scores.get(kind, 0.0))
    return [Score(kind, scores[kind]) for kind in sorted(scores) if scores[kind]]
