"""What a client that comes back lacks: of its own worker's memory, and of Redis."""

from collections.abc import Callable

from relay.comeback import Lacking, lacking_elsewhere, lacking_here
from relay.downstream.outbox import Outbox
from relay.downstream.request import ResumePoint
from relay.registry import Journal, Ownership, Tenure
from relay.registry.ownership import Missed, Resumable, Snapshot
from relay.state import SharedState

SNAPSHOT = Snapshot(query=(), bearer={}, origin=None, rate_out=16_000, started_at=0.0)


def event(seq: int) -> str:
    return f'{{"message_type":"committed_transcript","seq":{seq},"segment":{seq}}}'


class SlowTenure(Tenure):
    """Knows some events; while it looks them up, something else happens."""

    def __init__(self, *answers: Missed, meanwhile: Callable[[], object] = lambda: None) -> None:
        ownership = Ownership(SharedState.connect(None))
        session = Resumable(
            session_id="s1",
            worker="host:1",
            account="user:1",
            token_digest="5f" * 32,
            snapshot=SNAPSHOT,
            pieces=[(48_000, 0, 0)],
        )
        super().__init__(ownership, Journal(ownership), session)
        self.after: list[int | None] = []
        self._answers = list(answers)
        self._meanwhile = meanwhile

    async def missed(self, after_segment: int | None) -> Missed:
        self.after.append(after_segment)
        answer = self._answers.pop(0)
        self._meanwhile()
        return answer


def known(*seqs: int, is_whole: bool = True) -> Missed:
    return Missed(tuple(event(seq) for seq in seqs), is_whole=is_whole)


def outbox(*seqs: int) -> Outbox:
    """One that was sent these, and keeps the last."""
    made = Outbox(10**6, kept_bytes=1)
    for seq in seqs:
        made.put(event(seq), seq=seq)
    return made


def point(last_seq: int, last_segment: int | None = None) -> ResumePoint:
    return ResumePoint(last_seq, last_segment, from_sample=0)


async def test_what_the_worker_keeps_is_asked_of_nobody() -> None:
    assert await lacking_here(point(2), SlowTenure(), outbox(1, 2, 3), 4) == Lacking(())


async def test_what_the_worker_has_forgotten_redis_has() -> None:
    tenure = SlowTenure(known(1, 2, 3, 4))
    lacking = await lacking_here(point(1, 1), tenure, outbox(1, 2, 3, 4), 5)
    assert lacking.events == [event(2), event(3)]
    assert lacking.is_whole
    assert tenure.after == [1]


async def test_what_is_forgotten_while_redis_is_asked_is_asked_for_again() -> None:
    box = outbox(1, 2, 3)
    news = [4]

    def meanwhile() -> None:
        if news:
            box.put(event(seq := news.pop()), seq=seq)

    tenure = SlowTenure(known(1, 2, 3), known(1, 2, 3, 4), meanwhile=meanwhile)
    lacking = await lacking_here(point(0, 0), tenure, box, 5)
    assert lacking.events == [event(1), event(2), event(3)]
    box.restart("resumed", seq=5, after=0, missed=lacking.events)
    sent = []
    while (text := box.peek()) is not None:
        sent.append(text)
        box.pop()
    assert sent == ["resumed", *map(event, (1, 2, 3, 4))]


async def test_what_nobody_has_kept_is_missing() -> None:
    for found in (known(), known(is_whole=False), known(7, is_whole=False)):
        assert not (await lacking_here(point(0, 0), SlowTenure(found), outbox(1, 2), 3)).is_whole
        assert not (await lacking_elsewhere(point(0, 0), SlowTenure(found), 3)).is_whole


async def test_nothing_is_missing_for_who_has_every_segment() -> None:
    lacking = await lacking_elsewhere(point(9, 8), SlowTenure(known(is_whole=False)), 9)
    assert lacking.is_whole


async def test_nothing_is_missing_where_redis_reaches_back_to_what_the_client_has() -> None:
    tenure = SlowTenure(known(7, 8, 9, is_whole=False))
    lacking = await lacking_elsewhere(point(7, 7), tenure, 10)
    assert lacking.is_whole
    assert lacking.events == [event(8), event(9)]
    assert lacking.context == (event(7), event(8), event(9))
    assert tenure.after == [3]
