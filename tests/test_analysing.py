"""From the stream of what is said through the database to whoever judges it, and to the webhook."""

import asyncio
import base64
import hashlib
import hmac
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import text

from relay.analysing import Analyser, Analysing, InThread, Moderation
from relay.analysis.local import LocalAnalyser
from relay.analysis.posting import Poster, PostFailed
from relay.analysis.retrying import Retries
from relay.analysis.scores import Score
from relay.errors import StoreUnavailable
from relay.meter import Meter
from relay.notifying import Notifying
from relay.registry import Unstored
from relay.registry.ownership import Ownership
from relay.state import SharedState
from relay.store import Database
from relay.store.analyses import Analyses
from relay.store.deliveries import Deliveries
from relay.store.flags import Flag
from relay.store.segments import Segments
from relay.store.transcripts import Transcripts
from relay.storing import Storing
from tests.store.test_transcripts import record, said
from tests.support.receiving import Receiver, Reply
from tests.support.state import redis_server, state
from tests.support.waiting import until
from tests.test_storing import event, say

__all__ = ["redis_server", "state"]

THRESHOLDS: Final = {"toxicity": 0.5, "threat": 0.5}
AT_ONCE: Final = Retries(first=0.001, longest=0.001, attempts=3, max_age=3600.0)
KEY: Final = b"k" * 32


class Heard(Meter):
    """Writes down what is counted."""

    def __init__(self) -> None:
        self.judged: list[str] = []
        self.failed: list[bool] = []
        self.flags: list[tuple[str, str]] = []
        self.waiting: dict[str, int] = {}
        self.sent: list[str] = []
        self.messages = -1

    def segment_judged(self, analyser: str, seconds: float) -> None:
        self.judged.append(analyser)

    def judging_failed(self, analyser: str, *, is_final: bool) -> None:
        self.failed.append(is_final)

    def flag_raised(self, analyser: str, kind: str) -> None:
        self.flags.append((analyser, kind))

    def segments_wait(self, analyser: str, count: int, age: float) -> None:
        self.waiting[analyser] = count

    def message_sent(self, outcome: str) -> None:
        self.sent.append(outcome)

    def messages_wait(self, count: int) -> None:
        self.messages = count


class Hanging:
    """Never answers, or fails as a library of somebody's would."""

    name = "http"
    timeout = 0.05
    at_once = 4

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.is_closed = False

    async def scores(self, text: str, language: str | None) -> Sequence[Score]:
        if self.error is not None:
            raise self.error
        await asyncio.Event().wait()
        raise AssertionError

    async def aclose(self) -> None:
        self.is_closed = True


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database without rows; copying it takes less than making one."""
    file = tmp_path_factory.mktemp("migrated") / "relay.db"

    async def make() -> None:
        made = Database(f"sqlite:///{file}")
        await made.start()
        await made.aclose()

    asyncio.run(make())
    return file


@pytest.fixture
async def database(migrated: Path, tmp_path: Path) -> AsyncIterator[Database]:
    shutil.copy(migrated, tmp_path / "relay.db")
    made = Database(f"sqlite:///{tmp_path}/relay.db")
    yield made
    await made.aclose()


@pytest.fixture
def meter() -> Heard:
    return Heard()


@pytest.fixture
async def local() -> AsyncIterator[InThread]:
    made = InThread(LocalAnalyser())
    yield made
    await made.aclose()


def analysing_with(
    database: Database, meter: Meter, *analysers: Analyser, **options: Any
) -> Analysing:
    return Analysing(
        Analyses(database),
        analysers,
        thresholds=THRESHOLDS,
        is_told=True,
        meter=meter,
        retries=AT_ONCE,
        gather_interval=0.01,
        **options,
    )


async def flags(database: Database) -> list[Sequence[Flag]]:
    return [segment.flags for segment in await Transcripts(database).segments("s1")]


@asynccontextmanager
async def running(*parts: Analysing | Notifying | Storing) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(part.run()) for part in parts]
        yield
        for task in tasks:
            task.cancel()


async def execute(database: Database, statement: str) -> None:
    async with database.writing() as connection:
        await connection.execute(text(statement))


async def write(database: Database, *texts: str, analysers: Sequence[str] = ("local",)) -> None:
    records = [record(said=said(number, text)) for number, text in enumerate(texts)]
    await Segments(database, analysers).record(records)


async def test_what_is_said_is_judged_flagged_and_told(
    state: SharedState, database: Database, meter: Heard, local: InThread
) -> None:
    analysing = analysing_with(database, meter, local)
    storing = Storing(
        Unstored(state, "host:1"),
        Segments(database, analysing.names),
        on_stored=analysing.wake,
        poll_interval=0.01,
    )
    async with Receiver() as receiver:
        notifying = Notifying(
            Deliveries(database),
            Poster(receiver.url, timeout=5),
            KEY,
            includes_text=False,
            meter=meter,
            poll_interval=0.01,
        )
        async with running(storing, analysing, notifying):
            await say(
                Ownership(state),
                event(0, text="good morning"),
                event(1, text="I will find you and I will kill you."),
            )

            async def is_told() -> bool:
                return len(receiver.received) > 0 and meter.sent == ["delivered"]

            await until(is_told, "the webhook")
    assert await flags(database) == [(), [Flag("threat", 0.95, "local")]]
    assert (meter.judged, meter.flags) == (["local"] * 2, [("local", "threat")])
    (received,) = receiver.received
    told = json.loads(received.body)
    assert told["type"] == "segment.flagged"
    assert (told["data"]["session_id"], told["data"]["segment"]) == ("s1", 1)
    assert told["data"]["flags"] == [{"kind": "threat", "score": 0.95, "analyser": "local"}]
    assert b"kill" not in received.body
    assert "anna" not in received.body.decode()


async def test_the_receiver_knows_from_whom_it_hears_and_gets_the_text_if_wanted(
    database: Database, meter: Heard, local: InThread
) -> None:
    await write(database, "you are an idiot")
    await analysing_with(database, meter, local).judge_some(local)
    async with Receiver() as receiver:
        poster = Poster(receiver.url, timeout=5)
        notifying = Notifying(Deliveries(database), poster, KEY, includes_text=True, meter=meter)
        assert await notifying.tell_some(poster) == (1, 1)
        assert await notifying.tell_some(poster) == (0, 0)
        await poster.aclose()
    (received,) = receiver.received
    headers = received.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + received.body
    expected = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    sent_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    assert abs(datetime.now(UTC) - sent_at) < timedelta(minutes=1)
    assert json.loads(received.body)["data"]["text"] == "you are an idiot"
    assert meter.messages == 0


async def test_a_webhook_that_fails_is_told_again_with_the_same_id(
    database: Database, meter: Heard, local: InThread
) -> None:
    await write(database, "you are an idiot")
    await analysing_with(database, meter, local).judge_some(local)
    async with Receiver() as elsewhere, Receiver() as receiver:
        redirect = Reply(302, headers={"location": elsewhere.url})
        receiver.replies = [redirect, Reply(503), Reply(204, b"")]
        poster = Poster(receiver.url, timeout=5)
        retries = Retries(first=0.001, longest=0.001, attempts=5, max_age=3600.0)
        notifying = Notifying(
            Deliveries(database), poster, KEY, includes_text=False, meter=meter, retries=retries
        )

        async def is_told() -> bool:
            await notifying.tell_some(poster)
            return "delivered" in meter.sent

        await until(is_told, "the third attempt")
        await poster.aclose()
    assert meter.sent == ["failed", "failed", "delivered"]
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 1
    assert elsewhere.received == []


async def test_a_webhook_that_never_answers_is_given_up(
    database: Database, meter: Heard, local: InThread
) -> None:
    await write(database, "you are an idiot")
    await analysing_with(database, meter, local).judge_some(local)
    async with Receiver(Reply(hangs=True)) as receiver:
        poster = Poster(receiver.url, timeout=0.05)
        deliveries = Deliveries(database)
        notifying = Notifying(
            deliveries, poster, KEY, includes_text=False, meter=meter, retries=AT_ONCE
        )

        async def is_given_up() -> bool:
            await notifying.tell_some(poster)
            return await deliveries.count() == 0

        await until(is_given_up, "the last attempt")
        await poster.aclose()
    assert meter.sent == ["failed", "failed", "given_up"]


async def test_a_message_that_cant_be_noted_keeps_no_other_from_being_sent(
    database: Database, meter: Heard, local: InThread
) -> None:
    await write(database, "you are an idiot", "you are a moron")
    await analysing_with(database, meter, local).judge_some(local)
    await execute(
        database,
        "CREATE TRIGGER fault BEFORE DELETE ON deliveries WHEN OLD.number = 0"
        " BEGIN SELECT abs(OLD.number - 9223372036854775807 - 1); END",  # there is no such number
    )
    # The database fails for the first one while the second is on its way.
    async with Receiver(Reply(), Reply(delay=0.2)) as receiver:
        poster = Poster(receiver.url, timeout=5)
        deliveries = Deliveries(database)
        notifying = Notifying(deliveries, poster, KEY, includes_text=False, meter=meter)
        told = await notifying.tell_some(poster)
        await poster.aclose()
    assert told == (2, 1)
    assert meter.sent == ["delivered"]
    assert await deliveries.count() == 1


async def test_without_a_webhook_nothing_is_kept_for_one(
    database: Database, meter: Heard, local: InThread
) -> None:
    await write(database, "you are an idiot")
    await analysing_with(database, meter, local).judge_some(local)
    deliveries = Deliveries(database)
    assert await deliveries.count() == 1
    await Notifying(deliveries, None, b"", includes_text=False, meter=meter).run()
    assert await deliveries.count() == 0


async def test_what_was_taken_back_is_not_told(
    database: Database, meter: Heard, local: InThread
) -> None:
    analysing = analysing_with(database, meter, local)
    await write(database, "you are an idiot")
    await analysing.judge_some(local)
    await Segments(database, ["local"]).record([record(said=said(0, "you are right"), epoch=2)])
    await analysing.judge_some(local)
    async with Receiver() as receiver:
        poster = Poster(receiver.url, timeout=5)
        notifying = Notifying(Deliveries(database), poster, KEY, includes_text=False, meter=meter)
        await notifying.tell_some(poster)
        await poster.aclose()
    assert receiver.received == []
    assert await Deliveries(database).count() == 0


async def test_what_was_emptied_is_put_to_nobody_and_loses_its_flags(
    database: Database, meter: Heard, local: InThread
) -> None:
    await write(database, "you are an idiot")
    await analysing_with(database, meter, local).judge_some(local)
    assert await flags(database) != [()]
    await Segments(database, ["local"]).record([record(said=said(0, ""), epoch=2)])
    assert await analysing_with(database, meter, local).judge_some(local) == (1, 1)
    assert meter.judged == ["local"]
    assert await flags(database) == [()]


def moderation(**scores: float) -> bytes:
    categories = {name.replace("_", "/"): score for name, score in scores.items()}
    return json.dumps({"results": [{"category_scores": categories}]}).encode()


async def test_a_service_in_the_moderation_format_is_asked(
    database: Database, meter: Heard
) -> None:
    await write(database, "nice house", analysers=["http"])
    async with Receiver(Reply(body=moderation(harassment_threatening=0.7, hate=0.2))) as receiver:
        poster = Poster(receiver.url, timeout=5, headers={"authorization": "Bearer key"})
        service = Moderation(poster, "omni-moderation-latest")
        assert await analysing_with(database, meter, service).judge_some(service) == (1, 1)
        await service.aclose()
    (received,) = receiver.received
    assert json.loads(received.body) == {"model": "omni-moderation-latest", "input": "nice house"}
    assert received.headers["authorization"] == "Bearer key"
    assert await flags(database) == [[Flag("threat", 0.7, "http")]]
    assert service.timeout == 5


async def test_a_service_that_is_busy_is_asked_again(database: Database, meter: Heard) -> None:
    await write(database, "nice house", analysers=["http"])
    replies = Reply(429), Reply(500), Reply(body=moderation(harassment=0.9))
    async with Receiver(*replies) as receiver:
        service = Moderation(Poster(receiver.url, timeout=5), None)
        analysing = analysing_with(database, meter, service)

        async def is_judged() -> bool:
            return await analysing.judge_some(service) == (1, 1)

        await until(is_judged, "the third attempt")
        await service.aclose()
    assert meter.failed == [False, False]
    assert await flags(database) == [[Flag("toxicity", 0.9, "http")]]


@pytest.mark.parametrize(
    ("reply", "failed"),
    [
        (Reply(413), [True]),
        (Reply(400), [False, False, True]),  # it may be the model that is misspelt
        (Reply(422), [False, False, True]),
        (Reply(401), [False, False, True]),
        (Reply(body=b"<html>"), [False, False, True]),
    ],
)
async def test_what_is_never_judged_is_given_up(
    database: Database, meter: Heard, reply: Reply, failed: list[bool]
) -> None:
    await write(database, "nice house", analysers=["http"])
    async with Receiver(reply) as receiver:
        service = Moderation(Poster(receiver.url, timeout=5), None)
        analysing = analysing_with(database, meter, service)

        async def is_given_up() -> bool:
            await analysing.judge_some(service)
            return (await Analyses(database).backlog(["http"]))[0] == 0

        await until(is_given_up, "the last attempt")
        await service.aclose()
    assert meter.failed == failed
    assert await flags(database) == [()]


@pytest.mark.parametrize("status", [400, 422])
async def test_a_text_that_alone_is_refused_is_given_up_at_once(
    database: Database, meter: Heard, status: int
) -> None:
    async with Receiver(Reply(body=moderation(harassment=0.9)), Reply(status)) as receiver:
        service = Moderation(Poster(receiver.url, timeout=5), None)
        analysing = analysing_with(database, meter, service)
        await write(database, "nice house", analysers=["http"])
        assert await analysing.judge_some(service) == (1, 1)
        await write(database, "nice house", "nice garden", analysers=["http"])
        assert await analysing.judge_some(service) == (1, 0)
        await service.aclose()
    assert meter.failed == [True]
    assert await Analyses(database).backlog(["http"]) == (0, None)


@pytest.mark.parametrize("error", [None, RuntimeError("nice house"), PostFailed("HTTP 500")])
async def test_an_analyser_that_hangs_or_fails_keeps_nobody_waiting(
    database: Database,
    meter: Heard,
    local: InThread,
    error: Exception | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hanging = Hanging(error)
    analysing = analysing_with(database, meter, local, hanging, poll_interval=0.01)
    async with running(analysing):
        await write(database, "you are an idiot", "nice house", analysers=analysing.names)

        async def is_judged() -> bool:
            return len(meter.judged) == 2 and len(meter.failed) > 0 and "http" in meter.waiting

        await until(is_judged, "the other analyser")
    assert set(meter.judged) == {"local"}
    assert hanging.is_closed
    assert "nice house" not in capsys.readouterr().out


async def test_while_the_database_is_away_judging_waits(
    database: Database, meter: Heard, local: InThread
) -> None:
    await write(database, "you are an idiot")
    analysing = analysing_with(database, meter, local, poll_interval=0.01)
    assert database.file is not None
    aside = database.file.with_suffix(".aside")
    await database.aclose()
    database.file.rename(aside)
    database.file.mkdir()  # nothing that could be opened
    with pytest.raises(StoreUnavailable):
        await analysing.judge_some(local)
    async with running(analysing):
        await asyncio.sleep(0.05)
        assert (meter.judged, meter.waiting) == ([], {})
        database.file.rmdir()
        aside.rename(database.file)
        analysing.wake()

        async def is_judged() -> bool:
            return (await Analyses(database).backlog(["local"]))[0] == 0

        await until(is_judged, "the database")
    assert meter.judged == ["local"]
    assert await flags(database) == [[Flag("toxicity", 0.75, "local")]]


async def test_without_analysers_nothing_waits_and_nothing_runs(
    database: Database, meter: Heard
) -> None:
    await write(database, "you are an idiot")
    await analysing_with(database, meter).run()
    assert await Analyses(database).backlog(["local"]) == (0, None)


REFUSES: Final = "CREATE TRIGGER fault BEFORE DELETE ON {} BEGIN SELECT RAISE(ABORT, 'no'); END"
"""Makes a database that is there raise what isn't `StoreUnavailable`."""


async def test_a_fault_of_the_queue_ends_no_worker(
    database: Database, meter: Heard, local: InThread, capsys: pytest.CaptureFixture[str]
) -> None:
    await write(database, "nice house", "you are an idiot", analysers=["http", "gone"])
    await execute(database, REFUSES.format("analyses"))
    # What no look at the queue can read.
    await execute(database, "UPDATE analyses SET created_at = 'idiot', due_at = '2999-01-01'")
    analysing = analysing_with(database, meter, Hanging(), local)
    async with running(analysing):

        async def is_seen() -> bool:
            return "local" in meter.waiting

        await until(is_seen, "the look at the other analyser's queue")
    assert "http" not in meter.waiting
    logged = capsys.readouterr().out
    assert ("IntegrityError" in logged, "ValueError" in logged) == (True, True)
    assert "idiot" not in logged


async def test_a_fault_of_the_messages_ends_no_worker(
    database: Database, meter: Heard, local: InThread, capsys: pytest.CaptureFixture[str]
) -> None:
    await write(database, "you are an idiot")
    await analysing_with(database, meter, local).judge_some(local)
    await execute(database, REFUSES.format("deliveries"))
    await Notifying(Deliveries(database), None, b"", includes_text=False, meter=meter).run()
    assert "IntegrityError" in capsys.readouterr().out
