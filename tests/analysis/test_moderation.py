import json
from collections.abc import Mapping

import pytest

from relay.analysis.moderation import MAX_INPUT, read_answer, write_request
from relay.analysis.scores import Score


def answer(*results: Mapping[str, object]) -> bytes:
    return json.dumps({"id": "modr-1", "model": "m", "results": results}).encode()


def test_a_text_is_asked_about_with_a_model_or_without() -> None:
    assert json.loads(write_request("привет", "omni")) == {"model": "omni", "input": "привет"}
    assert json.loads(write_request("x" * 30_000, None)) == {"input": "x" * MAX_INPUT}


def test_each_kind_has_the_highest_score_of_its_categories() -> None:
    scores = {
        "harassment": 0.4,
        "hate": 0.6,
        "harassment/threatening": 0.9,
        "violence": 0.2,
        "sexual": 0,
        "something/new": 1.0,
    }
    other = {"self-harm": None, "hate": 0.1}
    found = read_answer(answer({"category_scores": scores}, {"category_scores": other}))
    assert found == [Score("threat", 0.9), Score("toxicity", 0.6), Score("violence", 0.2)]


def test_without_scores_what_holds_counts_as_one() -> None:
    categories = {"harassment": True, "violence": False, "illicit": None}
    assert read_answer(answer({"flagged": True, "categories": categories})) == [
        Score("toxicity", 1.0)
    ]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"<html>", "not in the moderation format"),
        (b'{"results": 1}', "not in the moderation format"),
        (b'{"results": []}', "no result"),
        (b'{"results": [{"category_scores": {"hate": 7}}]}', "isn't between 0 and 1"),
        (b'{"results": [{"category_scores": {"hate": "a secret"}}]}', "^the answer is not in"),
    ],
)
def test_what_is_no_such_answer_is_refused_and_not_quoted(body: bytes, text: str) -> None:
    with pytest.raises(ValueError, match=text) as caught:
        read_answer(body)
    assert "secret" not in str(caught.value)
