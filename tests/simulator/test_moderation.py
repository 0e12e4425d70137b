"""The stand-in for a moderation service, over HTTP and as the relay asks it."""

import aiohttp
import pytest

from relay.analysing import Moderation
from relay.analysis.posting import Poster
from relay.analysis.scores import Score
from relay.simulator.moderation import CATEGORIES, MODERATION_PATH, judge
from relay.simulator.server import Simulator


def test_a_known_word_has_much_of_its_category_and_others_little() -> None:
    result = judge("I will KILL you")
    assert result["flagged"]
    assert set(result["categories"]) == set(result["category_scores"]) == set(CATEGORIES)
    assert [each for each, holds in result["categories"].items() if holds] == [
        "harassment/threatening"
    ]
    assert not judge("skill")["flagged"]


async def test_the_relay_understands_it() -> None:
    async with Simulator() as simulator:
        url = simulator.url.replace("ws", "http", 1) + MODERATION_PATH
        service = Moderation(Poster(url, timeout=5, headers={"authorization": "Bearer k"}), "m")
        scores = await service.scores("ты идиот", "ru")
        await service.aclose()
    assert Score("toxicity", 0.9) in scores


@pytest.mark.parametrize(
    ("key", "body", "status"),
    [
        ("Bearer k", b'{"input": ["a", "b"], "model": "m"}', 200),
        ("Bearer k", b'{"input": 1}', 400),
        ("Bearer ", b'{"input": "a"}', 401),
        ("", b'{"input": "a"}', 401),
    ],
)
async def test_it_answers_as_the_service_does(key: str, body: bytes, status: int) -> None:
    async with Simulator() as simulator, aiohttp.ClientSession() as http:
        url = simulator.url.replace("ws", "http", 1) + MODERATION_PATH
        async with http.post(url, data=body, headers={"authorization": key}) as answer:
            assert answer.status == status
            told = await answer.json()
    if status == 200:
        assert (told["model"], len(told["results"])) == ("m", 2)
    else:
        assert told["error"]["type"] == "invalid_request_error"
