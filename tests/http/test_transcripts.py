"""`/api/transcripts` on a real socket."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from relay.recording.parts import Name, owner_of
from relay.registry.ownership import EVENTS
from relay.simulator.server import Simulator
from relay.store.segments import Record, Said, Segments
from tests.http.conftest import NOWHERE
from tests.http.test_openapi import check
from tests.support.people import Answer, Person, ask, device, operator, person
from tests.support.relay import Client, Relay, relay_to
from tests.support.signals import identifiable_noise
from tests.support.waiting import until

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Simulator() as simulator, relay_to(simulator.url) as running:
        yield running


@pytest.fixture
async def anna(relay: Relay) -> Person:
    return await person(relay, "anna")


@pytest.fixture
async def olga(relay: Relay) -> Person:
    return await operator(relay)


WORDS = '[{"text":"good","start":0.5,"end":0.9,"type":"word","logprob":-0.1}]'


def record(account: str, session_id: str = "s1", **changes: Any) -> Record:
    plain = Record(
        session_id=session_id,
        epoch=1,
        is_fenced=True,
        account=account,
        kind=account.partition(":")[0],
        name="anna",
        device=None,
        language="en",
        started_at=NOON,
        at=NOON + timedelta(seconds=5),
        audio_ms=5000,
        segments=2,
        words=4,
        said=Said(number=0, text="good morning", starts_at=0.0, ends_at=1.5, words=WORDS),
    )
    return replace(plain, **changes)


async def write(relay: Relay, *records: Record) -> None:
    await Segments(relay.services.database).record(records)


async def checked(
    relay: Relay, who: Person, method: str, path: str, status: int = 200, **body: Any
) -> Answer:
    answer = await ask(relay, method, path, who.headers, **body)
    assert answer.status == status, answer.text
    check(method, path, answer)
    return answer


async def listed(relay: Relay, headers: Any, query: str = "") -> list[str]:
    answer = await ask(relay, "GET", f"/api/transcripts?{query}", headers)
    assert answer.status == 200, answer.text
    check("GET", "/api/transcripts", answer)
    return [each["id"] for each in answer.body["transcripts"]]


async def test_somebody_reads_renames_and_deletes_what_they_said(
    relay: Relay, anna: Person
) -> None:
    later = Said(number=1, text="and good evening")
    account = f"user:{anna.user.id}"
    await write(relay, record(account), record(account, said=later))
    read = (await checked(relay, anna, "GET", "/api/transcripts/s1?limit=1")).body
    assert (read["segments_count"], read["started_at"], read["next"]) == (2, NOON.isoformat(), 0)
    (segment,) = read["segments"]
    assert (segment["text"], segment["start"], segment["end"]) == ("good morning", 0.5, 1.5)
    assert segment["words"] == json.loads(WORDS)
    assert segment["flags"] == []
    read = (await checked(relay, anna, "GET", "/api/transcripts/s1?after=0&limit=1")).body
    assert ([each["text"] for each in read["segments"]], read["next"]) == ([later.text], None)
    renamed = await checked(
        relay, anna, "PATCH", "/api/transcripts/s1", json={"title": "  A\n day 👨‍👩‍👧 "}
    )
    assert renamed.body["title"] == "A day 👨‍👩‍👧"
    cleared = await checked(relay, anna, "PATCH", "/api/transcripts/s1", json={"title": " "})
    assert cleared.body["title"] is None
    await checked(relay, anna, "DELETE", "/api/transcripts/s1", 204)
    await checked(relay, anna, "GET", "/api/transcripts/s1", 404)
    assert await listed(relay, anna.headers) == []


async def test_another_user_sees_none_of_it(relay: Relay, anna: Person) -> None:
    ben = await person(relay, "ben")
    await write(relay, record(f"user:{anna.user.id}"))
    assert await listed(relay, ben.headers) == []
    assert await listed(relay, ben.headers, f"q=morning&account=user:{anna.user.id}") == []
    for method, path, body in (
        ("GET", "/api/transcripts/s1", None),
        ("GET", "/api/transcripts/s1/export?format=json", None),
        ("PATCH", "/api/transcripts/s1", {"title": "mine"}),
        ("DELETE", "/api/transcripts/s1", None),
    ):
        answer = await checked(relay, ben, method, path, 404, json=body)
        assert answer.body["error"] == "There is no such transcript."
    archive = await read(relay, ben.headers, "/api/transcripts/export")
    assert zipfile.ZipFile(io.BytesIO(archive)).namelist() == []
    assert await listed(relay, anna.headers) == ["s1"]


async def test_some_are_named_one_by_one(relay: Relay, anna: Person) -> None:
    account = f"user:{anna.user.id}"
    await write(relay, *(record(account, f"s{number}") for number in range(4)))
    await write(relay, record("user:ben", "other"))
    assert await listed(relay, anna.headers, "id=s3&id=s1&id=other&id=none") == ["s3", "s1"]
    archive = await read(relay, anna.headers, "/api/transcripts/export?id=s3&id=s1&id=other")
    assert len(zipfile.ZipFile(io.BytesIO(archive)).namelist()) == 2
    for query in ("id=", "&".join(["id=x"] * 101), f"id={'x' * 201}"):
        answer = await ask(relay, "GET", f"/api/transcripts?{query}", anna.headers)
        assert answer.status == 422
    assert await listed(relay, anna.headers, "id=%00") == []


async def test_operators_see_all_and_kiosks_nothing(
    relay: Relay, anna: Person, olga: Person
) -> None:
    lobby = await device(relay, "lobby")
    of_lobby = record(f"kiosk:{lobby.kiosk.id}", "s2", device="lobby", kind="kiosk")
    await write(relay, record(f"user:{anna.user.id}"), of_lobby)
    assert await listed(relay, olga.headers) == ["s2", "s1"]
    assert await listed(relay, olga.headers, "device=lobby") == ["s2"]
    assert await listed(relay, olga.headers, f"account=user:{anna.user.id}") == ["s1"]
    for path in ("", "/s2", "/s2/export", "/export"):
        answer = await ask(relay, "GET", f"/api/transcripts{path}", lobby.headers)
        assert answer.status == 403


async def test_a_key_has_what_it_said_and_what_its_own_users_said(relay: Relay) -> None:
    (key,) = await relay.services.api_keys.list()
    await write(
        relay,
        record(f"key:{key.id}", "s1"),
        record(f"key:{key.id}:ben", "s2"),
        record(f"key:{key.id}0:ben", "s3"),
    )
    headers = {"xi-api-key": relay.key}
    assert await listed(relay, headers) == ["s1"]
    assert await listed(relay, headers, "subject=ben") == ["s2"]


async def test_pages_follow_one_another_and_hits_are_shown(relay: Relay, anna: Person) -> None:
    account = f"user:{anna.user.id}"
    await write(
        relay,
        *(
            record(account, f"s{number}", started_at=NOON + timedelta(days=number))
            for number in range(5)
        ),
    )
    seen: list[str] = []
    query = "q=Morning&since=2026-11-24&until=2026-11-27&limit=3"
    following: str | None = ""
    while following is not None:
        cursor = f"&cursor={following}" if following else ""
        page = (await checked(relay, anna, "GET", f"/api/transcripts?{query}{cursor}")).body
        seen += [each["id"] for each in page["transcripts"]]
        following = page["next"]
    assert seen == ["s3", "s2", "s1", "s0"]
    first = page["transcripts"][0]
    assert first["found_count"] == 1
    assert first["found"] == [
        {"number": 0, "text": "good morning", "starts_at": 0.0, "hits": [[5, 12]]}
    ]


async def read(relay: Relay, headers: Any, path: str) -> bytes:
    async with aiohttp.request("GET", f"{relay.url}{path}", headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
        return await answer.read()


async def test_transcripts_are_taken_along_as_files(relay: Relay, anna: Person) -> None:
    account = f"user:{anna.user.id}"
    await write(relay, record(account, "s1"), record(account, "s2", language="ru"))
    for name in ("txt", "md", "json", "srt", "vtt", "csv"):
        path = f"/api/transcripts/s1/export?format={name}"
        answer = await checked(relay, anna, "GET", path)
        assert "good" in answer.text
    archive = await read(relay, anna.headers, "/api/transcripts/export?format=txt&language=ru")
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        assert files.testzip() is None
        assert files.namelist() == ["2026-11-24_120000_s2.txt"]
        assert files.read(files.namelist()[0]) == b"good morning\n"


SENSELESS = (
    "q=",
    "q=" + "x" * 201,
    "q=a*",
    "limit=0",
    "limit=101",
    "limit=-",
    "limit=" + "9" * 5000,
    "since=yesterday",
    "since=0001-01-01",
    "until=9999-12-31",
    "device=",
    "device=%00",
    "cursor=.",
    "cursor=W10",
    "cursor=WyIxIiwiIl0",
    "cursor=WyIyMDI2LTExLTI0IiwiXHUwMDAwIl0",
)


async def test_what_makes_no_sense_is_refused(relay: Relay, anna: Person) -> None:
    for query in SENSELESS:
        await checked(relay, anna, "GET", f"/api/transcripts?{query}", 422)


async def test_an_export_that_cant_go_on_breaks_off(relay: Relay, anna: Person) -> None:
    account = f"user:{anna.user.id}"
    await write(relay, record(account))

    async with relay.services.database.writing() as connection:
        # As good as a database that goes away between the two queries.
        await connection.execute(text("ALTER TABLE segments RENAME TO elsewhere"))
    async with aiohttp.request(
        "GET", f"{relay.url}/api/transcripts/s1/export?format=md", headers=anna.headers
    ) as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_what_was_said_in_a_session_is_found_and_deleted_everywhere(relay: Relay) -> None:
    headers = {"xi-api-key": relay.key}
    async with Client(relay, sample_rate=16_000, include_timestamps="true") as client:
        await client.send(identifiable_noise(1.0, 16_000, seed=1))
        await client.stop()
        session_id = client.of("session_started")[0]["session_id"]
        (final,) = client.finals

    async def is_stored() -> bool:
        answer = await ask(relay, "GET", f"/api/transcripts/{session_id}", headers)
        return answer.status == 200 and answer.body["ended_at"] is not None

    await until(is_stored, "the transcript")
    assert await listed(relay, headers, "q=heard") == [session_id]
    answer = await ask(relay, "GET", f"/api/transcripts/{session_id}", headers)
    check("GET", f"/api/transcripts/{session_id}", answer)
    (segment,) = answer.body["segments"]
    assert segment["text"] == final
    assert answer.body["audio_ms"] == 1000
    assert segment["words"]
    assert 0 <= segment["start"] < segment["end"] <= 1.01
    answer = await ask(relay, "DELETE", f"/api/transcripts/{session_id}", headers)
    assert answer.status == 204
    async with relay.services.state.asking() as redis:
        assert not await redis.exists(EVENTS + session_id)


async def test_a_recording_that_the_disk_keeps_doesnt_keep_the_rest(tmp_path: Path) -> None:
    session_id = "3f" * 16
    async with relay_to(NOWHERE, audio_dir=tmp_path) as relay:
        anna = await person(relay, "anna")
        account = f"user:{anna.user.id}"
        await write(relay, record(account, session_id))
        async with relay.services.state.asking() as redis:
            await redis.set(EVENTS + session_id, "what was said")
        # Nobody can delete a folder as a file, not even root.
        kept = tmp_path / session_id[:2] / Name(session_id, owner_of(account)).file
        kept.mkdir(parents=True)
        await checked(relay, anna, "DELETE", f"/api/transcripts/{session_id}", 204)
        async with relay.services.state.asking() as redis:
            assert not await redis.exists(EVENTS + session_id)
        kept.rmdir()
        kept.touch()
        assert await relay.services.tidying.sweep(datetime.now(UTC)) == 1


@pytest.mark.parametrize(
    ("settings", "query"),
    [({"retention_rules": "key:test=0"}, {}), ({}, {"enable_logging": "false"})],
    ids=["by policy", "by request"],
)
async def test_a_session_of_which_nothing_is_to_be_kept_leaves_nothing(
    settings: dict[str, str], query: dict[str, Any]
) -> None:
    async with Simulator() as simulator, relay_to(simulator.url, **settings) as relay:
        async with Client(relay, sample_rate=16_000, **query) as client:
            await client.send(identifiable_noise(1.0, 16_000, seed=1))
            await client.stop()
            started = client.of("session_started")[0]
            assert client.finals
        await relay.services.storing.finish()
        assert started["config"]["enable_logging"] is False
        parameters = simulator.connections[0].parameters
        assert parameters is not None
        assert parameters.enable_logging is False
        assert await listed(relay, {"xi-api-key": relay.key}) == []
        async with relay.services.state.asking() as redis:
            left = [str(key) async for key in redis.scan_iter("*")]
        assert not [key for key in left if started["session_id"] in key and "events" in key]
