"""What is posted, against a real server."""

import pytest

from relay.analysis.posting import MAX_ANSWER_BYTES, Poster, PostFailed
from tests.support.receiving import Receiver, Reply


async def test_what_is_posted_arrives_and_the_answer_comes_back() -> None:
    async with Receiver(Reply(202, b'{"ok":true}')) as receiver:
        poster = Poster(receiver.url, timeout=5, headers={"authorization": "Bearer k"})
        assert poster.timeout == 5
        assert await poster.post(b'{"a":1}', {"webhook-id": "m"}) == b'{"ok":true}'
        await poster.aclose()
    (received,) = receiver.received
    assert (received.path, received.body) == ("/hook", b'{"a":1}')
    headers = received.headers
    assert headers["authorization"] == "Bearer k"
    assert headers["webhook-id"] == "m"
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == "scribe-relay"


async def test_a_redirect_is_not_followed() -> None:
    async with Receiver() as elsewhere, Receiver() as receiver:
        receiver.replies = [Reply(307, headers={"location": elsewhere.url})]
        poster = Poster(receiver.url, timeout=5)
        with pytest.raises(PostFailed, match=r"^HTTP 307$"):
            await poster.post(b"{}")
        await poster.aclose()
    assert elsewhere.received == []


@pytest.mark.parametrize(
    ("given", "understood"),
    [("7", 7.0), ("Wed, 21 Oct 2015 07:28:00 GMT", None), ("-1", None), ("9" * 400, None)],
)
async def test_who_is_busy_says_when_to_come_back(given: str, understood: float | None) -> None:
    async with Receiver(Reply(429, headers={"retry-after": given})) as receiver:
        poster = Poster(receiver.url, timeout=5)
        with pytest.raises(PostFailed) as caught:
            await poster.post(b"{}")
        await poster.aclose()
    assert (caught.value.status, caught.value.retry_after) == (429, understood)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(hangs=True), "TimeoutError"),
        (Reply(body=b"x" * (MAX_ANSWER_BYTES + 1)), "an answer that is too long"),
        (Reply(500, b"secret"), "HTTP 500"),
    ],
)
async def test_time_and_size_are_bounded(reply: Reply, reason: str) -> None:
    async with Receiver(reply) as receiver:
        poster = Poster(receiver.url, timeout=0.2)
        with pytest.raises(PostFailed) as caught:
            await poster.post(b"{}")
        await poster.aclose()
    assert str(caught.value) == reason
    assert "secret" not in str(caught.value)


async def test_an_answer_as_long_as_may_be_is_read() -> None:
    async with Receiver(Reply(body=b"x" * MAX_ANSWER_BYTES)) as receiver:
        poster = Poster(receiver.url, timeout=5)
        assert len(await poster.post(b"{}")) == MAX_ANSWER_BYTES
        await poster.aclose()


async def test_nobody_there_is_a_failure_that_names_no_host() -> None:
    async with Receiver() as receiver:
        url = receiver.url
    poster = Poster(url, timeout=2)
    with pytest.raises(PostFailed) as caught:
        await poster.post(b"{}")
    assert caught.value.status is None
    assert "127.0.0.1" not in str(caught.value)
    await poster.aclose()
    await Poster(url, timeout=2).aclose()
