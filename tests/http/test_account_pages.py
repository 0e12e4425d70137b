"""`/account` and its API: all that is known of somebody, taken along and deleted."""

import io
import json
import zipfile

import aiohttp
import pytest
import pytest_asyncio

from relay.auth.gate import SESSION_COOKIE
from relay.http import account_pages
from relay.registry.ownership import EVENTS
from relay.simulator.server import Simulator
from relay.store.transcripts import Filter
from relay.store.usage import UsageRow
from tests.http.shared import relay, running
from tests.http.test_history_pages import say
from tests.http.test_openapi import check
from tests.http.test_pages import RUSSIAN, Seen, look, send, went_to, words
from tests.http.test_transcripts import NOON
from tests.support.people import Answer, Person, ask, device, operator, person
from tests.support.relay import Client, Relay, relay_to
from tests.support.signals import identifiable_noise
from tests.support.waiting import until

__all__ = ["relay", "running"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody speaks, so there are no sessions to wait for."""
    monkeypatch.setattr(account_pages, "SESSIONS_END_WITHIN", 0.0)


@pytest_asyncio.fixture(loop_scope="module")
async def anna(relay: Relay) -> Person:
    anna, ben = await person(relay, "anna"), await person(relay, "ben")
    await say(relay, anna, "s1", "good morning")
    await say(relay, anna, "s2", "good evening")
    await say(relay, ben, "s3", "not hers")
    await relay.services.usage.record(
        [
            UsageRow(
                session_id=session_id,
                day=NOON.date(),
                account=f"user:{who.user.id}",
                kind="user",
                name=who.user.name,
                received_ms=5000,
            )
            for session_id, who in (("s1", anna), ("s2", anna), ("s3", ben))
        ]
    )
    return anna


async def erase(relay: Relay, headers: dict[str, str], **body: object) -> Answer:
    answer = await ask(relay, "DELETE", "/api/me", headers, json=body)
    check("DELETE", "/api/me", answer)
    return answer


async def left(relay: Relay, who: Person) -> tuple[bool, int, int]:
    """Whether the account is there, how many transcripts, how much usage."""
    account = f"user:{who.user.id}"
    services = relay.services
    return (
        await services.users.get(who.user.id) is not None,
        await services.transcripts.count(Filter(account=account)),
        await services.usage.received_ms(account, NOON.date()),
    )


async def test_the_page_says_what_there_is_and_what_can_be_done(relay: Relay, anna: Person) -> None:
    answer = await look(relay, "/account", anna.headers)
    assert "2 1" in " ".join(word for word in words(answer).split() if word.isdigit())
    assert "type your name: anna" in words(answer)
    assert "введите своё имя: anna" in words(
        await look(relay, "/account", {**anna.headers, **RUSSIAN})
    )
    assert '<a href="/account"' in (await look(relay, "/history", anna.headers)).text


async def test_it_is_for_people_who_are_signed_in(relay: Relay) -> None:
    lobby = await device(relay)
    for headers in ({}, lobby.headers):
        assert went_to(await look(relay, "/account", headers)) == "/login?next=%2Faccount"
        assert went_to(await send(relay, "/account/erase", {**headers, "Origin": relay.url})) == (
            "/login?next=%2Faccount"
        )
    _, key = await relay.services.api_keys.create("crm", {})
    for headers in (lobby.headers, {"xi-api-key": key}):
        assert (await ask(relay, "GET", "/api/me/export", headers)).status == 403
        assert (await erase(relay, headers, name="lobby")).status == 403


async def test_all_of_ones_own_comes_as_a_zip(relay: Relay, anna: Person) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{relay.url}/api/me/export", headers=anna.headers) as answer,
    ):
        assert "scribe-relay-data.zip" in answer.headers["Content-Disposition"]
        archive = zipfile.ZipFile(io.BytesIO(await answer.read()))
    assert archive.testzip() is None
    account = json.loads(archive.read("account.json"))
    assert (account["name"], account["id"]) == ("anna", anna.user.id)
    (day,) = json.loads(archive.read("usage.json"))
    assert (day["sessions"], day["received_ms"]) == (2, 10_000)
    files = [name for name in archive.namelist() if name.startswith("transcripts/")]
    said = [json.loads(archive.read(name))["segments"][0]["text"] for name in files]
    assert sorted(said) == ["good evening", "good morning"]


@pytest.mark.usefixtures("at_once")
async def test_the_form_deletes_everything_and_says_what_it_was(relay: Relay, anna: Person) -> None:
    ben = await relay.services.users.find("ben")
    assert ben is not None
    answer = await send(relay, "/account/erase", anna.headers, name=" ANNA ")
    assert answer.status == 200
    assert "2 rows of usage 2 account, with its sign-ins 1" in words(answer).replace(
        "transcripts 2", "2"
    )
    assert answer.cookies[SESSION_COOKIE].value == ""
    assert await left(relay, anna) == (False, 0, 0)
    assert (await ask(relay, "GET", "/api/me", anna.headers)).status == 401
    # What is somebody else's stays.
    assert await relay.services.transcripts.count(Filter(account=f"user:{ben.id}")) == 1
    assert await relay.services.usage.received_ms(f"user:{ben.id}", NOON.date()) == 5000


@pytest.mark.parametrize("name", ["", "ben", "anna2"])
async def test_another_name_confirms_nothing(relay: Relay, anna: Person, name: str) -> None:
    answer = await send(relay, "/account/erase", anna.headers, name=name)
    assert answer.status == 422
    assert "nothing was deleted. Type anna" in words(answer)
    assert Seen(answer.text).field("name")["aria-invalid"] == "true"
    assert (await erase(relay, anna.headers, name=name)).status == 422
    assert await left(relay, anna) == (True, 2, 10_000)


async def test_nobody_elses_page_deletes_anything(relay: Relay, anna: Person) -> None:
    cookie = {"Cookie": anna.headers["Cookie"]}
    for headers in (cookie, {**cookie, "Origin": "https://evil.example"}):
        assert (await send(relay, "/account/erase", headers, name="anna")).status == 403
        assert (await erase(relay, headers, name="anna")).status == 403
    assert await left(relay, anna) == (True, 2, 10_000)


@pytest.mark.usefixtures("at_once")
async def test_the_only_operator_stays(relay: Relay) -> None:
    olga = await operator(relay)
    answer = await send(relay, "/account/erase", olga.headers, name="olga")
    assert answer.status == 422
    assert "You are the only operator" in words(answer)
    assert (await erase(relay, olga.headers, name="olga")).status == 422
    await operator(relay, "otto")
    erased = await erase(relay, olga.headers, name="olga")
    assert erased.body == {"transcripts": 0, "usage_rows": 0, "is_account": True}
    assert await left(relay, olga) == (False, 0, 0)


@pytest.mark.slow
async def test_nothing_is_left_of_somebody_who_is_speaking() -> None:
    async with Simulator() as simulator, relay_to(simulator.url) as relay:
        eve = await person(relay, "eve")
        async with Client(relay, headers=eve.headers, sample_rate=16_000) as client:
            await client.send(identifiable_noise(1.0, rate=16_000, seed=1))
            await client.say("commit")
            await client.count("committed_transcript", 1)
            session_id = client.of("session_started")[0]["session_id"]
            account = Filter(account=f"user:{eve.user.id}")
            await until(lambda: _has(relay, account), "the segment in the database")
            erased = await erase(relay, eve.headers, name="eve")
            assert (erased.body["transcripts"], erased.body["is_account"]) == (1, True)
            assert client.close_code is not None  # their session has ended
        assert await relay.services.transcripts.count(account) == 0
        assert await relay.services.usage.received_ms(account.account, NOON.date()) == 0
        async with relay.services.state.asking() as redis:
            assert not await redis.exists(EVENTS + session_id)


async def _has(relay: Relay, wanted: Filter) -> bool:
    return await relay.services.transcripts.count(wanted) == 1
