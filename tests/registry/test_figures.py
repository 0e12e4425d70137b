"""Figures of all workers, on a real Redis and on the embedded engine."""

from relay.registry.figures import READ_AT_ONCE, FigureHistory
from relay.state import SharedState


async def test_what_workers_counted_in_a_span_is_added_up(state: SharedState) -> None:
    one, other = FigureHistory(state), FigureHistory(state)
    await one.add(100, {"received": 1.25, "errors": 1})
    await other.add(100, {"received": 2.5, "workers": 1})
    await other.add(102, {"workers": 1})
    assert await one.read(99, 103) == {
        100: {"received": 3.75, "errors": 1, "workers": 1},
        102: {"workers": 1},
    }


async def test_many_spans_are_read_in_several_answers(state: SharedState) -> None:
    figures = FigureHistory(state)
    spans = range(7, 7 + 2 * READ_AT_ONCE + 1)
    for span in spans:
        await figures.add(span, {"workers": span})
    assert await figures.read(0, 1000) == {span: {"workers": span} for span in spans}


async def test_figures_are_kept_for_as_long_as_they_are_shown(state: SharedState) -> None:
    await FigureHistory(state).add(1, {"workers": 1})
    async with state.asking() as redis:
        assert 1800 < await redis.ttl("relay:figures:1") <= 2100
