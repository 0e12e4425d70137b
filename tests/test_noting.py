"""What a session's parts say about it stands in its logbook, and is passed on."""

from collections.abc import Callable

import pytest

from relay.logbook import Entry, Kind, Logbook
from relay.meter import Meter
from relay.noting import Noting
from tests.test_meter import Heard

NOW = 1_000_000.0


def noting(heard: Meter) -> tuple[Noting, Logbook]:
    book = Logbook(NOW)
    return Noting(heard, book, clock=lambda: NOW), book


@pytest.mark.parametrize(
    ("say", "entry"),
    [
        (lambda meter: meter.session_began("a", "new", None), (Kind.BEGAN, "new")),
        (lambda meter: meter.session_resumed(), (Kind.RESUMED,)),
        (lambda meter: meter.client_left(), (Kind.LEFT,)),
        (lambda meter: meter.session_moves(), (Kind.MOVES,)),
        (lambda meter: meter.audio_warned("clipping"), (Kind.WARNED, "clipping")),
        (lambda meter: meter.speech_to_final(0.5), (Kind.COMMIT, None, 0.5)),
        (lambda meter: meter.gap("lost", 2.0), (Kind.GAP, "lost", 2.0)),
        (lambda meter: meter.upstream_opened(0.25), (Kind.OPENED, None, 0.25)),
        (lambda meter: meter.upstream_failed("lost"), (Kind.FAILED, "lost")),
        (lambda meter: meter.upstream_replays("lost"), (Kind.REPLAYED, "lost")),
        (lambda meter: meter.upstream_rolls_over(closes_first=True), (Kind.ROLLED_OVER,)),
        (lambda meter: meter.upstream_rests(), (Kind.RESTED,)),
    ],
)
def test_what_is_said_is_written_down_and_passed_on(
    say: Callable[[Meter], None], entry: tuple[object, ...]
) -> None:
    heard, directly = Heard(), Heard()
    meter, book = noting(heard)
    say(meter)
    say(directly)
    assert book.unsent == (Entry(NOW, *entry),)  # type: ignore[arg-type]  # of the table above
    assert heard.calls == directly.calls


def test_lag_is_sampled() -> None:
    heard = Heard()
    meter, book = noting(heard)
    meter.added_latency(0.003)
    assert book.added_latency == 0.003
    assert heard.calls == [("added_latency", (0.003,), {})]
