"""Transcripts that somebody can look at, in two languages; what is said in them is invented."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from relay.store.segments import Record, Said, Segments
from tests.support.flags import flag
from tests.support.people import Person
from tests.support.relay import Relay

SECONDS_PER_WORD: Final = 0.4
PAUSE: Final = 1.2
"""Seconds between two segments."""

BEGUN: Final = datetime(2026, 11, 24, 7, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Talk:
    """A session that was had."""

    id: str
    language: str
    texts: Sequence[str]
    title: str | None = None
    device: str | None = None


TALKS: Final = (
    Talk(
        "8f14e45fceea467f8b0d2a1c6d3e9b01",
        "en",
        (
            "Good morning. This is the handover for ward three, the night was quiet apart from "
            "room twelve.",
            "Room twelve had a temperature of thirty-eight four at two o’clock, paracetamol was "
            "given and it came down by four.",
            "Please check the drip in room nine before the round, the pump gave two warnings.",
            "The physiotherapist will come at ten instead of eleven, so please have room nine "
            "ready by then.",
            "If they threaten to leave again, call the doctor; I will not have another morning "
            "like that.",
        ),
        title="Handover, ward three",
    ),
    Talk(
        "c9f0f895fb98ab9159f51fd0297e236d",
        "ru",
        (
            "Доброе утро, коллеги. Сегодня обсуждаем погоду и расписание выездов на неделю.",
            "Погода во вторник обещает быть плохой, поэтому первую бригаду переносим на среду.",
            "Ещё раз прошу всех отметиться в журнале до десяти часов.",
        ),
        title="Планёрка",
    ),
    Talk(
        "d3d9446802a44259755d38e6d163e820",
        "en",
        ("Hello, I have an appointment this morning at half past nine.", "Thank you, I will wait."),
        device="eye clinic, second floor",
    ),
)


async def converse(relay: Relay, who: Person) -> None:
    """Let somebody have had all of these talks, one a day, the first one today's."""
    for days, talk in enumerate(TALKS):
        begun = BEGUN - timedelta(days=days, minutes=17 * days)
        await Segments(relay.services.database).record(_records(talk, who, begun))
        if talk.title is not None:
            await relay.services.transcripts.rename(talk.id, None, talk.title)
    await flag(relay.services.database, TALKS[0].id, 4, {"threat": 0.87})


def _records(talk: Talk, who: Person, begun: datetime) -> list[Record]:
    records, at, words_before = list[Record](), 0.5, 0
    for number, text in enumerate(talk.texts):
        words, start = _words(text, at), at
        at = words[-1]["end"] if isinstance(words[-1]["end"], float) else at
        words_before += len([word for word in words if word["type"] == "word"])
        said = Said(
            number=number,
            text=text,
            language=talk.language,
            cause="vad",
            starts_at=start,
            ends_at=at,
            words=json.dumps(words, ensure_ascii=False),
        )
        is_last = number == len(talk.texts) - 1
        records.append(
            Record(
                session_id=talk.id,
                epoch=1,
                is_fenced=True,
                account=f"user:{who.user.id}",
                kind="user",
                name=who.user.name,
                device=talk.device,
                language=talk.language,
                started_at=begun,
                at=begun + timedelta(seconds=at),
                audio_ms=round(at * 1000),
                segments=number + 1,
                words=words_before,
                has_ended=is_last,
                said=said,
            )
        )
        at += PAUSE
    return records


def _words(text: str, at: float) -> list[dict[str, object]]:
    """As Scribe sends them: words, and the spaces between."""
    words: list[dict[str, object]] = []
    for part in text.split(" "):
        if words:
            words.append({"text": " ", "start": at, "end": at, "type": "spacing"})
        end = round(at + SECONDS_PER_WORD, 3)
        words.append({"text": part, "start": round(at, 3), "end": end, "type": "word"})
        at = end
    return words
