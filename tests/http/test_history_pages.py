"""`/history` over HTTP, as a browser without scripts uses it."""

import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from relay.http.transcripts import MAX_TITLE_LENGTH
from relay.store.segments import Said
from tests.http.shared import relay, running
from tests.http.test_pages import RUSSIAN, XSS, Seen, look, send, went_to, words
from tests.http.test_transcripts import NOON, record, write
from tests.support import history_page
from tests.support.flags import flag
from tests.support.people import Person, ask, device, operator, person
from tests.support.relay import Relay

WORDS = json.dumps(
    [
        {"text": "good", "start": 0.5, "end": 0.9, "type": "word"},
        {"text": " ", "start": 0.9, "end": 1.0, "type": "spacing"},
        {"text": "morning", "start": 1.0, "end": 1.5, "type": "word"},
    ]
)


__all__ = ["relay", "running"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def anna(relay: Relay) -> Person:
    return await person(relay, "anna")


async def say(relay: Relay, who: Person, session_id: str, *texts: str, **changes: object) -> None:
    said = [Said(number=n, text=text, starts_at=10.0 * n) for n, text in enumerate(texts)]
    account = f"user:{who.user.id}"
    await write(
        relay,
        *(record(account, session_id, name=who.user.name, said=each, **changes) for each in said),
    )


def links(html: str, beginning: str) -> list[str]:
    hrefs = [each.get("href") or "" for each in Seen(html).all("a")]
    return [href for href in hrefs if href.startswith(beginning)]


# Who sees what.


@pytest.mark.parametrize("path", ["/history", "/history/s1", "/history?q=morning"])
async def test_whoever_is_unknown_signs_in_and_comes_back(relay: Relay, path: str) -> None:
    lobby = await device(relay)
    for headers in ({}, lobby.headers):
        to = urlsplit(went_to(await look(relay, path, headers)))
        assert (to.path, parse_qs(to.query)["next"]) == ("/login", [path])


async def test_everybody_sees_their_own_and_operators_all(relay: Relay, anna: Person) -> None:
    ben, olga = await person(relay, "ben"), await operator(relay)
    await say(relay, anna, "s1", "good morning")
    await say(relay, ben, "s2", "good evening")
    assert links((await look(relay, "/history", anna.headers)).text, "/history/") == ["/history/s1"]
    assert "said by" not in words(await look(relay, "/history", anna.headers))
    assert (await look(relay, "/history/s2", anna.headers)).status == 404
    for form in ("rename", "delete"):
        assert (await send(relay, f"/history/s2/{form}", anna.headers, title="x")).status == 404
    seen = await look(relay, "/history", olga.headers)
    assert set(links(seen.text, "/history/")) == {"/history/s1", "/history/s2"}
    assert "said by ben" in words(seen)
    (only,) = links(seen.text, f"/history?account=user%3A{ben.user.id}")
    narrowed = await look(relay, only, olga.headers)
    assert [urlsplit(each).path for each in links(narrowed.text, "/history/")] == ["/history/s2"]
    assert "Only what ben said" in words(narrowed)


async def test_nothing_said_leads_to_the_recorder(relay: Relay, anna: Person) -> None:
    answer = await look(relay, "/history", anna.headers)
    assert "Nothing has been said yet" in words(answer)
    assert "/" in links(answer.text, "/")
    assert "/history" in links((await look(relay, "/", anna.headers)).text, "/history")


# Finding.


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("morning", "Good morning, all", "Good <mark>morning</mark>, all"),
        ("погод*", "О погоде утром", "О <mark>погоде</mark> утром"),
        ("天气", "今天天气很好", "今天<mark>天气</mark>很好"),
        ("b", "<b>&amp;</b>", "&lt;<mark>b</mark>&gt;&amp;amp;&lt;/<mark>b</mark>&gt;"),
        ("family", "👨‍👩‍👧 family", "👨‍👩‍👧 <mark>family</mark>"),
    ],
)
async def test_what_is_found_is_marked_in_the_list_and_in_the_transcript(
    relay: Relay, anna: Person, query: str, text: str, marked: str
) -> None:
    await say(relay, anna, "s1", "something else", text)
    await say(relay, anna, "s2", "nothing of it")
    answer = await look(relay, f"/history?q={query}", anna.headers)
    assert answer.status == 200
    assert marked in answer.text
    of_one = links(answer.text, "/history/")
    assert {urlsplit(each).path for each in of_one} == {"/history/s1"}
    shown = await look(relay, of_one[-1], anna.headers)
    assert marked in shown.text
    assert urlsplit(of_one[-1]).fragment == "s1"
    assert any(attributes.get("id") == "s1" for attributes in Seen(shown.text).all("li"))


async def test_a_hit_far_in_leads_to_the_part_in_which_it_stands(
    relay: Relay, anna: Person
) -> None:
    await say(relay, anna, "s1", *(f"number {n}" for n in range(30)))
    found = await look(relay, "/history?q=27", anna.headers)
    leads = links(found.text, "/history/s1")[-1]
    shown = await look(relay, leads, anna.headers)
    numbers = [each["id"] for each in Seen(shown.text).all("li") if "id" in each]
    assert numbers[0] == "s22"
    assert "s27" in numbers
    (earlier,) = [each for each in Seen(shown.text).all("a") if each.get("rel") == "prev"]
    assert earlier["href"] == "/history/s1?q=27"


async def test_empty_fields_of_the_form_ask_for_nothing(relay: Relay, anna: Person) -> None:
    to = went_to(await look(relay, "/history?q=good&since=&until=&device=&flag=+", anna.headers))
    assert to == "/history?q=good"


async def test_filters_narrow_the_list_and_stay_in_the_form(relay: Relay, anna: Person) -> None:
    await say(relay, anna, "s1", "good morning", language="ru")
    await say(relay, anna, "s2", "good day", started_at=NOON - timedelta(days=3))
    await flag(relay.services.database, "s2", 0, {"threat": 0.9})
    for query, wanted in (
        ("language=ru", ["s1"]),
        ("since=2026-11-24", ["s1"]),
        ("until=2026-11-23", ["s2"]),
        ("flag=threat", ["s2"]),
        ("device=lobby", []),
    ):
        answer = await look(relay, f"/history?{query}", anna.headers)
        found = [urlsplit(each).path for each in links(answer.text, "/history/s")]
        assert found == [f"/history/{each}" for each in wanted], query
        name, _, value = query.partition("=")
        if name in ("language", "flag"):
            assert [
                each["value"] for each in Seen(answer.text).all("option") if "selected" in each
            ] == [value]
        else:
            assert Seen(answer.text).field(name)["value"] == value
    assert "flagged: threat" in words(await look(relay, "/history?flag=threat", anna.headers))


@pytest.mark.parametrize("query", ["q=a*", "q=...", "since=never", "cursor=none"])
async def test_what_cant_be_looked_for_is_said_above_the_form(
    relay: Relay, anna: Person, query: str
) -> None:
    answer = await look(relay, f"/history?{query}", anna.headers)
    assert answer.status == 422
    assert "This can’t be looked for" in words(answer)
    assert Seen(answer.text).field("q")


async def test_pages_go_on_where_the_one_before_ends(relay: Relay, anna: Person) -> None:
    for number in range(51):
        await say(relay, anna, f"s{number}", "x", started_at=NOON + timedelta(minutes=number))
    first = await look(relay, "/history", anna.headers)
    assert len(links(first.text, "/history/")) == 50
    (older,) = [each["href"] for each in Seen(first.text).all("a") if each.get("rel") == "next"]
    second = await look(relay, older or "", anna.headers)
    assert links(second.text, "/history/s") == ["/history/s0"]
    assert "Back to the newest" in words(second)
    assert not [each for each in Seen(second.text).all("a") if each.get("rel") == "next"]
    await ask(relay, "DELETE", "/api/transcripts/s0", anna.headers)
    # Where nothing comes after a full page, nothing leads on.
    full = await look(relay, "/history", anna.headers)
    assert len(links(full.text, "/history/")) == 50
    assert not [each for each in Seen(full.text).all("a") if each.get("rel") == "next"]


# One transcript.


async def test_words_carry_their_times(relay: Relay, anna: Person) -> None:
    account = f"user:{anna.user.id}"
    said = Said(number=0, text="“good” morning", starts_at=0.0, language="eng", words=WORDS)
    await write(relay, record(account, said=said))
    page = Seen((await look(relay, "/history/s1", anna.headers)).text)
    timed = [(each["data-t"], each["data-e"]) for each in page.all("span") if "data-t" in each]
    assert timed == [("0.5", "0.9"), ("1.0", "1.5")]
    assert [each["lang"] for each in page.all("p") if "lang" in each] == ["eng"]


async def test_a_segment_in_which_nothing_was_heard_is_not_shown(
    relay: Relay, anna: Person
) -> None:
    await say(relay, anna, "s1", "good morning", "", "and evening")
    page = Seen((await look(relay, "/history/s1", anna.headers)).text)
    assert [each["id"] for each in page.all("li") if "id" in each] == ["s0", "s2"]


async def test_a_long_transcript_comes_in_parts(relay: Relay, anna: Person) -> None:
    await say(relay, anna, "s1", *(f"number {n}" for n in range(201)))
    first = await look(relay, "/history/s1", anna.headers)
    (later,) = [each["href"] for each in Seen(first.text).all("a") if each.get("rel") == "next"]
    second = Seen((await look(relay, later or "", anna.headers)).text)
    assert [each["id"] for each in second.all("li") if "id" in each] == ["s200"]
    (earlier,) = [each["href"] for each in second.all("a") if each.get("rel") == "prev"]
    assert earlier == "/history/s1"


async def test_whatever_was_said_or_is_called_is_no_markup(relay: Relay, anna: Person) -> None:
    await say(relay, anna, "s1", XSS, device=XSS, language=XSS)
    await relay.services.transcripts.rename("s1", None, XSS)
    for path in ("/history", "/history/s1", f"/history?q=script&device={XSS}"):
        answer = await look(relay, path, anna.headers)
        assert "<script>alert" not in answer.text, path
        assert all("src" in each for each in Seen(answer.text).all("script"))


async def test_it_is_renamed_and_deleted_by_forms(relay: Relay, anna: Person) -> None:
    await say(relay, anna, "s1", "good morning")
    to = went_to(await send(relay, "/history/s1/rename", anna.headers, title=" Ward  three "))
    renamed = await look(relay, to, anna.headers)
    assert "The title is changed." in words(renamed)
    assert Seen(renamed.text).field("title")["value"] == "Ward three"
    assert "Ward three" in words(await look(relay, "/history", anna.headers))
    long = "x" * (MAX_TITLE_LENGTH + 1)
    refused = await send(relay, "/history/s1/rename", anna.headers, title=long)
    assert refused.status == 422
    assert Seen(refused.text).field("title")["value"] == long
    assert "A title has at most 200 characters" in words(refused)
    to = went_to(await send(relay, "/history/s1/delete", anna.headers))
    assert "The transcript is deleted." in words(await look(relay, to, anna.headers))
    assert (await look(relay, "/history/s1", anna.headers)).status == 404


@pytest.mark.parametrize("form", ["rename", "delete"])
async def test_nobody_elses_page_changes_anything(relay: Relay, anna: Person, form: str) -> None:
    await say(relay, anna, "s1", "good morning")
    cookie = {"Cookie": anna.headers["Cookie"]}
    for headers in (cookie, {**cookie, "Origin": "https://evil.example"}):
        assert (await send(relay, f"/history/s1/{form}", headers, title="x")).status == 403
    unsigned = await send(relay, f"/history/s1/{form}", title="x")
    assert urlsplit(went_to(unsigned)).path == "/login"
    assert (await look(relay, "/history/s1", anna.headers)).status == 200


async def test_the_script_is_tested_on_this_very_page() -> None:
    """With sound and flags, as the API has them where sessions are recorded and analysed."""
    wanted = history_page.FILE.read_text()
    assert await history_page.page() == wanted, "python -m tests.support.history_page"


# Taking them along.


async def test_one_selected_is_a_file_and_more_are_a_zip(relay: Relay, anna: Person) -> None:
    async def led_to(query: str) -> str:
        return went_to(await look(relay, f"/history/export?{query}", anna.headers))

    assert (
        await led_to("id=s1&format=srt&which=selected") == "/api/transcripts/s1/export?format=srt"
    )
    two = await led_to("id=s1&id=s2&format=md&which=selected&q=good")
    assert two == "/api/transcripts/export?id=s1&id=s2&format=md"
    everything = await led_to("q=good&since=2026-11-24&id=s1&format=csv&which=all")
    assert everything == "/api/transcripts/export?q=good&since=2026-11-24&format=csv"
    # Nothing but our own API, whatever stands there.
    odd = await led_to("id=//evil.example%2F..&which=selected")
    assert urlsplit(odd).path == "/api/transcripts/%2F%2Fevil.example%2F../export"


async def test_nothing_selected_is_said(relay: Relay, anna: Person) -> None:
    await say(relay, anna, "s1", "good morning")
    answer = await look(relay, "/history/export?format=txt&which=selected", anna.headers)
    assert answer.status == 422
    assert "Nothing is selected" in words(answer)
    assert links(answer.text, "/history/s1")


async def test_it_speaks_russian(relay: Relay, anna: Person) -> None:
    await say(relay, anna, "s1", "good morning")
    headers = {**anna.headers, **RUSSIAN}
    for path, title in (("/history", "Расшифровки"), ("/history/s1", "Переименовать")):
        answer = await look(relay, path, headers)
        assert answer.headers["Content-Language"] == "ru"
        assert title in words(answer)
